"""A journal in a file: Optuna's format, locked through a file beside it while a run has it open."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from search.errors import InUseError, StudyError
from search.files import locking, trouble, writing
from search.files.locking import Lock
from search.loop import lines, records, replay
from search.loop.lines import FIRST_NOTE, NOTE, TRIAL, Lines
from search.loop.open_study import OpenOptunaStudy
from search.loop.redaction import without_secrets
from search.loop.replay import Content
from search.loop.trial_lines import TrialLines
from search.samplers.optuna_terms import quiet

ENDING = ".journal"


@dataclass(frozen=True)
class Place:
    """Lines of a journal, for errors about what they say."""

    lines: Lines

    @property
    def where(self) -> Path:
        """The file."""
        return self.lines.path

    def of_trial(self, reason: object, place: int | None = None) -> StudyError:
        """Return the error that a trial is damaged, with its line; that which was read last if it is a new one."""
        known = self.lines.trials
        return self.lines.damaged(reason, known[place] if place is not None and place < len(known) else None)

    def of_note(self, reason: object, key: str) -> StudyError:
        """Return the error that a note is damaged, with its line; that of the first note if it is missing."""
        return self.lines.damaged(reason, self.lines.notes.get(key, FIRST_NOTE))


class OpenFile(OpenOptunaStudy):
    """A journal's file that is written, and locked against other processes.

    Parameters
    ----------
    path : Path
    name : str
        Of the study.

    Raises
    ------
    StudyError
        If it cannot be written, is in use, is damaged, or holds another study.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._lock: Lock | None = locked(path)
        self._lines: Lines | None = None
        self._directly: TrialLines | None = None
        try:
            self._lines = _lines(path, writable=True)
            if without_secrets(path):  # it is another file now
                self._lines.close()
                self._lines = _lines(path, writable=True)
            self.origin = Place(self._lines)
            with quiet():
                self._study = _opened(self._lines, name)
        except OSError as error:
            self.close()
            raise StudyError(trouble.told(error, path)) from None
        except BaseException:
            self.close()
            raise

    def add(self, trial: FrozenTrial) -> None:
        """Append a finished trial: without Optuna, once the first one has shown what it writes."""
        if self._directly is not None and self._directly.are_optunas:
            self._directly.add(trial)
            return
        super().add(trial)
        if self._directly is None and self._lines is not None:
            self._directly = TrialLines(self._lines, self._lines.last, trial)

    @property
    def was_empty(self) -> bool:
        """Whether there was a file with nothing in it: then something else has emptied it."""
        return self._lines is not None and self._lines.was_empty

    @property
    def is_stored(self) -> bool:
        """Whether a power cut loses nothing."""
        return self._lines is None or self._lines.is_stored

    def store(self) -> None:
        """Wait until a power cut loses nothing."""
        if self._lines is not None:
            self._lines.store()

    def close(self) -> None:
        """Release the journal for other processes."""
        if self._lines is not None:
            self._lines.close()
            self._lines = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None


@dataclass(frozen=True)
class FileJournal:
    """A journal in a file, whether it is there or not."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """The name of the study."""
        return self.path.name.removesuffix(ENDING)

    def sibling(self, name: str) -> Path:
        """Return where another study of the same folder is."""
        return self.path.with_name(f"{name}{ENDING}")

    def exists(self) -> bool:
        """Return whether there is a journal."""
        return self.path.exists()

    def size(self) -> str:
        """Return how large it is, in words."""
        return f"{self.path.stat().st_size / 1024:,.0f} KiB"

    def state(self) -> tuple[int, ...] | None:
        """Return what changes whenever the journal does; None if there is none."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_size, status.st_mtime_ns

    def running(self) -> bool:
        """Return whether a run has it open."""
        return locking.held(beside(self.path))

    def opened(self, name: str) -> OpenFile:
        """Open it to write."""
        return OpenFile(self.path, name)

    @contextmanager
    def held(self) -> Iterator[Callable[[], None]]:
        """Keep other runs away; what is yielded deletes the journal."""
        lock = locked(self.path)
        try:
            yield self._delete
        finally:
            lock.release()

    def content(self) -> Content | None:
        """Read it without a lock; None if it has no study yet."""
        try:
            found = _lines(self.path, writable=False)
        except OSError as error:
            raise StudyError(f"{self.path} cannot be read: {error.strerror}") from None
        with closing(found), quiet():
            storage = _storage(found)
            names = [study.study_name for study in storage.get_all_studies()]
            if not names:
                return None
            study = optuna.load_study(study_name=names[0], storage=storage)
            return Content(names[0], dict(study.user_attrs), study.get_trials(deepcopy=False), Place(found))

    def is_left(self) -> bool:
        """Return whether a run that was killed has left the file of its lock."""
        return beside(self.path).exists()

    def _delete(self) -> None:
        try:
            for each in (self.path, lines.cut_off(self.path)):
                each.unlink(missing_ok=True)
        except OSError as error:
            raise StudyError(f"{self.path} cannot be deleted: {error.strerror}; the rest of the study is") from None


def path_of(name: str, folder: Path) -> Path:
    """Return the file of a study's journal.

    >>> path_of("wine", Path("studies")).as_posix()
    'studies/wine.journal'
    """
    return folder / f"{name}{ENDING}"


def beside(path: Path) -> Path:
    """Return the file of the lock of a journal."""
    return path.with_name(f"{path.name}.lock")


def locked(path: Path) -> Lock:
    """Lock a journal through a file beside it; the lock is released when the process ends, even if it is killed.

    Raises
    ------
    StudyError
        If another run has it open, or the folder cannot be written.
    """
    try:
        writing.made(path.parent)
        return Lock(beside(path))
    except BlockingIOError:
        raise InUseError(f"{path} is in use by another run of this study; wait for it, or choose a new name") from None
    except StudyError as error:
        raise StudyError(f"{path} cannot be written: {error}") from None
    except OSError as error:
        raise StudyError(trouble.told(error, path)) from None


def _opened(lines: Lines, name: str) -> optuna.Study:
    """Open a study or create it; an existing study is only read."""
    storage = _storage(lines)
    names = [study.study_name for study in storage.get_all_studies()]
    if names and names != [name]:
        raise StudyError(f"{lines.path} holds the study {names[0]!r}, not {name!r}; move it away to start over")
    if names:
        return optuna.load_study(study_name=name, storage=storage)
    return optuna.create_study(study_name=name, storage=storage, direction="maximize")


def _lines(path: Path, *, writable: bool) -> Lines:
    numbers: dict[int, int] = {}  # lines of trials, by their numbers

    def check(log: Mapping[str, Any], line: int) -> None:
        if log["op_code"] == NOTE:
            ((key, value),) = log["user_attr"].items()
            records.check_note(key, value)
        if log["op_code"] == TRIAL:
            number = replay.check_trial(log["user_attrs"], log["state"])
            if number in numbers:
                raise ValueError(f"trial {number} stands in line {numbers[number]}, too")
            numbers[number] = line

    return Lines(path, writable=writable, check=check)


def _storage(lines: Lines) -> Any:
    """Replay a journal.

    Raises
    ------
    StudyError
        If that fails; the message has the line.
    """
    with warnings.catch_warnings(), replay.replaying(Place(lines)):
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.storages.JournalStorage(lines)
