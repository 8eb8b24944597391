"""The MLflow tracker, which writes a study in the background.

One thread does all the writing, in order, and trials in batches, so that training does not wait for it. If a kill
prevents some writing, the next run writes the missing trials from the study's own store.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from search.errors import OneLineError, StudyError
from search.files import trouble
from search.tables.secrets import masked
from search.tracking import stores, system, waiting, workspaces
from search.tracking.again import Again, passes
from search.tracking.contents.best import BestSoFar
from search.tracking.contents.runs import Header, Opened, Report, Run
from search.tracking.contents.trials import child, digest
from search.tracking.local import scratch
from search.tracking.models import champions, registration
from search.tracking.models.registration import RegisteredModel
from search.tracking.protocol import Tracker
from search.tracking.writers import client, schema, sqlite
from search.trials.outcomes import Outcome

BATCH_SECONDS = 1.0
"""Trials that finish within this time are written together: a transaction costs as much as many rows."""

BATCH_TRIALS = 200

CLOSING_SECONDS = 8.0
"""Seconds in which what has finished is written when a search is cut short; the next run writes the rest. As long again for
the end of its run."""

CLOSING_LOOK, CLOSING_ANSWER = 0.5, 1.0
"""Seconds after which a store is asked whether it is there at all, when a search is cut short, and in which it answers."""

HEAD_START = 1.0
"""Seconds during which the first trials have the CPU to themselves: creating a database takes seconds of CPU time."""


class TrackingError(OneLineError, RuntimeError):
    """Writing to MLflow failed; nothing of the study itself is lost."""


def _writer(uri: str, experiment: str) -> ModuleType:
    """Return the module that writes to a store: `sqlite` for SQLite with known tables, otherwise `client`."""
    return sqlite if sqlite.understands(uri, experiment) else client


@waiting.asked
def _holds(uri: str, header: Header) -> bool:
    return bool(_writer(uri, header.experiment).holds(uri, header.experiment, header.study_id))


@waiting.asked
def _others(uri: str, header: Header, own: Mapping[int, str]) -> list[int]:
    return list(_writer(uri, header.experiment).others(uri, header.experiment, header.study_id, own))


@waiting.asked
def _keeps(uri: str, model: RegisteredModel) -> bool:
    own = workspaces.is_default() and sqlite.keeps(uri, model.name, model.version)
    return own or client.keeps(uri, model.name, model.version)


class MLflowTracker(Tracker):
    """Writes studies to MLflow, one after another, in the background.

    Parameters
    ----------
    uri : str
        MLflow tracking URI.
    key : str
        Where the user has set it, for messages.
    example : bool, default=False
        Whether rows of the data are stored with a model, as its input example; by default they are made up.
    system_metrics : bool, default=False
        Whether the parent run has what the machine did meanwhile: processors, memory, disk and network.
    """

    def __init__(
        self, uri: str, key: str = "MLFLOW_TRACKING_URI", *, example: bool = False, system_metrics: bool = False
    ) -> None:
        self.uri, self._key, self._example, self._system_metrics = uri, key, example, system_metrics

    def check(self, *, make: bool = True) -> None:
        if self._system_metrics:
            system.check()
        stores.check(self.uri, self._key, make=make)
        stores.check_registry()

    def check_model(self, estimator: Any) -> None:
        """Raise `StudyError` if an estimator cannot be stored. Called before the first trial."""
        registration.check(estimator, self._key)

    def holds(self, header: Header) -> bool:
        """Return whether the store has a study, which may have been deleted since it was written."""
        path = stores.database(self.uri)
        if path is not None and not stores.has_tables(path):
            return False
        stores.settled_for(self.uri, header.experiment)
        return _holds(self.uri, header)

    def others(self, header: Header, outcomes: Iterable[Outcome]) -> list[int]:
        """Return the trials of a study that the store has, but that are not these outcomes.

        Another copy of the project has written them. One study is one parent run, so a copy needs an identifier of its own.
        """
        path = stores.database(self.uri)
        if path is not None and not stores.has_tables(path):
            return []
        stores.settled_for(self.uri, header.experiment)
        return _others(self.uri, header, {outcome.number: digest(outcome) for outcome in outcomes})

    def keeps(self, model: RegisteredModel) -> bool:
        """Return whether the store still has a registered model, its files included."""
        path = stores.database(self.uri)
        if path is not None and not stores.has_tables(path):
            return False
        return _keeps(self.uri, model)

    def standing(self, model: RegisteredModel) -> RegisteredModel:
        """Return a registered model with the alias that it has now: a later one may be the champion."""
        return replace(model, alias=champions.alias_of(self.uri, model.name, model.version))

    def begin(self, header: Header) -> None:
        self._header = header
        stores.settled_for(self.uri, header.experiment)
        self._jobs: queue.Queue[Callable[[], None] | threading.Event | None] = queue.Queue()
        self._finished: deque[tuple[Outcome, float, float]] = deque()
        self._best = BestSoFar(header.scoring)
        self._hurry, self._closing, self._cut_short = threading.Event(), threading.Event(), threading.Event()
        self._error: BaseException | None = None
        self._given_up = False
        self._again = Again(self.uri, self._cut_short, self._hurry)
        self._known = False
        self._writer: ModuleType
        self._opened: Opened
        self._watch: system.Watch | None = None
        self._place: Path | None = None
        self._store = self.uri
        self._model: RegisteredModel | None = None
        self._thread = threading.Thread(target=self._work, name="mlflow-writer", daemon=True)
        self._thread.start()
        self._jobs.put(self._open)
        if stores.database(self.uri) is None:
            self._wait_until_open()

    def _wait_until_open(self) -> None:
        """Raise StudyError if the store does not take the study, such as a server that wants to know who writes."""
        try:
            self.flush()
        except TrackingError as error:
            self._stop()
            raise StudyError(f"{self._key} = {masked(self.uri)!r}: {error}") from None
        except BaseException:
            with suppress(Exception):
                self.end("KILLED")
            raise

    def record(self, outcome: Outcome, value: float) -> None:
        """Write a child run, unless this trial already has one."""
        self._finished.append((outcome, value, time.time()))
        self._jobs.put(self._write)

    def finish(self, report: Report) -> None:
        """Write metrics, tags, description, figures and tables of the parent run, and the description of its model."""
        model, data = self._model, self._header.data
        tied = None if model is None else model.tied
        self._jobs.put(lambda: client.finish(self._store, self._opened.parent, report, tied, data))
        self._jobs.put(lambda: registration.describe(self._store, model, report.verdict, data))

    def register(self, model: Any, X: Any, score: float) -> RegisteredModel:
        """Register a fitted pipeline under the study's name, as `registration.register` does; blocks until that is done.

        A model that cannot be registered does not keep the rest of the study from being written.
        """
        made: Future[RegisteredModel] = Future()
        self._jobs.put(lambda: self._register(made, model, X, score))
        self.flush()
        if (error := made.exception()) is not None:
            raise self._told(error) from error
        self._model = made.result()
        return self._model

    def flush(self) -> None:
        """Wait until everything is written.

        Raises
        ------
        TrackingError
            If something could not be written, or the store does not answer any more.
        """
        self._hurry.set()
        self._wait(waiting.Wait(self.uri, patience=self._again.patience))
        self._hurry.clear()

    def end(self, status: str) -> None:
        """End the parent run and the thread; what a search that is cut short has finished is written if that takes seconds."""
        try:
            self._end(status)
        except TrackingError:
            if stores.database(self.uri) is not None:  # a server that is gone would be waited for
                with suppress(Exception):
                    self._writer.end(self._store, self._opened, "FAILED" if status == "FINISHED" else status)
            raise
        except KeyboardInterrupt:
            if status != "FINISHED":
                self._given_up = True
            with suppress(TrackingError):
                self._end("KILLED")
            raise
        finally:
            self._stop()

    def _end(self, status: str) -> None:
        finished = status == "FINISHED"
        self._jobs.put(lambda: (client if finished else self._writer).end(self._store, self._opened, status))
        if finished:
            self.flush()
        else:
            self._close()

    def _close(self) -> None:
        """Wait for the end of the parent run, but not for long."""
        self._hurry.set()
        self._closing.set()
        closing = waiting.Wait(
            self.uri, patience=0.0, look=CLOSING_LOOK, answer=CLOSING_ANSWER, limit=CLOSING_SECONDS, tell=lambda _: None
        )
        try:
            if not self._given_up:
                self._reach(closing)
        except waiting.UnansweredError as error:
            self._cut_short.set()
            self._given_up, self._error = error.silent, error if error.silent else self._error
        self._wait(closing)

    def _wait(self, wait: waiting.Wait) -> None:
        """Wait until everything is written, or raise `TrackingError`."""
        if not self._given_up:
            try:
                self._reach(wait)
            except waiting.UnansweredError as error:
                self._given_up, self._error = True, error
                self._cut_short.set()
        if self._error is not None:
            raise self._told(self._error) from self._error

    def _reach(self, wait: waiting.Wait) -> None:
        reached = threading.Event()
        self._jobs.put(reached)
        wait.until(reached.wait)

    def _stop(self) -> None:
        """End the thread; one that does not end, because it waits for a server that is gone, is left alone."""
        self._cut_short.set()
        self._jobs.put(None)
        self._thread.join(0.0 if self._given_up else CLOSING_SECONDS)
        if self._watch is not None:
            self._watch.end()
            self._watch = None

    # ------------------------------------------------------------------------------------------ in the background

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                if isinstance(job, threading.Event):
                    job.set()
                elif self._error is None:
                    self._do(job)
            except Exception as error:  # raised by `flush`; later jobs would fail in the same way
                self._error = error
            finally:
                self._jobs.task_done()
        self._jobs.task_done()

    def _do(self, job: Callable[[], None]) -> None:
        """Do what a job asks of the store; what a server does not do now, it is asked again later."""
        if stores.database(self.uri) is None:
            self._again.until_done(job, self._anew)
            return
        waiting.while_locked(self._follow, self._cut_short.is_set)
        waiting.while_locked(job, self._cut_short.is_set)

    def _anew(self) -> None:
        """Open the study once more, to see which of its runs a server has that was gone."""
        if self._known:
            self._opened = self._writer.open_study(self._store, self._header)

    def _open(self) -> None:
        path = stores.database(self._store)
        if path is not None and not stores.has_tables(path):
            self._hurry.wait(HEAD_START)
            schema.create(path, self._closing.is_set)  # without tables nothing is to be closed
        scratch.sweep(path)
        self._writer = _writer(self._store, self._header.experiment)
        self._opened, self._known = self._writer.open_study(self._store, self._header), True
        self._place = None if path is None else path.resolve()
        if self._system_metrics:
            self._watch = system.Watch(self._store, self._opened.parent)

    def _follow(self) -> None:
        """Go on where the database is now, if the project was moved since the last job: files went to its old place."""
        path = stores.database(self.uri)
        if path is None or self._place in (None, where := path.resolve()):
            return
        # an address of its own: MLflow keeps its connections, and SQLite does not write through those to a file that has moved
        self._store = f"{stores.SQLITE}{where}"
        stores.settled(where)
        self._opened = self._writer.open_study(self._store, self._header)
        self._place = where

    def _write(self) -> None:
        """Write all trials that have finished, or finish within a moment; the later jobs of these trials do nothing."""
        if self._finished:
            self._hurry.wait(BATCH_SECONDS)
        batch = [self._finished[i] for i in range(min(len(self._finished), BATCH_TRIALS))]
        known = self._opened.recorded
        runs = {o.number: child(o, value, at, self._header) for o, value, at in batch if o.number not in known}
        self._put(runs)
        if runs and self._cut_short.is_set():  # the next run writes what is left
            return
        self._tell_best(batch)
        for _ in batch:  # only now: what fails because the database is locked is tried again
            self._finished.popleft()

    def _put(self, runs: Mapping[int, Run]) -> None:
        """Write runs: all together into a database, several at a time in requests to a server, fewer if cut short."""
        recorded = self._opened.recorded
        if self._writer is client and runs:
            client.write(self._store, self._opened, runs.values(), recorded.add, self._cut_short.is_set)
        elif runs and not self._cut_short.is_set():
            self._writer.write(self._store, self._opened, list(runs.values()))
            recorded.update(runs)

    def _tell_best(self, batch: Iterable[tuple[Outcome, float, float]]) -> None:
        """Write the best score so far up to each of these trials, unless an earlier run of the study has."""
        for outcome, _, at in batch:
            self._best.see(outcome, at)
        points = [point for point in self._best.points if point.step not in self._opened.steps]
        if points:
            self._writer.progress(self._store, self._opened, points)
        self._opened.steps.update(point.step for point in points)
        self._best.points.clear()

    def _register(self, made: Future[RegisteredModel], model: Any, X: Any, score: float) -> None:
        name, parent = self._header.experiment, self._opened.parent
        metadata = self._header.metadata(model) if self._header.metadata else None
        try:
            result = self._header.result() if self._header.result else ""
            entrant = self._header.entrant() if self._header.entrant else None
            made.set_result(
                registration.register(
                    self._store, name, parent, model, X, score, metadata, result, example=self._example, entrant=entrant
                )
            )
        except Exception as error:
            if (waiting.is_locked(error) and not self._cut_short.is_set()) or self._worth_another_try(error):
                raise
            made.set_exception(error)

    def _worth_another_try(self, error: Exception) -> bool:
        return stores.database(self.uri) is None and self._again.wanted(error)

    def _missing(self) -> str:
        """Return a note of the trials that the store does not have, which follows an error; empty if it has all."""
        recorded = self._opened.recorded if self._known else set[int]()
        n = len({outcome.number for outcome, *_ in list(self._finished)} - recorded)
        trials = "1 trial is" if n == 1 else f"{n} trials are"
        return f"; {trials} kept for it, and written by the next run" if n else ""

    def _told(self, error: BaseException) -> TrackingError:
        """Return the error that tells of another one, in one line."""
        if isinstance(error, waiting.UnansweredError):
            return TrackingError(f"{error}{self._missing()}")
        if trouble.of_disk(error):
            where = trouble.path_of(error) or stores.database(self.uri) or masked(self.uri)
            return TrackingError(f"{trouble.of_disk(error)}: {where}; {trouble.KEPT}")
        reason = waiting.reason(error, self.uri) + (self._missing() if passes(error) else "")
        return TrackingError(f"MLflow at {masked(self.uri)} could not be written: {reason}")
