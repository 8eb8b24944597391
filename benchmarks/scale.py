"""What a cluster can do, measured with few workers and modelled with many.

    python -m benchmarks.scale [--repeats 1] [--markdown FILE]

Trials sleep, so that many workers fit on two cores: the figures are those of coordinator, scheduler and store. The scheduler and
the workers are processes of their own, as with `bpsearch serve`. `benchmarks/fake_time.py` has the same code hand out batches to
workers that only count seconds. Its costs are fitted to trials of `FITTED` seconds; the others test it.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
from distributed import Client

from benchmarks import bookkeeping
from benchmarks.common import say
from search.loop import runner
from search.loop.journal import StudyStore
from search.service.cluster import batches, local
from search.service.cluster.access import Access
from search.service.cluster.batches import ClusterWorkers
from search.service.cluster.evaluation import Batch
from search.service.cluster.members import Members, Needs
from search.space import spaces
from search.trials.outcomes import Outcome

WORKERS = (1, 2, 4, 8, 16)
SECONDS = (0.005, 0.04, 0.3)
FITTED = (0.005, 0.3)
LONG = 5.0
"""Trials that last this long are measured with the fewest workers only."""

MODELLED = (10, 100, 1_000, 10_000)
SPACE = spaces.default()


class Measured(NamedTuple):
    """A study that ran: trials per second, and CPU milliseconds of coordinator and scheduler per trial."""

    rate: float
    coordinator: float
    scheduler: float
    batches: int


def sleeping(batch: Batch, seconds: float) -> list[Outcome]:
    """Return made-up outcomes after the time that their trials would take."""
    time.sleep(seconds * len(batch.trials))
    made = [bookkeeping.outcome(trial) for _, trial in batch.trials]
    return [Outcome(**{**vars(outcome), "seconds": seconds}) for outcome in made]


def serve(n_workers: int, told: Any) -> None:
    """Run a scheduler and workers until the parent says that it is enough."""
    with local.started(n_workers) as (_, access):
        told.send(json.dumps(access.written()))
        told.recv()


@contextmanager
def cluster(n_workers: int) -> Iterator[tuple[Client, psutil.Process]]:
    """Start workers during the body, with a scheduler in a process of its own."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(n_workers, there))
    process.start()
    access = Access.read(json.loads(here.recv()))
    with Client(access.address, security=access.security, set_as_default=False) as client:
        client.gather([client.submit(bookkeeping.window, 1, pure=False) for _ in range(8 * n_workers)])
        yield client, psutil.Process(process.pid)
    here.send(None)
    process.join()


class Counted:
    """Counts the batches that a client sends."""

    def __init__(self, client: Client) -> None:
        self._client, self.n_batches = client, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def submit(self, *arguments: Any, **options: Any) -> Any:
        self.n_batches += 1
        return self._client.submit(*arguments, **options)


def search(client: Client, scheduler: psutil.Process, seconds: float, n_trials: int, method: str) -> Measured:
    """Run a study whose trials sleep."""
    counted: Any = Counted(client)
    members = Members(client, Needs())
    while not members.n_threads:
        time.sleep(0.01)
    evaluate: Any = partial(sleeping, seconds=seconds)
    workers = ClusterWorkers(counted, batches.Study(".", "asleep", ""), members, n_trials, evaluate=evaluate)
    problem: Any = bookkeeping.Problem(
        bookkeeping.BPRegressor(max_iter=200), None, np.zeros(1), bookkeeping.FOLDS, None, 0
    )
    plan = runner.Plan(method, n_trials, prune=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(StudyStore(Path(folder, "x.journal"), "x", {}, SPACE)) as store,
    ):
        began, cpu, there = time.perf_counter(), time.process_time(), sum(scheduler.cpu_times()[:2])
        runner.run(problem, SPACE, plan, store, -1.0, workers=workers)
        whole, used = time.perf_counter() - began, time.process_time() - cpu
        also = sum(scheduler.cpu_times()[:2]) - there
    per_trial = 1000 / n_trials
    return Measured(n_trials / whole, used * per_trial, also * per_trial, counted.n_batches)


def length(n_workers: int, seconds: float) -> int:
    """Return how many trials a study has: some seconds of them, or enough to fill the coordinator's time."""
    return int(min(max(n_workers * 6 / seconds, 40 * n_workers), 1_500))


def points(method: str) -> dict[tuple[int, float], Measured]:
    """Measure studies with few workers."""
    found = {}
    for n_workers in WORKERS:
        with cluster(n_workers) as (client, scheduler):
            search(client, scheduler, 0.005, 200, method)
            for seconds in SECONDS:
                n_trials = length(n_workers, seconds)
                found[n_workers, seconds] = search(client, scheduler, seconds, n_trials, method)
                say(n_workers, seconds, n_trials, *(f"{value:.2f}" for value in found[n_workers, seconds]))
    return found
