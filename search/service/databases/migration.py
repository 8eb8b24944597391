"""The studies of a folder moved into a store, and back: everything is copied and compared before anything is moved away."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Engine

from search.errors import StudyError
from search.files import locking, trouble, writing
from search.loop import file_journal, lines, moving
from search.loop.database import journal as in_database
from search.loop.database.journal import DatabaseJournal
from search.loop.file_journal import ENDING
from search.loop.journal import STUDIES, Address
from search.service import schema
from search.service.databases import copying, engines
from search.service.place import Place


@dataclass(frozen=True)
class Moved:
    """What was moved.

    Attributes
    ----------
    studies, trials, queued : int
        Journals, those of outer folds included; their finished trials; and studies of the queue.
    folder : Path or None
        Where the files are that were copied.
    """

    studies: int
    trials: int
    queued: int
    folder: Path | None = None


def to_store(address: str, told: Callable[[str], None] = lambda line: None) -> Moved:
    """Move the studies and the queue of this folder into a store.

    Parameters
    ----------
    address : str
    told : callable
        Called with a line for each study.

    Raises
    ------
    StudyError
        If something runs, the store has another study of a name, or a copy differs. Nothing is moved away then; the same
        call goes on.
    """
    files = sorted(STUDIES.glob(f"*{ENDING}"))
    pairs: list[tuple[Address, Address]] = [
        (path, DatabaseJournal(address, path.name.removesuffix(ENDING))) for path in files
    ]
    queue = Place().database
    trials, queued = _copied(pairs, queue if queue.exists() else None, address, told)
    own = [*files, *filter(Path.exists, map(lines.cut_off, files)), *([queue] if queue.exists() else [])]
    return Moved(len(files), trials, queued, _aside(own) if own else None)


def to_folder(address: str, told: Callable[[str], None] = lambda line: None) -> Moved:
    """Copy the studies and the queue of a store into this folder; the store keeps them.

    Raises
    ------
    StudyError
        As `to_store`.
    """
    names = in_database.names(address)
    pairs: list[tuple[Address, Address]] = [
        (DatabaseJournal(address, name), file_journal.path_of(name, STUDIES)) for name in sorted(names)
    ]
    has_queue = engines.has_queue(address)
    place = Place().made()
    trials, queued = _copied(pairs, address if has_queue else None, place.database, told)
    if has_queue:
        place.database.chmod(0o600)
    return Moved(len(names), trials, queued)


def _copied(
    pairs: list[tuple[Address, Address]],
    queue: Path | str | None,
    target: Path | str,
    told: Callable[[str], None],
) -> tuple[int, int]:
    """Check all, then copy all; return the numbers of trials and of studies in the queue."""
    if locking.held(Place().lock):
        raise StudyError("a service runs in this folder; stop it first")
    with ExitStack() as stack:
        both = None if queue is None else (_opened(queue, stack), _opened(target, stack))
        if both is not None:
            copying.check(both[0])
        for source, place in pairs:
            moving.check(source, place)
        trials = 0
        for source, place in pairs:
            found = moving.copy(source, place)
            told(f"{place}: {found:,} trials")
            trials += found
        return trials, 0 if both is None else copying.copy(*both)


def _opened(where: Path | str, stack: ExitStack) -> Engine:
    engine = schema.opened(where)
    stack.callback(engine.dispose)
    return engine


def _aside(files: list[Path]) -> Path:
    """Move files that were copied into a new folder beside the studies."""
    name = f"migrated-{date.today().isoformat()}"
    tried = [STUDIES / name, *(STUDIES / f"{name}-{number}" for number in range(2, 1000))]
    folder = next(each for each in tried if not any((each / path.name).exists() for path in files))
    try:
        writing.made(folder)
        for path in files:
            path.rename(folder / path.name)
    except OSError as error:
        raise StudyError(trouble.told(error, folder, "all studies were copied; run the same command again")) from None
    return folder
