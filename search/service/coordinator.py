"""The process that runs one study of the queue: the only one that writes its journal and its runs in MLflow.

It is `bpsearch tune` with other workers. The supervisor starts it, gives it access to the cluster on its standard input,
and keeps that open: when it closes, the service has ended, and so does the coordinator. A thread reports the figures of
the study and asks whether it is to stop; then the main thread is interrupted, as by Ctrl-C.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search.errors import AwayError, StudyError, reason_of
from search.loop.database.lease import FencedError as TakenOverError
from search.project import store
from search.results.progress import Progress
from search.service import object_store
from search.service.cluster.access import Access, connected
from search.service.cluster.batches import ClusterWorkers
from search.service.cluster.of_study import workers_of
from search.service.data_copies import Copies
from search.service.place import Place
from search.service.queue import FencedError, Queue
from search.service.queued import Queued
from search.service.states import STOPPING
from search.signals import command
from search.study import study_file
from search.study.study_file import Study
from search.tracking import waiting
from search.trials.outcomes import Outcome

BEAT_SECONDS = 0.5
"""Seconds from one sign of life to the next."""

PATIENCE = 20.0
"""Seconds for which an end of the study waits for MLflow's server: then others have its place, and it is tried again."""

LEAST_SECONDS = 1e-3
"""The timeout of a study whose time is over: no trial begins, and what has finished becomes a model."""

STOPPED, FENCED, LATER = 0, 3, 4
"""Exit codes: it has ended in order; its study was started anew; MLflow's server or the cluster is away,
and the study is to be tried again."""


@dataclass(frozen=True)
class Orders:
    """What the supervisor tells a coordinator: the study, its fence, and how to reach the cluster."""

    name: str
    fence: int
    access: Access

    @classmethod
    def read(cls, line: str) -> Orders:
        """Return the inverse of `written`."""
        given = json.loads(line)
        return cls(given["name"], given["fence"], Access.read(given["access"]))

    def written(self) -> str:
        """Return them as one line."""
        return json.dumps({**vars(self), "access": self.access.written()})


def main() -> int:
    """Run the study that standard input names; return the exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored by what a script starts in the background
    command.install()
    waiting.be_patient(PATIENCE)
    with command.unwinding():
        orders = Orders.read(sys.stdin.readline())
        queue = Queue(Place())
        with Reports(queue, orders) as reports:
            try:
                return _run(queue, orders, reports)
            except KeyboardInterrupt:
                print("stopped: finished trials are kept", flush=True)
            except (FencedError, TakenOverError) as error:
                print(f"error: {error}", flush=True)
                return FENCED
            except AwayError as error:
                print(f"error: {error}; it is tried again", flush=True)
                return _later(queue, orders, str(error))
            except StudyError as error:
                return _end(queue, orders, str(error))
            except Exception as error:  # a bug, or a library's: the queue says so, and the log has the traceback
                traceback.print_exc()
                return _end(queue, orders, reason_of(error))
    return STOPPED


def tell(told: str) -> None:
    """Write a line into the log of the study."""
    print(told, flush=True)


def _bring(data: str, copies: Copies) -> None:
    """Have the data of a study here, which may have been submitted on another machine.

    Raises
    ------
    StudyError
        If it is gone or damaged.
    """
    url = store.copies()
    if url and copies.find(data) is None:
        object_store.fetch(url, data, copies)
    copies.check(data)


def _run(queue: Queue, orders: Orders, reports: Reports) -> int:
    """Run a study with the budget that the queue says, until it has that; return the exit code."""
    from search.terminal.output import Output
    from search.terminal.progress import shown

    console = Output(sys.stdout)
    with connected(orders.access) as client:
        while True:
            row = queue.get(orders.name)
            if row.data:
                _bring(row.data, Copies(queue.place.data))
            study = budgeted(study_file.load(queue.place.study(row.name)), row)
            title = f"{study.name}: {study.search.method} search, {study.scheme}"
            with (
                shown(title, study.scoring, console) as show,
                workers_of(
                    client, Path.cwd(), study, row.text, row.data, row.priority, store.copies(), tell
                ) as workers,
            ):
                result = _tuned(study, workers, [show, reports.show])
            _tell(result, console)
            reports.finish(result.best)
            if result.problem:
                return _end(queue, orders, result.problem)
            if queue.finish(row):
                return STOPPED


def _tuned(study: Study, workers: ClusterWorkers, displays: list[Callable[[Progress], None]]) -> Any:
    from search import tuning

    def show(progress: Progress) -> None:
        for display in displays:
            display(progress)

    return tuning.tune(study, show, workers=workers)


def _tell(result: Any, console: Any) -> None:
    from search.results import report

    console.print(report.final(result))
    if result.model is not None:
        console.print(f"model:  {result.model.uri}  ({report.delivered(result, result.model)})")
    if result.page:
        console.print(f"report: {result.page}")


def budgeted(study: Study, row: Queued) -> Study:
    """Return a study with the budget that the queue has for it: its own, or that of its file, less the time that it has run."""
    timeout = row.timeout or study.search.timeout
    left = None if timeout is None else max(timeout - row.ran, LEAST_SECONDS)
    asked = {"n_trials": row.n_trials, "timeout": left}
    return study.with_search(**{key: value for key, value in asked.items() if value is not None})


def _end(queue: Queue, orders: Orders, reason: str) -> int:
    """Note that a study has failed, and return the exit code.

    If it has trials, and MLflow's server is away, it waits instead: what is finished is written once the server is back.
    """
    from search.tracking import stores

    print(f"error: {reason}", flush=True)
    if queue.place.journal(orders.name).exists() and stores.is_away(stores.default_uri()):
        return _later(queue, orders, reason)
    return _noted(queue, orders, "fail", reason, STOPPED)


def _later(queue: Queue, orders: Orders, reason: str) -> int:
    """Queue a study again whose server or cluster is away, and return the exit code."""
    return _noted(queue, orders, "release", f"{reason}; it is tried again", LATER)


def _noted(queue: Queue, orders: Orders, action: str, reason: str, code: int) -> int:
    """Note in the queue what has become of a study; return the exit code, `LATER` if the queue itself cannot be used."""
    try:
        queue.act(orders.name, action, fence=orders.fence, reason=reason)
    except StudyError as error:
        print(f"error: {error}; it is tried again", flush=True)
        return LATER
    return code


@dataclass
class Reports:
    """A thread that gives signs of life with the study's figures, and interrupts the main thread when the study is to stop.

    Parameters
    ----------
    queue : Queue
    orders : Orders
    """

    queue: Queue
    orders: Orders
    _state: Progress | None = None
    _told: Mapping[str, Any] = field(default_factory=dict)
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Reports:
        threading.Thread(target=self._report, name="reports", daemon=True).start()
        threading.Thread(target=self._wait_for_end, name="end of the service", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def show(self, progress: Progress) -> None:
        """Note a new state of the study, to be reported with the next sign of life; thousands may come before that."""
        self._state = progress

    def finish(self, best: Outcome | None) -> None:
        """Report the end of the study now: its best trial over all of its evaluations, which may be another one than before."""
        if self._state is not None:
            if best is not None:
                self._told = {"best": best.score, "best_trial": best.number}
            self.queue.beat(self.orders.name, self.orders.fence, self._counts())

    def _counts(self) -> Mapping[str, Any] | None:
        return None if self._state is None else {**counts(self._state), **self._told}

    def _report(self) -> None:
        before = time.monotonic()
        while not self._ended.wait(BEAT_SECONDS):
            now = time.monotonic()
            ran, before = min(now - before, 2 * BEAT_SECONDS), now  # not the time for which the process was stopped
            try:
                row = self.queue.beat(self.orders.name, self.orders.fence, self._counts(), ran)
            except FencedError:
                os._exit(FENCED)
            except StudyError:  # the disk is full, or the database was locked for long: the next one may get through
                continue
            if row.state == STOPPING:
                self._interrupt()
                return

    def _wait_for_end(self) -> None:
        sys.stdin.read()
        self._interrupt()

    def _interrupt(self) -> None:
        if not self._ended.is_set():
            with suppress(ProcessLookupError):
                os.kill(os.getpid(), signal.SIGINT)


def counts(progress: Progress) -> dict[str, Any]:
    """Return the live figures of a study as plain data; scores have the scorer's sign, greater is better."""
    best = progress.best
    return {
        "trials": dict(progress.counts),
        "n_trials": progress.n_trials if progress.n_trials < float("inf") else None,
        "stage": progress.stage,
        "further": progress.further,
        "best": None if best is None else best.score,
        "best_trial": None if best is None else best.number,
    }


if __name__ == "__main__":
    sys.exit(main())
