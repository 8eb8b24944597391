"""The MLflow tracker, which writes a study in the background.

One thread does all the writing, in order, and trials in batches, so that training does not wait for it. If a kill
prevents some writing, the next run writes the missing trials from the study's own store.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from types import ModuleType
from typing import Any

from search.errors import StudyError
from search.tables.secrets import masked
from search.tracking import client, models, schema, sqlite, stores
from search.tracking.local import scratch
from search.tracking.models import RegisteredModel
from search.tracking.protocol import Tracker
from search.tracking.runs import Header, Opened, Report, child
from search.trials.outcomes import Outcome

BATCH_SECONDS = 1.0
"""Trials that finish within this time are written together: a transaction costs as much as many rows."""

BATCH_TRIALS = 200

HEAD_START = 1.0
"""Seconds during which the first trials have the CPU to themselves: creating a database takes seconds of CPU time."""


class TrackingError(RuntimeError):
    """Writing to MLflow failed; nothing of the study itself is lost."""


def _writer(uri: str, experiment: str) -> ModuleType:
    """Return the module that writes to a store: `sqlite` for SQLite with known tables, otherwise `client`."""
    return sqlite if sqlite.understands(uri, experiment) else client


class MLflowTracker(Tracker):
    """Writes studies to MLflow, one after another, in the background.

    Parameters
    ----------
    uri : str
        MLflow tracking URI.
    key : str
        Where the user has set it, for messages.
    """

    def __init__(self, uri: str, key: str = "MLFLOW_TRACKING_URI") -> None:
        self.uri, self._key = uri, key

    def check(self) -> None:
        stores.check(self.uri, self._key)

    def check_model(self, estimator: Any) -> None:
        """Raise `StudyError` if an estimator cannot be stored. Called before the first trial."""
        models.check(estimator, self._key)

    def holds(self, header: Header) -> bool:
        """Return whether the store has a study, which may have been deleted since it was written."""
        path = stores.database(self.uri)
        if path is not None and not stores.has_tables(path):
            return False
        return _writer(self.uri, header.experiment).holds(self.uri, header.experiment, header.study_id)

    def keeps(self, model: RegisteredModel) -> bool:
        """Return whether the store still has a registered model, its files included."""
        path = stores.database(self.uri)
        if path is not None and not stores.has_tables(path):
            return False
        return sqlite.keeps(self.uri, model.name, model.version) or client.keeps(self.uri, model.name, model.version)

    def begin(self, header: Header) -> None:
        self._header = header
        self._jobs: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._finished: deque[tuple[Outcome, float, float]] = deque()
        self._hurry = threading.Event()
        self._error: BaseException | None = None
        self._writer: ModuleType
        self._opened: Opened
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
            self._jobs.put(None)
            self._thread.join()
            raise StudyError(f"{self._key} = {masked(self.uri)!r}: {masked(str(error))}") from None

    def record(self, outcome: Outcome, value: float) -> None:
        """Write a child run, unless this trial already has one."""
        self._finished.append((outcome, value, time.time()))
        self._jobs.put(self._write)

    def finish(self, report: Report) -> None:
        """Write metrics, tags, description, figures and tables of the parent run, and the description of its model."""
        self._jobs.put(lambda: client.finish(self.uri, self._opened.parent, report))
        self._jobs.put(lambda: models.describe(self.uri, self._model, report.verdict))

    def register(self, model: Any, X: Any, score: float) -> RegisteredModel:
        """Register a fitted pipeline under the study's name, as `models.register` does; blocks until that is done.

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
            If something could not be written.
        """
        self._hurry.set()
        self._jobs.join()
        self._hurry.clear()
        if self._error is not None:
            raise self._told(self._error) from self._error

    def end(self, status: str) -> None:
        """End the parent run and the thread."""
        self._jobs.put(lambda: client.end(self.uri, self._opened, status))
        try:
            self.flush()
        except TrackingError:
            if stores.database(self.uri) is not None:  # a server that is gone would be waited for
                with suppress(Exception):
                    client.end(self.uri, self._opened, "FAILED")
            raise
        finally:
            self._jobs.put(None)
            self._thread.join()

    # ------------------------------------------------------------------------------------------ in the background

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                if self._error is None:
                    job()
            except Exception as error:  # raised by `flush`; later jobs would fail in the same way
                self._error = error
            finally:
                self._jobs.task_done()
        self._jobs.task_done()

    def _open(self) -> None:
        path = stores.database(self.uri)
        if path is not None and not stores.has_tables(path):
            self._hurry.wait(HEAD_START)
            schema.create(path)
        scratch.sweep(path)
        self._writer = _writer(self.uri, self._header.experiment)
        self._opened = self._writer.open_study(self.uri, self._header)

    def _write(self) -> None:
        """Write all trials that have finished, or finish within a moment; the later jobs of these trials do nothing."""
        if self._finished:
            self._hurry.wait(BATCH_SECONDS)
        batch = [self._finished.popleft() for _ in range(min(len(self._finished), BATCH_TRIALS))]
        runs = {o.number: child(o, value, at) for o, value, at in batch if o.number not in self._opened.recorded}
        if runs:
            self._writer.write(self.uri, self._opened, list(runs.values()))
            self._opened.recorded.update(runs)

    def _register(self, made: Future[RegisteredModel], model: Any, X: Any, score: float) -> None:
        name, parent = self._header.experiment, self._opened.parent
        metadata = self._header.metadata(model) if self._header.metadata else None
        try:
            result = self._header.result() if self._header.result else ""
            made.set_result(models.register(self.uri, name, parent, model, X, score, metadata, result))
        except Exception as error:
            made.set_exception(error)

    def _told(self, error: BaseException) -> TrackingError:
        """Return the error that tells of another one, in one line."""
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return TrackingError(f"MLflow at {masked(self.uri)} could not be written: {masked(reason)}")
