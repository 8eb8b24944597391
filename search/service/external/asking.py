"""Trials that clients train: each is lent for a time, and its result is told once.

The samplers are those of every other study, so they learn from diverged trials, too. A trial whose time has run out is
lent again to whoever asks next, with the same configuration. To tell a result again changes nothing; to tell another one
is refused.
"""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from sqlalchemy import delete, insert, select, update

from search.errors import StudyError
from search.loop import journal
from search.service.external.recorder import Recorder
from search.service.external.results import Told, told_of
from search.service.external.session import Session
from search.service.queue import Queue
from search.service.queued import EXTERNAL, Queued
from search.service.schema import asked
from search.service.states import DONE, QUEUED, RUNNING, STOPPING
from search.study import external
from search.study.external import External

MOST_ASKED = 100
"""Trials that are asked for at a time, at most."""

ASK_SECONDS = 2.0
"""After which a request gets the trials that there are: those of large spaces take long to propose."""


class ConflictError(StudyError):
    """Another result of a trial is known."""


class NoTrialError(StudyError):
    """A trial that nobody has asked for."""


class NotLendingError(StudyError):
    """The study lends no trials in its state."""


class Asking:
    """The external studies of a queue. One object serves all threads of the process that runs the service.

    Parameters
    ----------
    queue : Queue
    uri : callable, optional
        Returns MLflow's tracking URI; without it, studies are not recorded there.
    """

    def __init__(self, queue: Queue, uri: Callable[[], str] | None = None) -> None:
        self._queue, self._uri = queue, uri
        self._sessions: dict[str, Session] = {}
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._recorder = Recorder(queue, uri)

    def submit(self, text: str, allowed: Callable[[External], None] = lambda study: None, **asked: Any) -> Queued:
        """Queue an external study; keywords are those of `Queue.submit`.

        Parameters
        ----------
        text : str
        allowed : callable
            Raises StudyError for a study that asks for too much.

        Raises
        ------
        StudyError
            For a user mistake, or if the folder has a journal of another study of this name.
        """
        study = external.parse(text)
        allowed(study)
        name, known = study.file.name, study.about
        path = journal.address_of(name)
        if self._queue.find(name) is None and journal.at(path).exists():
            journal.read(path, identity=study.identity)
        return self._queue.submit(name, text, study.fingerprint, about=known, kind=EXTERNAL, **asked)

    def ask(self, name: str, n: int = 1, key: str = "") -> dict[str, Any]:
        """Lend trials: first those whose time has run out, then new ones.

        Parameters
        ----------
        name : str
        n : int
            How many, from 1 to `MOST_ASKED`; fewer are lent when the study has no more, or proposing them takes seconds.
        key : str
            Names the request: if the answer to it was lost, the same trials are lent again.

        Returns
        -------
        dict
            ``trials``: a list of ``number``, ``params`` and ``until``, in seconds since 1970. ``state``: that of the study; one
            that is done has no trials, and one that is running may have none, because all that are left are lent.

        Raises
        ------
        NoStudyError, NotLendingError
            If there is no such study, or it is paused, was cancelled or has failed.
        """
        if not 1 <= n <= MOST_ASKED:
            raise StudyError(f"n = {n}; allowed are whole numbers from 1 to {MOST_ASKED}")
        began = time.monotonic()
        with self._locks[name]:
            row = self._running(name)
            if row.state == DONE:
                return {"trials": [], "state": DONE}
            session = self._open(row)
            until = self._queue.now() + session.study.file.lease
            lent = self._lent_before(row, key, until) or self._overdue(row, n, key, until)
            n_trials = row.n_trials or session.study.file.n_trials
            known = {*session.store.outcomes, *self._numbers(row)}
            fresh = (number for number in range(n_trials) if number not in known)
            for number in islice(fresh, max(0, n - len(lent))):
                params = session.sampler.ask(number)
                self._lend(row, number, params, until, key)
                lent.append({"number": number, "params": params, "until": until})
                if time.monotonic() - began > ASK_SECONDS:
                    break
            if not lent and len(session.store.outcomes) >= n_trials:  # of a smaller budget, or before a kill
                self._note(session, row)
            return {"trials": lent, "state": self._queue.get(name).state}

    def tell(self, name: str, number: int, told: Told) -> dict[str, Any]:
        """Record the result of a trial. It is kept even if the trial's time has run out, or the study has been paused meanwhile.

        Returns
        -------
        dict
            ``number``, ``recorded``: whether it was new, and ``state``.

        Raises
        ------
        NoTrialError
            If nobody has asked for the trial.
        ConflictError
            If another result of it is known.
        StudyError
            If it is no result.
        """
        told.check()
        with self._locks[name]:
            row = self._queue.get(name)
            self._check_kind(row)
            if (
                name not in self._sessions
                and not journal.at(journal.address_of(name)).exists()
                and self._params(row, number) is None
            ):
                raise self._not_asked(row, number)  # without a journal that nobody needs
            session = self._open(row)
            try:
                recorded = self._record(session, row, number, told)
            finally:
                if row.state != RUNNING:
                    self._close(name, complete=row.state == DONE)
            return {"number": number, "recorded": recorded, "state": self._queue.get(name).state}

    def settle(self, row: Queued) -> None:
        """Let go of an external study that is to stop, and end one that has all of its trials; called by the supervisor.

        A study that proposes trials just now is left for the next call: nobody else waits for it.
        """
        n_trials = row.n_trials or row.about.get("n_trials") or math.inf
        is_full = row.state in (QUEUED, RUNNING) and sum(row.counts.get("trials", {}).values()) >= n_trials
        if not (is_full or row.state == STOPPING) or not self._locks[row.name].acquire(blocking=False):
            return
        try:
            if is_full:
                row = self._running(row.name)
                self._note(self._open(row), row)
                return
            self._close(row.name)
            self._queue.act(row.name, "stopped", fence=row.fence)
        finally:
            self._locks[row.name].release()

    def recover(self) -> None:
        """Free the journals that an earlier service held when it was killed, and write to MLflow what it has not."""
        for row in self._queue.all(QUEUED, RUNNING):
            if row.kind == EXTERNAL and journal.at(path := journal.address_of(row.name)).is_left():
                with suppress(StudyError), journal.held(path):  # which deletes its file
                    pass
        self._recorder.recover()

    def close(self) -> None:
        """Release all journals, and write to MLflow what can be written soon."""
        for name in list(self._sessions):
            with self._locks[name]:
                self._close(name)
        self._recorder.close()

    # ------------------------------------------------------------------------------------------------------------ details

    def _check_kind(self, row: Queued) -> None:
        if row.kind != EXTERNAL:
            raise StudyError(
                f"study {row.name!r} is trained by the service; allowed are studies with a direction and no data"
            )

    def _running(self, name: str) -> Queued:
        """Return a study that runs, or is done; one that is queued starts."""
        row = self._queue.get(name)
        self._check_kind(row)
        if row.state == QUEUED:
            row = self._queue.act(name, "start")
        if row.state not in (RUNNING, DONE):
            self._close(name)
            raise NotLendingError(
                f"study {name!r} is {row.state}: it lends no trials; allowed are studies that are queued or running"
            )
        return row

    def _open(self, row: Queued) -> Session:
        session = self._sessions.get(row.name)
        if session is None or (session.fence, session.text) != (row.fence, row.text):
            self._close(row.name)
            session = self._sessions[row.name] = Session(row.text, row.fence)
            for number in {*self._numbers(row)} & {*session.store.outcomes}:  # a kill came between both
                self._returned(row, number)
            if row.state == RUNNING:
                self._begin(session, row)
        return session

    def _begin(self, session: Session, row: Queued) -> None:
        store = session.store
        self._recorder.begin(row, session.study, store.notes["id"], store.outcomes, store.feedback)

    def _close(self, name: str, *, complete: bool = False) -> None:
        session = self._sessions.pop(name, None)
        if session is not None:
            session.store.close()
            self._recorder.end(name, complete=complete)

    def _record(self, session: Session, row: Queued, number: int, told: Told) -> bool:
        known = session.store.outcomes.get(number)
        if known is not None:
            again = told.outcome(number, known.params, session.study.sign)
            if told_of(again) != told_of(known):
                score = f"score {session.study.sign * known.score:g}, " if known.fold_scores else ""
                raise ConflictError(
                    f"trial {number} of study {row.name!r} has been told: verdict {known.verdict!r}, "
                    f"{score}epoch {known.epoch}; it stays"
                )
            return False
        params = self._params(row, number)
        if params is None:
            raise self._not_asked(row, number)
        self._begin(session, row)
        outcome = told.outcome(number, params, session.study.sign)
        self._recorder.record(row.name, outcome, session.record(outcome))
        self._returned(row, number)
        self._note(session, row)
        return True

    def _not_asked(self, row: Queued, number: int) -> NoTrialError:
        return NoTrialError(
            f"trial {number} of study {row.name!r} has not been asked for; allowed are trials that are lent"
        )

    def _note(self, session: Session, row: Queued) -> None:
        """Tell the queue how many trials there are, and whether that is all."""
        self._queue.beat(row.name, row.fence, {**session.counts(), **self._recorder.mark})
        n_trials = row.n_trials or session.study.file.n_trials
        if row.state not in (RUNNING, DONE) or len(session.store.outcomes) < n_trials:
            return
        if self._uri is not None:
            session.complete(self._uri())
        if row.state == RUNNING and self._queue.finish(row):
            self._close(row.name, complete=True)

    # ------------------------------------------------------------------------------------------------------------ what is lent

    def _lend(self, row: Queued, number: int, params: Mapping[str, Any], until: float, key: str) -> None:
        values = {"study": row.id, "number": number, "params": dict(params), "until": until, "key": key}
        with self._queue.changing() as connection:
            connection.execute(insert(asked).values(values))

    def _lent_before(self, row: Queued, key: str, until: float) -> list[dict[str, Any]]:
        """Return the trials that were lent for a request with this key and have not been told; their time begins anew."""
        return self._lent_again(row, until, key, asked.c.key == key) if key else []

    def _overdue(self, row: Queued, n: int, key: str, until: float) -> list[dict[str, Any]]:
        """Lend trials whose time has run out. If the clock was put back, none is lent for longer than from now on."""
        with self._queue.changing() as connection:
            late = update(asked).where(asked.c.study == row.id, asked.c.until > until)
            connection.execute(late.values(until=until))
        return self._lent_again(row, until, key, asked.c.until <= self._queue.now(), most=n)

    def _lent_again(
        self, row: Queued, until: float, key: str, which: Any, most: int = MOST_ASKED
    ) -> list[dict[str, Any]]:
        own = asked.c.study == row.id
        with self._queue.changing() as connection:
            found = (
                connection.execute(select(asked).where(own, which).order_by(asked.c.number).limit(most))
                .mappings()
                .all()
            )
            for each in found:
                connection.execute(update(asked).where(asked.c.id == each["id"]).values(until=until, key=key))
        return [{"number": each["number"], "params": each["params"], "until": until} for each in found]

    def _numbers(self, row: Queued) -> list[int]:
        with self._queue.reading() as connection:
            return list(connection.execute(select(asked.c.number).where(asked.c.study == row.id)).scalars())

    def _params(self, row: Queued, number: int) -> dict[str, Any] | None:
        with self._queue.reading() as connection:
            found = select(asked.c.params).where(asked.c.study == row.id, asked.c.number == number)
            params: dict[str, Any] | None = connection.execute(found).scalar()
            return params

    def _returned(self, row: Queued, number: int) -> None:
        with self._queue.changing() as connection:
            connection.execute(delete(asked).where(asked.c.study == row.id, asked.c.number == number))
