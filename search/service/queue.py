"""The queue: one row for each study, changed only along the table of transitions.

Every change is one transaction, so commands, requests and coordinators may work on the queue at the same time. A coordinator
changes its study only while it holds the study's fence, the number of starts so far. If it was stopped for minutes, and its study
has been started anew meanwhile, it changes nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, insert, select, update

from search.errors import StudyError
from search.loop.journal import at
from search.service.databases import kinds
from search.service.databases.engines import READING
from search.service.databases.naming import folded, unknown
from search.service.databases.transactions import Transaction, patient
from search.service.place import Place
from search.service.queued import STUDY, Queued, check_budget
from search.service.rights import EVERYTHING, Rights
from search.service.schema import studies
from search.service.states import ENDED, QUEUED, RUNNING, STOPPING, WANTED, transition

LIVE = (RUNNING, STOPPING)
"""States of studies that somebody runs."""


class OtherStudyError(StudyError):
    """The queue has another study of this name."""


class FencedError(StudyError):
    """The study of a coordinator has been started anew: it is no longer its own."""


COLUMNS = tuple(studies.c[column.name] for column in fields(Queued))


class Queue:
    """The studies of a service.

    Parameters
    ----------
    place : Place
        Its folder, which is made if it is missing.
    clock : callable, optional
        Returns seconds since 1970; by default that of the database, which is this machine's for a file.

    Raises
    ------
    StudyError
        If the database cannot be opened.
    """

    def __init__(self, place: Place, clock: Callable[[], float] | None = None) -> None:
        self.place, self._clock = place.made(), clock
        self._database = kinds.of(place)
        self.engine = self._database.opened()

    @property
    def is_shared(self) -> bool:
        """Whether services on other machines may work on it."""
        return self.place.store is not None

    @patient(twice=True)
    def now(self) -> float:
        """Return the time, in seconds since 1970."""
        if self._clock is not None:
            return self._clock()
        with self.reading() as connection:
            return self._time(connection)

    def close(self) -> None:
        """Close the database."""
        self.engine.dispose()

    @patient(twice=False)
    def submit(
        self,
        name: str,
        text: str,
        fingerprint: str,
        *,
        kind: str = STUDY,
        data: str = "",
        about: Mapping[str, Any] | None = None,
        owner: str = "",
        priority: int | None = None,
        n_trials: int | None = None,
        timeout: float | None = None,
        rights: Rights = EVERYTHING,
    ) -> Queued:
        """Queue a study, or give one that is there another budget or priority.

        Parameters
        ----------
        rights : Rights
            Of whoever submits it.

        Raises
        ------
        OtherStudyError
            If there is another study of this name; the message has both fingerprints.
        OwnerError
            If it is there, and somebody else's: so is one that was run without the queue.
        TransitionError
            If the study is stopping.
        QuotaError
            If there are too many studies.
        StudyError
            If a value is not allowed.
        """
        asked = {"priority": priority, "n_trials": n_trials, "timeout": timeout}
        given: dict[str, Any] = {key: value for key, value in asked.items() if value is not None}
        check_budget(given)
        told = dict(about or {})
        with self.changing() as connection:
            known = self._row(connection, name)
            if known is not None:
                rights.check_owner(known.name, known.owner)
            if known is None or known.state in ENDED:
                rights.check_quota(connection, owner if known is None else known.owner)
            if known is None:
                self._check_new(connection, name, rights)
                row = {
                    "kind": kind,
                    "text": text,
                    "data": data,
                    "fingerprint": fingerprint,
                    "owner": owner,
                    "about": told,
                    **given,
                }
                return self._added(connection, {"name": name, **row})
            if (known.fingerprint, known.kind) != (fingerprint, kind):
                raise OtherStudyError(
                    f"name = {name!r} is already used by another study (fingerprint there {known.fingerprint}, "
                    f"here {fingerprint}); choose a new name"
                )
            return self._moved(connection, known, "submit", text=text, data=data, about=told, **given)

    @patient(twice=False)
    def act(
        self, name: str, action: str, *, fence: int | None = None, rights: Rights = EVERYTHING, **changes: Any
    ) -> Queued:
        """Do something with a study: a row of `states.TRANSITIONS`.

        Parameters
        ----------
        name, action : str
        fence : int, optional
            That of the coordinator that does it.
        rights : Rights
            Of whoever does it.
        **changes
            Other columns that change with it.

        Raises
        ------
        NoStudyError
        TransitionError
            If the study cannot do that in its state.
        FencedError
            If the study has been started anew.
        OwnerError, QuotaError
            If its rights do not allow it.
        """
        check_budget(changes)
        with self.changing() as connection:
            known = self._known(connection, name)
            rights.check_owner(known.name, known.owner)
            if known.state in ENDED and transition(name, known.state, action).after not in ENDED:
                rights.check_quota(connection, known.owner)
            return self._moved(connection, known, action, fence, **changes)

    @patient(twice=True)
    def beat(self, name: str, fence: int, counts: Mapping[str, Any] | None = None, ran: float = 0.0) -> Queued:
        """Give a sign of life of a study's coordinator; return what the queue says of the study.

        Parameters
        ----------
        name : str
        fence : int
        counts : dict, optional
            New figures of its trials.
        ran : float
            Seconds since the last sign of life.

        Raises
        ------
        NoStudyError, FencedError
        """
        with self.changing() as connection:
            known = self._known(connection, name, fence)
            values = {
                "beat": known.beat + 1,
                "ran": known.ran + ran,
                **({} if counts is None else {"counts": dict(counts)}),
            }
            return self._written(connection, known, values)

    @patient(twice=True)
    def note(self, name: str, fence: int, figures: Mapping[str, Any]) -> None:
        """Add to the figures of a study, whatever its state; one that is gone, or was started anew, stays as it is."""
        with self.changing() as connection:
            known = self._row(connection, name)
            if known is not None and known.fence == fence:
                self._written(connection, known, {"counts": {**known.counts, **figures}})

    @patient(twice=False)
    def finish(self, row: Queued) -> bool:
        """Note that a study is complete with the budget of `row`; return False if it has been given another one meanwhile.

        Raises
        ------
        NoStudyError, FencedError
        """
        with self.changing() as connection:
            known = self._known(connection, row.name, row.fence)
            if (known.n_trials, known.timeout) != (row.n_trials, row.timeout):
                return False
            self._moved(connection, known, "finish")
            return True

    @patient(twice=True)
    def claim(self, name: str, holder: str, seconds: float) -> Queued:
        """Start a queued study, or take over one whose lease has run out: it gets a new fence, once.

        Parameters
        ----------
        name : str
        holder : str
            Who runs it from now on; no other process has this name.
        seconds : float
            Length of the lease.

        Raises
        ------
        NoStudyError
        TransitionError
            If somebody else runs the study, or it does not wait.
        """
        with self.changing() as connection:
            known, now = self._known(connection, name), self._time(connection)
            lease: dict[str, Any] = {"holder": holder, "until": now + seconds}
            if known.state in LIVE and known.until is not None:
                if known.until <= now:
                    return self._written(connection, known, {"fence": known.fence + 1, **lease})
                if known.holder == holder:  # the reply to the first claim was lost
                    return self._written(connection, known, lease)
            return self._moved(connection, known, "start", **lease)

    @patient(twice=True)
    def renew(self, name: str, fence: int, seconds: float) -> Queued:
        """Let the lease of a study end so many seconds from now; return what the queue says of the study.

        Raises
        ------
        NoStudyError
        FencedError
            If the study has been taken over.
        """
        with self.changing() as connection:
            known = self._known(connection, name, fence)
            if known.state not in LIVE:
                return known
            return self._written(connection, known, {"until": self._time(connection) + seconds})

    @patient(twice=True)
    def expired(self) -> list[Queued]:
        """Return the studies whose lease has run out, so that anybody may claim them."""
        with self.reading() as connection:
            late = studies.c.state.in_(LIVE), studies.c.until <= self._time(connection)
            found = select(*COLUMNS).where(*late).order_by(studies.c.priority.desc(), studies.c.id)
            return [Queued(**row) for row in connection.execute(found).mappings()]

    @patient(twice=True)
    def get(self, name: str) -> Queued:
        """Return a study.

        Raises
        ------
        NoStudyError
            If there is none; the message names similar ones.
        """
        with self.reading() as connection:
            return self._known(connection, name)

    @patient(twice=True)
    def find(self, name: str) -> Queued | None:
        """Return a study; None if there is none of this name."""
        with self.reading() as connection:
            return self._row(connection, name)

    @patient(twice=True)
    def all(self, *states: str) -> list[Queued]:
        """Return the studies in these states, by default in all: those of the highest priority first, and of these the oldest."""
        found = select(*COLUMNS).order_by(studies.c.priority.desc(), studies.c.id)
        with self.reading() as connection:
            return [
                Queued(**row)
                for row in connection.execute(found.where(studies.c.state.in_(states)) if states else found).mappings()
            ]

    @patient(twice=False)
    def remove(self, name: str) -> None:
        """Forget a study that has ended, if there is one of this name.

        Raises
        ------
        StudyError
            If it has not ended.
        """
        with self.changing() as connection:
            known = self._row(connection, name)
            if known is None:
                return
            if known.state not in ENDED:
                raise StudyError(f"study {name!r} is {known.state}; allowed to delete are studies that have ended")
            connection.execute(studies.delete().where(studies.c.id == known.id))

    # ------------------------------------------------------------------------------------------------ inside a transaction

    def changing(self) -> Transaction:
        """Return a transaction that may write; its body gets the connection."""
        return Transaction(self.engine, self._database)

    def reading(self) -> Transaction:
        """Return a transaction that only reads."""
        return Transaction(self.engine.execution_options(**{READING: True}), self._database)

    def _time(self, connection: Connection) -> float:
        return self._database.now(connection) if self._clock is None else self._clock()

    def _row(self, connection: Connection, name: str) -> Queued | None:
        row = connection.execute(select(*COLUMNS).where(studies.c.name == name)).mappings().first()
        return None if row is None else Queued(**row)

    def _check_new(self, connection: Connection, name: str, rights: Rights) -> None:
        """Check that the files of a study would be no other's."""
        if at(self.place.journal(name)).exists():
            rights.check_owner(name, "")
        for other in connection.execute(select(studies.c.name)).scalars():
            if folded(other) == folded(name):
                raise OtherStudyError(
                    f"name = {name!r} is, to some systems of files, that of study {other!r}; choose a new name"
                )

    def _known(self, connection: Connection, name: str, fence: int | None = None) -> Queued:
        found = self._row(connection, name)
        if found is None:
            raise unknown(connection, name)
        if fence is not None and found.fence != fence:
            raise FencedError(f"study {name!r} has been started anew: this run of it is over")
        return found

    def _added(self, connection: Connection, row: dict[str, Any]) -> Queued:
        blank = {
            "priority": 0,
            "state": QUEUED,
            "wanted": "",
            "reason": "",
            "counts": {},
            "fence": 0,
            "beat": 0,
            "ran": 0.0,
            "holder": "",
        }
        now = self._time(connection)
        connection.execute(insert(studies).values({**blank, **row, "submitted": now, "since": now}))
        return self._known(connection, row["name"])

    def _moved(
        self, connection: Connection, known: Queued, action: str, fence: int | None = None, **changes: Any
    ) -> Queued:
        known = self._known(connection, known.name, fence)
        row = transition(known.name, known.state, action)
        state = known.wanted if row.after == WANTED else row.after
        values = {"state": state, "wanted": row.wanted, **changes}
        if state == known.state and not row.wanted:
            values["wanted"] = known.wanted
        now = self._time(connection)
        if state != known.state:
            values["since"] = now
        if action == "start":
            values |= {"fence": known.fence + 1, "begun": now, "ended": None, "reason": ""}
        if state in ENDED and known.state not in ENDED:
            values["ended"] = now
        if state not in LIVE:
            values |= {"holder": "", "until": None}
        return self._written(connection, known, values)

    def _written(self, connection: Connection, known: Queued, values: dict[str, Any]) -> Queued:
        connection.execute(update(studies).where(studies.c.id == known.id).values(values))
        return self._known(connection, known.name)
