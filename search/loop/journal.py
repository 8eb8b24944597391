"""The record of finished trials: an Optuna journal in a file, a study in a database, or memory.

Each finished trial is appended once, as one complete record: a killed process leaves no half-written trial, and a later
run resumes from the journal.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import optuna
from optuna.trial import FrozenTrial

from search.errors import StudyError
from search.files import trouble
from search.loop import file_journal, records, replay
from search.loop import identity as identities
from search.loop.database import journal as in_database
from search.loop.database.journal import DatabaseJournal
from search.loop.file_journal import ENDING, FileJournal
from search.loop.open_study import OpenOptunaStudy
from search.loop.records import AGAIN
from search.loop.replay import Content, Origin
from search.project import store
from search.samplers.optuna_terms import distributions, finished, quiet
from search.space.spaces import Space
from search.trials.outcomes import Outcome
from search.trials.penalties import Feedback

STUDIES = Path("studies")
"""Folder of the journals of study files, in the current one."""

Address = Path | DatabaseJournal
"""Where a journal is: a file, or a study of a database."""


class OpenJournal(Protocol):
    """A journal that is written, and kept from other processes."""

    @property
    def origin(self) -> Origin | None:
        """Where it was read, for errors about what is damaged."""

    @property
    def was_empty(self) -> bool:
        """Whether there was a journal with nothing in it."""

    @property
    def notes(self) -> dict[str, Any]:
        """The facts about the whole study."""

    @property
    def trials(self) -> list[FrozenTrial]:
        """The finished trials."""

    def add(self, trial: FrozenTrial) -> None:
        """Append a finished trial."""

    def note(self, key: str, value: Any) -> None:
        """Store a fact about the whole study."""

    @property
    def is_stored(self) -> bool:
        """Whether a power cut loses nothing."""

    def store(self) -> None:
        """Wait until a power cut loses nothing."""

    def close(self) -> None:
        """Release the journal for other processes."""


class Journal(Protocol):
    """A journal, whether it is there or not."""

    @property
    def name(self) -> str:
        """The name of the study."""

    def sibling(self, name: str) -> Address:
        """Return where another study of the same place is."""

    def exists(self) -> bool:
        """Return whether there is a journal."""

    def size(self) -> str:
        """Return how large it is, in words."""

    def state(self) -> tuple[int, ...] | None:
        """Return what changes whenever the journal does; None if there is none."""

    def running(self) -> bool:
        """Return whether a run has it open."""

    def opened(self, name: str) -> OpenJournal:
        """Open it to write."""

    def held(self) -> AbstractContextManager[Callable[[], None]]:
        """Keep other runs away; what is yielded deletes the journal."""

    def content(self) -> Content | None:
        """Read it, whether a run has it open or not; None if it has no study yet."""

    def is_left(self) -> bool:
        """Return whether a run that was killed has left something beside it: to hold the journal once takes it away."""


class InMemory(OpenOptunaStudy):
    """The trials of a study that nobody keeps."""

    origin: Origin | None = None
    was_empty = False

    def __init__(self, name: str) -> None:
        with quiet():
            self._study = optuna.create_study(study_name=name, direction="maximize")

    is_stored = True

    def store(self) -> None:
        """There is nothing to store."""

    def close(self) -> None:
        """There is nothing to release."""


class StudyStore:
    """The finished trials of one study, in an Optuna journal or, without an address, in memory.

    Parameters
    ----------
    address : Path, DatabaseJournal or None
        The journal.
    name : str
        Name of the Optuna study in it.
    identity : dict of str to JSON
        What makes trials comparable: space, data, folds, scoring and so on. Each key is a name that the user knows.
    space : Space

    Raises
    ------
    StudyError
        If the journal cannot be written, is in use, is damaged, or belongs to a study with another identity.
    """

    def __init__(self, address: Address | None, name: str, identity: Mapping[str, Any], space: Space) -> None:
        self._space, self._axes, self._distributions = space, space.axes, distributions(space.axes)
        self._journal: OpenJournal = InMemory(name) if address is None else at(address).opened(name)
        try:
            self._check_identity(address, name, json.loads(json.dumps(identity)))
            trials, origin = self._journal.trials, self._journal.origin
            self.outcomes = replay.outcomes(trials, space, origin)
            self.feedback = replay.feedback(trials, origin)
            self.again = replay.again(self.notes, self.outcomes, origin)
        except OSError as error:
            self.close()
            raise StudyError(trouble.told(error, str(address or name))) from None
        except BaseException:
            self.close()
            raise

    def record(self, outcome: Outcome, feedback: Feedback) -> None:
        """Append a finished trial and the feedback that the sampler got for it."""
        leaves = self._space.leaves(outcome.params)
        notes = {"number": outcome.number, "value": feedback.value, "outcome": outcome.encoded}
        self._journal.add(finished(leaves, self._axes, outcome, feedback, notes, self._distributions))
        self.outcomes[outcome.number] = outcome
        self.feedback[outcome.number] = feedback

    @property
    def is_stored(self) -> bool:
        """Whether a power cut loses none of the trials; a kill of the process never does."""
        return self._journal.is_stored

    def store(self) -> None:
        """Wait until a power cut loses none of the trials.

        Raises
        ------
        StudyError
            If they cannot be stored.
        """
        self._journal.store()

    def record_again(self, outcome: Outcome) -> None:
        """Append a reevaluation of one of the best trials."""
        self.again.setdefault(outcome.number, []).append(outcome)
        self.note(
            AGAIN, {str(number): [outcome.as_json() for outcome in again] for number, again in self.again.items()}
        )

    @property
    def was_empty(self) -> bool:
        """Whether there was a journal with nothing in it: then something else has emptied it."""
        return self._journal.was_empty

    @property
    def settled(self) -> dict[int, Outcome]:
        """The outcomes by trial number; reevaluated trials are pooled over their evaluations."""
        return records.settled(self.outcomes, self.again)

    @property
    def when(self) -> float:
        """When the last trial ended, as in `Stored`."""
        return max(replay.ended(self._journal.trials).values(), default=0.0)

    @property
    def notes(self) -> dict[str, Any]:
        """The facts written by `note`."""
        return self._journal.notes

    def note(self, key: str, value: Any) -> None:
        """Store a fact about the whole study."""
        self._journal.note(key, value)

    def close(self) -> None:
        """Release the journal for other processes."""
        self._journal.close()

    def _check_identity(self, address: Address | None, name: str, identity: dict[str, Any]) -> None:
        origin, notes = self._journal.origin, self.notes
        known = notes.get("identity")
        if known is None and self._journal.trials and origin is not None:
            raise origin.of_trial("its trials come before the note 'identity'", 0)
        if known is None:
            self.note("id", uuid.uuid4().hex)
            self.note("identity", identity)
            return
        if "id" not in notes and origin is not None:
            raise origin.of_note("the note 'id' is missing", "id")
        identities.compare(known, identity, address, name)


@dataclass(frozen=True)
class Stored:
    """What a journal holds.

    Attributes
    ----------
    name : str
    notes : dict
        The facts written by `StudyStore.note`.
    outcomes : dict of int to Outcome
        By trial number; reevaluated trials are pooled over their evaluations.
    when : float
        When the last trial ended, in seconds since 1970; 0 if there is none.
    ended : dict of int to float
        When each trial ended, by its number.
    first : dict of int to Outcome
        The first evaluation of each trial: that is what its run in a tracker has.
    feedback : dict of int to Feedback
        What the sampler got for each trial.
    """

    name: str
    notes: dict[str, Any]
    outcomes: dict[int, Outcome]
    when: float
    ended: Mapping[int, float] = field(default_factory=dict)
    first: Mapping[int, Outcome] = field(default_factory=dict)
    feedback: Mapping[int, Feedback] = field(default_factory=dict)


def read(address: Address, space: Space | None = None, identity: Mapping[str, Any] | None = None) -> Stored | None:
    """Read a journal without a lock: its study may be running, and nothing is changed.

    Parameters
    ----------
    address : Path or DatabaseJournal
    space : Space, optional
        Without it, outcomes have no hyperparameters.
    identity : dict of str to JSON, optional
        What makes trials comparable, if those of another one must be refused.

    Returns
    -------
    Stored or None
        None if it has no study yet.

    Raises
    ------
    StudyError
        If it cannot be read.
    """
    found = at(address).content()
    if found is None:
        return None
    if identity is not None and "identity" in found.notes:
        identities.compare(found.notes["identity"], json.loads(json.dumps(identity)), address, found.name)
    outcomes = replay.outcomes(found.trials, space, found.origin)
    again = replay.again(found.notes, outcomes, found.origin)
    ended = replay.ended(found.trials, found.origin)
    told = replay.feedback(found.trials, found.origin)
    when = max(ended.values(), default=0.0)
    return Stored(found.name, found.notes, records.settled(outcomes, again), when, ended, outcomes, told)


def at(address: Address) -> Journal:
    """Return the journal at an address."""
    if isinstance(address, Path):
        return FileJournal(address)
    return address


def address_of(name: str, folder: Path = STUDIES) -> Address:
    """Return where the journal of a study is: in the store of the project, or else in a file.

    >>> address_of("wine").as_posix()
    'studies/wine.journal'
    """
    uri = _store(folder)
    return file_journal.path_of(name, folder) if uri is None else DatabaseJournal(uri, name)


def addresses(folder: Path = STUDIES) -> list[Address]:
    """Return where the journals of a folder are, or of the store of the project: those of short names first."""
    uri = _store(folder)
    if uri is None:
        return sorted(folder.glob(f"*{ENDING}"), key=lambda path: (len(path.name), path.name))
    names = sorted(in_database.names(uri), key=lambda name: (len(name), name))
    return [DatabaseJournal(uri, name) for name in names]


def _store(folder: Path) -> str | None:
    """Return the store of the project of a folder; other folders than that of the current project have files."""
    return store.address() if folder == STUDIES else None


def running(address: Address) -> bool:
    """Return whether a run has this journal open."""
    return at(address).running()


def held(address: Address) -> AbstractContextManager[Callable[[], None]]:
    """Keep other runs away from a journal; what is yielded deletes it.

    Raises
    ------
    StudyError
        If one has it open.
    """
    return at(address).held()
