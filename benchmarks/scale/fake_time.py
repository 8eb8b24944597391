"""A cluster in fake time: the real code that hands out batches, and workers, scheduler and coordinator that only count seconds.

What takes time is given as `Costs`. The coordinator is one thread: while it proposes and records, nothing else of it happens. The
scheduler takes one batch after the other, and gives each to the worker that will be free first; workers run theirs in order.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from queue import Empty
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from benchmarks.bookkeeping import FOLDS
from bpmodel import BPRegressor
from search.loop import runner
from search.loop.journal import StudyStore
from search.loop.workers import Job
from search.service.cluster.batches import ClusterWorkers, Study
from search.service.cluster.evaluation import Batch
from search.space import spaces
from search.trials.outcomes import Outcome
from search.trials.problem import Problem, Trial


@dataclass(frozen=True)
class Costs:
    """Seconds that everything but training takes.

    Attributes
    ----------
    trial, batch : float
        Of the coordinator: to propose and to record a trial, and to send and to receive a batch.
    scheduler : float
        Of the scheduler, for a batch.
    worker : float
        Of a worker, for a batch.
    way : float
        Of a message, from coordinator to worker or back.
    """

    trial: float
    batch: float
    scheduler: float
    worker: float
    way: float


class Run(NamedTuple):
    """What a study in fake time was like.

    Attributes
    ----------
    rate : float
        Trials per second.
    busy : float
        Part of the workers' time in which they trained.
    coordinator, scheduler : float
        Part of the time in which these were busy.
    size : float
        Trials of a batch, in the mean.
    """

    rate: float
    busy: float
    coordinator: float
    scheduler: float
    size: float


class Cluster:
    """What `ClusterWorkers` sees of Dask: a client, members, and of the batches that have landed.

    Parameters
    ----------
    n_workers : int
    costs : Costs
    seconds : callable
        Returns how long a trial trains, given its number.
    outcome : callable
        Returns what becomes of a trial, given it and its seconds.
    """

    status = "running"
    versions: dict[str, str] = {}  # noqa: RUF012
    room = (0.0, 0.0)
    changes = 0

    def __init__(
        self,
        n_workers: int,
        costs: Costs,
        seconds: Callable[[int], float],
        outcome: Callable[[Trial, float], Any] = lambda trial, seconds: SimpleNamespace(
            number=trial.number, seconds=seconds
        ),
    ) -> None:
        self._outcome = outcome
        self.n_threads = n_workers
        self._costs, self._seconds = costs, seconds
        self._free = [(0.0, worker) for worker in range(n_workers)]
        self._arrivals: list[tuple[float, int, Future]] = []
        self.now = self._scheduler_free = 0.0
        self.trained = self.worked = self.scheduled = 0.0
        self.n_batches = 0

    def work(self, seconds: float) -> None:
        """Have the coordinator work."""
        self.now += seconds
        self.worked += seconds

    # ----------------------------------------------------------------------------------------------------- as Dask's client

    def subscribe_topic(self, topic: str, handler: Callable[..., None]) -> None:
        pass

    def unsubscribe_topic(self, topic: str) -> None:
        pass

    def able(self, needed: float, *, narrow: bool) -> None:
        """All are able."""

    def submit(self, function: Any, batch: Batch, *, pure: bool, priority: int) -> Future:
        self.work(self._costs.batch / 2)
        self.n_batches += 1
        self._scheduler_free = max(self._scheduler_free, self.now) + self._costs.scheduler
        self.scheduled += self._costs.scheduler
        free, worker = heapq.heappop(self._free)
        begun = max(free, self._scheduler_free + self._costs.way)
        trains = [self._seconds(trial.number) for _, trial in batch.trials]
        end = begun + sum(trains) + self._costs.worker
        self.trained += sum(trains)
        heapq.heappush(self._free, (end, worker))
        future = Future([self._outcome(trial, s) for (_, trial), s in zip(batch.trials, trains, strict=True)])
        heapq.heappush(self._arrivals, (end + self._costs.way, self.n_batches, future))
        return future

    # ------------------------------------------------------------------------------------------------ as what has landed

    def expect(self, future: Future) -> None:
        pass

    def get(self, timeout: float) -> tuple[Future, Future]:
        if not self._arrivals or self._arrivals[0][0] > self.now + timeout:
            self.now += timeout
            raise Empty
        at, _, future = heapq.heappop(self._arrivals)
        self.now = max(self.now, at)
        self.work(self._costs.batch / 2)
        return future, future


class Future:
    """A batch that has ended, or will."""

    def __init__(self, outcomes: list[Any]) -> None:
        self._outcomes = outcomes

    def result(self) -> list[Any]:
        return self._outcomes


def study(n_workers: int, n_trials: int, costs: Costs, seconds: Callable[[int], float]) -> Run:
    """Run a study in fake time, by a method that does not learn."""
    cluster: Any = Cluster(n_workers, costs, seconds)
    workers = ClusterWorkers(
        cluster, Study(".", "a", ""), cluster, n_trials, learns=False, landing=lambda client: cluster
    )
    problem: Any = SimpleNamespace(seed=0, folds=SimpleNamespace(fingerprint="f"))

    def jobs() -> Iterator[Job]:
        for number in range(n_trials):
            cluster.work(costs.trial / 2)
            yield Job(problem, Trial(number, {}))

    ended = 0
    for _ in workers.outcomes(jobs(), lambda: False):
        cluster.work(costs.trial / 2)
        ended += 1
    assert ended == n_trials
    whole = cluster.now
    parts = (cluster.trained / n_workers, cluster.worked, cluster.scheduled)
    return Run(n_trials / whole, *(part / whole for part in parts), n_trials / cluster.n_batches)


def regret(n_workers: int, n_trials: int, method: str, seed: int) -> float:
    """Run a real search in fake time, on a made-up function of four hyperparameters; return the loss of its best trial."""
    space = spaces.build({f"x{axis}": (1e-4, 1.0, "log") for axis in range(4)})
    centre = np.random.default_rng(seed).uniform(0.2, 0.8, 4)

    def outcome(trial: Trial, seconds: float) -> Outcome:
        x = np.array([1 + np.log10(trial.params[f"x{axis}"]) / 4 for axis in range(4)]) - centre
        loss = float(x @ x + 0.3 * x[0] * x[1] + 0.05 * (1 - np.cos(12 * x)).sum())
        return Outcome(trial.number, trial.params, "ok", "", [-loss], 1, {}, {}, seconds)

    cluster: Any = Cluster(n_workers, Costs(0.0, 0.0, 0.0, 0.0, 0.0), spread(0.04, seed=seed), outcome)
    workers = ClusterWorkers(cluster, Study(".", "a", ""), cluster, n_trials, landing=lambda client: cluster)
    problem: Any = Problem(BPRegressor(), None, np.zeros(1), FOLDS, None, seed)  # type: ignore[arg-type]
    with closing(StudyStore(None, "x", {}, space)) as store:
        plan = runner.Plan(method, n_trials, prune=False)
        found = runner.run(problem, space, plan, store, -1.0, workers=workers)
    return -max(outcome.score for outcome in found.values())


def fixed(seconds: float) -> Callable[[int], float]:
    """Trials that all take the same time."""
    return lambda number: seconds


def spread(seconds: float, cv: float = 0.5, seed: int = 0) -> Callable[[int], float]:
    """Trials whose times have a log-normal distribution with this mean and this coefficient of variation."""
    sigma = np.sqrt(np.log1p(cv**2))
    random = np.random.default_rng(seed)
    drawn = random.lognormal(np.log(seconds) - sigma**2 / 2, sigma, 1 << 16)
    return lambda number: float(drawn[number % len(drawn)])
