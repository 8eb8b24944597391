"""A journal in a database: a study of Optuna's tables, written by the process that holds its lease."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from sqlalchemy import Connection, Engine, event, func, select

from search.errors import StudyError
from search.loop import records, replay
from search.loop.database import lease, rows
from search.loop.database.lease import FencedError, Lease
from search.loop.database.server import Server, journals, server
from search.loop.replay import Content
from search.samplers.optuna_terms import quiet
from search.tables.secrets import masked

OVER = "delete it, or move it away, to start over"

MOST_TOLD = 200
"""Characters of what a message quotes of damage."""


@dataclass(frozen=True)
class DatabaseJournal:
    """A journal in a database, whether it is there or not.

    Attributes
    ----------
    uri : str
        The store; it may hold a password.
    name : str
        Of the study.

    Examples
    --------
    >>> print(DatabaseJournal("postgresql+psycopg2://me:s3cret@host/db", "wine"))
    study 'wine' in postgresql+psycopg2://***@host/db
    """

    uri: str = field(repr=False)
    name: str

    def __str__(self) -> str:
        return f"study {self.name!r} in {masked(self.uri)}"

    def sibling(self, name: str) -> DatabaseJournal:
        """Return where another study of the same store is."""
        return DatabaseJournal(self.uri, name)

    def exists(self) -> bool:
        """Return whether there is a journal."""
        return self.state() is not None

    def size(self) -> str:
        """Return how large it is, in words."""
        known = server(self.uri)

        def attempt() -> int:
            with known.engine.begin() as connection:
                found = rows.trials.join(rows.studies, rows.trials.c.study_id == rows.studies.c.study_id)
                counted = select(func.count()).select_from(found).where(rows.studies.c.study_name == self.name)
                return int(connection.execute(counted).scalar_one())

        return f"{known.patiently(attempt):,} trials"

    def state(self) -> tuple[int, ...] | None:
        """Return what changes whenever the journal does; None if there is none."""
        known = server(self.uri)

        def attempt() -> tuple[int, ...] | None:
            with known.engine.begin() as connection:
                found = select(journals.c.fence, journals.c.changes).where(journals.c.name == self.name)
                row = connection.execute(found).first()
                return None if row is None else tuple(row)

        return known.patiently(attempt)

    def running(self) -> bool:
        """Return whether a run has it open."""
        return lease.until(server(self.uri), self.name) is not None

    def opened(self, name: str) -> OpenStudy:
        """Open it to write."""
        return OpenStudy(self)

    @contextmanager
    def held(self) -> Iterator[Callable[[], None]]:
        """Keep other runs away; what is yielded deletes the journal."""
        known = server(self.uri)
        held = Lease(known, self.name, str(self))
        try:
            yield lambda: self._delete(known, held)
        finally:
            held.release()

    def content(self) -> Content | None:
        """Read it without a lease; None if it has no study yet.

        Raises
        ------
        StudyError
            If there is no journal, or it is damaged.
        """
        if not self.exists():
            raise StudyError(f"{self} cannot be read: there is none")
        known = server(self.uri)
        study = known.patiently(lambda: _loaded(known.reading, self.name))
        if study is None:
            return None
        notes, trials = known.patiently(lambda: (dict(study.user_attrs), study.get_trials(deepcopy=False)))
        found = Content(self.name, notes, trials, Origin(self, trials))
        check(found)
        return found

    def is_left(self) -> bool:
        """Return False: a lease runs out by itself."""
        return False

    def _delete(self, known: Server, held: Lease) -> None:
        def attempt() -> None:
            with quiet():
                if (study := _loaded(known.reading, self.name)) is not None:
                    optuna.delete_study(study_name=study.study_name, storage=known.reading)
            with known.engine.begin() as connection:
                held.forget(connection)

        known.patiently(attempt)


@dataclass(frozen=True)
class Origin:
    """Trials and notes of a database, for errors about them."""

    journal: DatabaseJournal
    trials: list[FrozenTrial]

    @property
    def where(self) -> str:
        """The journal, in words."""
        return str(self.journal)

    def of_trial(self, reason: object, place: int | None = None) -> StudyError:
        """Return the error that a trial is damaged, with Optuna's number of it."""
        known = place is not None and place < len(self.trials)
        return self._damaged(reason, f"trial {self.trials[place].number}" if known and place is not None else "a trial")

    def of_note(self, reason: object, key: str) -> StudyError:
        """Return the error that a note is damaged."""
        return self._damaged(reason, f"note {key!r}")

    def _damaged(self, reason: object, what: str) -> StudyError:
        told = f"{type(reason).__name__}: {reason}" if isinstance(reason, Exception) else str(reason)
        shown = " ".join(told.split())
        shown = shown if len(shown) <= MOST_TOLD else f"{shown[:MOST_TOLD]}…"
        return StudyError(f"{self.journal} is damaged: {what} ({shown}); {OVER}")


class OpenStudy:
    """A study in a database that is written, while its lease is held.

    Parameters
    ----------
    journal : DatabaseJournal

    Raises
    ------
    StudyError
        If the database cannot be used, the study is in use, is damaged, or is another program's.
    """

    was_empty = False

    def __init__(self, journal: DatabaseJournal) -> None:
        self._engine: Engine | None = None
        self._adding: int | None = None
        self._server = server(journal.uri)
        self._lease: Lease | None = Lease(self._server, journal.name, str(journal))
        try:
            self._storage = self._server.patiently(self._server.storage)
            self._engine = engine_of(self._storage, self._check)
            self._is_known = self._storage.get_head_version() in rows.REVISIONS
            self._study = self._server.patiently(lambda: _made(self._storage, journal))
            self._id = self._server.patiently(lambda: self._storage.get_study_id_from_name(journal.name))
            self._seen = self._server.patiently(lambda: _loaded(self._server.reading, journal.name) or self._study)
            self._notes = self._server.patiently(lambda: dict(self._seen.user_attrs))
            self.origin = Origin(journal, self.trials)
            check(Content(journal.name, self._notes, self.origin.trials, self.origin))
        except BaseException:
            self.close()
            raise

    @property
    def notes(self) -> dict[str, Any]:
        """The facts about the whole study: nobody else changes them."""
        return dict(self._notes)

    @property
    def trials(self) -> list[FrozenTrial]:
        """The finished trials."""
        return self._server.patiently(lambda: self._seen.get_trials(deepcopy=False))

    def add(self, trial: FrozenTrial) -> None:
        """Append a finished trial, once: after an error it is looked for first, as the reply may have been lost."""
        tries = count()
        straight = self._is_known and self._engine is not None
        self._written(lambda: (self._add if straight else self._add_by_optuna)(trial, again=next(tries) > 0))

    def note(self, key: str, value: Any) -> None:
        """Store a fact about the whole study."""
        self._written(lambda: self._study.set_user_attr(key, value))
        self._notes[key] = value

    is_stored = True

    def store(self) -> None:
        """There is nothing to wait for: each transaction is stored when it is committed."""

    def close(self) -> None:
        """Release the study for other processes."""
        if self._lease is not None:
            self._lease.release()
            self._lease = None
        if self._engine is not None:
            self._engine.dispose()

    def _add(self, trial: FrozenTrial, *, again: bool) -> None:
        assert self._engine is not None
        with self._engine.begin() as connection:
            if not (again and rows.count(connection, self._id, trial.user_attrs["number"])):
                rows.add(connection, self._id, trial)

    def _add_by_optuna(self, trial: FrozenTrial, *, again: bool) -> None:
        self._adding = trial.user_attrs["number"]
        if again and any(known.user_attrs.get("number") == self._adding for known in self.trials):
            return
        try:
            self._study.add_trial(trial)
        except _TwiceError:  # Optuna tries again by itself, without a look at what is there
            return
        finally:
            self._adding = None

    def _written(self, write: Callable[[], Any]) -> Any:
        """Write something; without the look at the fence in the transaction itself, one goes before it and one after it."""
        if self._lease is None:
            raise StudyError(f"{self.origin.where} is closed")
        try:
            if self._engine is not None:
                return self._server.patiently(write)
            self._lease.confirm()
            found = self._server.patiently(write)
            self._lease.confirm()
        except KeyError:  # Optuna's for a study that is not there
            raise FencedError(f"{self.origin.where} was deleted while it was running: this run of it is over") from None
        return found

    def _check(self, connection: Connection) -> None:
        """Check a transaction before it is committed: the study is this process's, and each trial there once."""
        if self._lease is not None:
            self._lease.check(connection)
        if self._adding is not None and rows.count(connection, self._id, self._adding) > 1:
            raise _TwiceError


class _TwiceError(Exception):
    """A trial that is there is written again."""


def engine_of(storage: optuna.storages.RDBStorage, check: Callable[[Connection], None]) -> Engine | None:
    """Have every transaction of Optuna's checked before it is committed; return its engine, None if it does not show one."""
    engine = getattr(storage, "engine", None)
    if not isinstance(engine, Engine):
        return None
    event.listen(engine, "commit", check)
    return engine


def check(content: Content) -> None:
    """Check notes and trials, as the lines of a file are.

    Raises
    ------
    StudyError
        If one is not as it must be.
    """
    for key, value in content.notes.items():
        try:
            records.check_note(key, value)
        except ValueError as error:
            raise content.origin.of_note(error, key) from None
    known: dict[int, int] = {}  # Optuna's numbers of trials, by ours
    for place, trial in enumerate(content.trials):
        with replay.replaying(content.origin, place):
            number = replay.check_trial(trial.user_attrs, trial.state.value)
            if number in known:
                raise ValueError(f"trial {number} is there as Optuna's trial {known[number]}, too")
            known[number] = trial.number


def names(uri: str) -> list[str]:
    """Return the names of the studies of a store, those of outer folds included."""
    known = server(uri)

    def attempt() -> list[str]:
        with known.engine.begin() as connection:
            return list(connection.execute(select(journals.c.name)).scalars())

    return known.patiently(attempt)


def _loaded(storage: optuna.storages.RDBStorage, name: str) -> optuna.Study | None:
    """Return a study; None if there is none."""
    try:
        with quiet():
            return optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        return None


def _made(storage: optuna.storages.RDBStorage, journal: DatabaseJournal) -> optuna.Study:
    """Open a study or create it."""
    study = _loaded(storage, journal.name)
    if study is None:
        with quiet():
            return optuna.create_study(
                study_name=journal.name, storage=storage, direction="maximize", load_if_exists=True
            )
    is_foreign = "id" not in study.user_attrs and len(study.get_trials(deepcopy=False)) > 0
    if is_foreign or study.directions != [StudyDirection.MAXIMIZE]:
        raise StudyError(f"{journal} is another program's: bpsearch has not written it; choose a new name")
    return study
