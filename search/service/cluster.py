"""The workers: processes of a local Dask cluster, and the way from a search to them.

Trials take 40 to 300 ms, so a batch of them is what travels: as many as take about a quarter of a second, as far as is known.
All connections are encrypted with keys that are made anew for each service, because every user of a machine reaches its ports.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any

import dask
from distributed import Client, Event, Future, LocalCluster
from distributed.scheduler import KilledWorker
from distributed.security import Security

from search.loop.workers import Job
from search.service import evaluation
from search.service.evaluation import Batch
from search.trials.outcomes import ERROR, Outcome

BATCH_SECONDS = 0.25
"""How long a batch should take. Of shorter trials, each worker has another batch waiting: it does not idle while the coordinator
records outcomes and proposes new trials."""

SHARE = 16
"""A batch has at most this part of a worker's share of the study: a sampler that learns should not propose all at once."""

MEMORY = 0.3
"""Weight of the latest batch in the mean time of a trial."""

LOOK_SECONDS = 0.2
"""Seconds between two looks whether the search has been interrupted."""

COUNT_SECONDS = 2.0
"""Seconds between two questions how many workers there are: each is a request to the scheduler."""

FAREWELL_SECONDS = 2
"""How long a client waits for a scheduler that it leaves, which may be gone."""

SETTINGS = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.comm.timeouts.connect": "5s",
    "distributed.worker.multiprocessing-method": "spawn",
    "distributed.logging": {"distributed": "error"},
}
"""Nothing of Dask answers over HTTP, and nothing but errors is logged."""

KILLS = 1 + int(dask.config.get("distributed.scheduler.allowed-failures", 3))
"""Workers that a batch may kill before it is given up."""

KEYS = ("tls_ca_file", "tls_client_key", "tls_client_cert")


Evaluate = Callable[[Batch], list[Outcome]]


@dataclass(frozen=True)
class Access:
    """What a coordinator needs to reach the scheduler: its address, and keys, which are given to it alone."""

    address: str
    tls_ca_file: str
    tls_client_key: str
    tls_client_cert: str

    @property
    def security(self) -> Security:
        """The keys, for Dask."""
        return Security(require_encryption=True, **{key: getattr(self, key) for key in KEYS})

    @classmethod
    def read(cls, given: dict[str, Any]) -> Access:
        """Return the inverse of `written`."""
        return cls(**{field.name: str(given[field.name]) for field in fields(cls)})

    def written(self) -> dict[str, str]:
        """Return it as plain data."""
        return asdict(self)


@contextmanager
def cluster(n_workers: int) -> Iterator[tuple[LocalCluster, Access]]:
    """Start workers, a process each, until the body ends."""
    dask.config.set(SETTINGS)
    security = Security.temporary()
    with LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",  # a port with nothing behind it: None would be a fixed one
        worker_dashboard_address=None,
        scheduler_kwargs={
            "dashboard": False
        },  # with bokeh installed, every user of the machine would see all that runs
        security=security,
        silence_logs="ERROR",
    ) as made:
        yield made, Access(made.scheduler_address, *(str(getattr(security, key)) for key in KEYS))


@contextmanager
def connected(access: Access) -> Iterator[Client]:
    """Connect to a cluster during the body."""
    dask.config.set(SETTINGS)
    client = Client(access.address, security=access.security, set_as_default=False)
    try:
        yield client
    finally:
        client.close(timeout=FAREWELL_SECONDS)


class ClusterWorkers:
    """Workers of a search: those of a cluster, shared with other searches.

    Parameters
    ----------
    client : Client
        Of Dask.
    root, name, text : str
        The project, the study and its file, as in `Batch`.
    n_trials : float
        Trials of the study.
    priority : int
        Batches of a higher priority run first; of equal ones, those that were sent first.
    evaluate : callable
        What a worker does with a batch.
    clock : callable
        Returns seconds.
    """

    def __init__(
        self,
        client: Client,
        root: str,
        name: str,
        text: str,
        n_trials: float,
        priority: int = 0,
        evaluate: Evaluate = evaluation.evaluate,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock, self._counted, self._n_workers = clock, -COUNT_SECONDS, 1
        self._client, self._study, self._priority, self._evaluate = client, (root, name, text), priority, evaluate
        self._most = max(1.0, n_trials / (SHARE * self.n_jobs))
        self._seconds = BATCH_SECONDS

    @property
    def n_jobs(self) -> int:
        """How many workers there are."""
        now = self._clock()
        gone = self._client.status != "running"  # a scheduler that is gone is not asked
        if now >= self._counted + COUNT_SECONDS and not gone:
            self._n_workers = max(1, len(self._client.scheduler_info(n_workers=-1)["workers"]))
            self._counted = now
        return self._n_workers

    @property
    def size(self) -> int:
        """How many trials the next batch has."""
        return int(min(max(BATCH_SECONDS / self._seconds, 1.0), self._most))

    @property
    def _deep(self) -> int:
        """How many batches each worker has, the one that it runs included."""
        return 2 if self._seconds < BATCH_SECONDS else 1

    def outcomes(self, jobs: Iterable[Job | None], cancelled: Callable[[], bool]) -> Generator[Outcome, None, None]:
        """Return the outcomes of jobs as their batches finish, as `search.loop.workers.Workers` says."""
        run = _Run(self._client, self._study, self._priority, self._evaluate)
        waiting = iter(jobs)
        try:
            while True:
                while run.n_flying < self.n_jobs * self._deep and (batch := self._next(waiting)):
                    run.send(batch)
                if not run.n_flying:
                    return
                found = run.receive()
                if cancelled():
                    return
                self._learn(found)
                yield from found
        finally:
            run.call_off()

    def _next(self, waiting: Iterator[Job | None]) -> list[Job]:
        """Return the next batch, which ends where no further job is known before an outcome."""
        batch: list[Job] = []
        for job in islice(waiting, self.size):
            if job is None:
                break
            batch.append(job)
        return batch

    def _learn(self, found: list[Outcome]) -> None:
        for outcome in found:
            self._seconds += MEMORY * (outcome.seconds - self._seconds) / len(found)


class _Run:
    """Batches on their way."""

    def __init__(self, client: Client, study: tuple[str, str, str], priority: int, evaluate: Evaluate) -> None:
        self._client, self._study, self._priority, self._evaluate = client, study, priority, evaluate
        self._name = f"call-off-{uuid.uuid4().hex}"
        self._event = Event(self._name, client=client)
        self._flying: dict[Future, list[Job]] = {}
        self._landed: SimpleQueue[Future] = SimpleQueue()

    @property
    def n_flying(self) -> int:
        return len(self._flying)

    def send(self, jobs: list[Job]) -> None:
        """Send jobs; each batch has those of one problem's folds."""
        for folds in dict.fromkeys(job.problem.folds.fingerprint for job in jobs):
            own = [job for job in jobs if job.problem.folds.fingerprint == folds]
            trials = tuple((job.problem.seed, job.trial) for job in own)
            batch = Batch(*self._study, folds, trials, self._name)
            future = self._client.submit(self._evaluate, batch, pure=False, priority=self._priority)
            self._flying[future] = own
            future.add_done_callback(self._landed.put)

    def receive(self) -> list[Outcome]:
        """Wait for the next batch; return its outcomes, or none if it goes out again."""
        future = self._next()
        jobs = self._flying.pop(future)
        try:
            return list(future.result())
        except KilledWorker:
            return self._after_death(jobs)

    def _next(self) -> Future:
        while True:
            with suppress(Empty):  # signals are handled between two waits
                return self._landed.get(timeout=LOOK_SECONDS)

    def _after_death(self, jobs: list[Job]) -> list[Outcome]:
        """Send the trials of a batch that killed its workers one by one; a trial that does so alone has an error."""
        if len(jobs) > 1:
            for job in jobs:
                self.send([job])
            return []
        trial = jobs[0].trial
        reason = f"it killed {KILLS} worker processes, for example because memory did not hold it"
        return [Outcome(trial.number, dict(trial.params), ERROR, reason, [], 0, {}, {}, 0.0)]

    def call_off(self) -> None:
        """Give up what is on its way."""
        if (
            not self._flying or self._client.status != "running"
        ):  # or the scheduler is gone, and with it everything that ran
            self._flying.clear()
            return
        with suppress(Exception):  # it may go meanwhile
            self._event.set()
            self._client.cancel(list(self._flying), force=True)
        self._flying.clear()
