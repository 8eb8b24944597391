"""The way of trials to the workers and back.

Trials take 40 to 300 ms, so a batch of them is what travels: as many as take about a quarter of a second, as far as is known.
"""

from __future__ import annotations

import math
import time
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from itertools import islice
from queue import Empty
from typing import NamedTuple

from distributed import Client, Future
from distributed.scheduler import KilledWorker

from bpmodel.names.amounts import bytes_told
from search.errors import AwayError
from search.loop.workers import Job
from search.service.cluster import evaluation
from search.service.cluster.access import KILLS
from search.service.cluster.background import beside
from search.service.cluster.evaluation import Batch, NotReadyError
from search.service.cluster.landing import Landing
from search.service.cluster.members import Members
from search.trials.outcomes import ERROR, Outcome
from search.trials.problem import Trial

BATCH_SECONDS = 0.25
"""How long a batch should take."""

MOST_BATCHES = 100.0
"""Batches that are sent per second: one takes two to four milliseconds of coordinator and scheduler, so batches of many workers
are longer."""

DEEP_SECONDS = 1.0
"""Of shorter trials, each worker has another batch waiting: it does not idle while an outcome is on its way and is recorded, and
a new trial is proposed. That takes about 35 ms: of longer trials less than 5 %, and proposals that know more are better."""

SHARE, SHARE_UNLEARNED = 16, 4
"""A batch has at most this part of a worker's share of the study: a sampler that learns should not propose all at once, and one
that does not should leave all workers something to do in the end."""

MEMORY = 0.3
"""Weight of the latest batch in the mean time of a trial."""

LOOK_SECONDS = 0.2
"""Seconds between two looks whether the search has been interrupted."""

CALL_OFF_SECONDS = 1.0
"""How long workers are waited for that are told to leave off: one may stand still."""

SOON_SECONDS = 0.02
"""Seconds between two looks whether a first worker has come."""

HUNG_FACTOR, HUNG_SECONDS = 20.0, 120.0
"""A trial is hung after so many times the longest trial so far, and so many seconds more."""

MOST_DEATHS = 20
"""Workers that may die while a trial waits at them, or has perhaps begun, before it is given up."""

Evaluate = Callable[[Batch], list[Outcome]]
Footprint = Callable[[Job, float], float]
"""Returns the bytes that a trial takes in its worker; a bound of them is enough if that is below the second argument."""


class Study(NamedTuple):
    """What of a study each batch has, as `Batch`; see there."""

    root: str
    name: str
    text: str
    data: str = ""
    place: str = ""


class ClusterWorkers:
    """Workers of a search: those of a cluster, shared with other searches.

    Parameters
    ----------
    client : Client
        Of Dask.
    study : Study
    members : Members
        The workers that the study can use.
    n_trials : float
        Trials of the study.
    priority : int
        Batches of a higher priority run first; of equal ones, those that were sent first.
    learns : bool
        Whether trials are proposed from the results of others.
    footprint : callable
        As `Footprint`.
    evaluate : callable
        What a worker does with a batch.
    landing : callable
        Makes what fetches the batches of a run that have ended.
    """

    def __init__(
        self,
        client: Client,
        study: Study,
        members: Members,
        n_trials: float,
        priority: int = 0,
        learns: bool = True,
        footprint: Footprint = lambda job, enough: 0.0,
        evaluate: Evaluate = evaluation.evaluate,
        landing: Callable[[Client], Landing] = Landing,
    ) -> None:
        self._landing, self._share = landing, SHARE if learns else SHARE_UNLEARNED
        self._client, self._study, self._members, self._priority = client, study, members, priority
        self._footprint, self._evaluate, self._n_trials = footprint, evaluate, n_trials
        self._seconds, self._slowest = BATCH_SECONDS, 0.0

    @property
    def n_jobs(self) -> int:
        """How many trials run at the same time."""
        return max(1, self._members.n_threads)

    @property
    def size(self) -> int:
        """How many trials the next batch has."""
        most = max(1.0, self._n_trials / (self._share * self.n_jobs))
        seconds = max(BATCH_SECONDS, self.n_jobs / MOST_BATCHES)
        return int(min(max(seconds / self._seconds, 1.0), most))

    @property
    def _limit(self) -> float:
        """Seconds after which a trial is hung; 0 as long as nothing is known of this study's trials."""
        return HUNG_FACTOR * self._slowest + HUNG_SECONDS if self._slowest else 0.0

    @property
    def _deep(self) -> int:
        """How many batches each worker has, the one that it runs included."""
        return 2 if self._seconds < DEEP_SECONDS else 1

    def outcomes(self, jobs: Iterable[Job | None], cancelled: Callable[[], bool]) -> Generator[Outcome, None, None]:
        """Return the outcomes of jobs as their batches finish, as `search.loop.workers.Workers` says."""
        if self._client.status != "running":
            raise AwayError("the scheduler is gone")
        run = _Run(
            self._client, self._study, self._members, self._priority, self._evaluate, self._landing(self._client)
        )
        waiting = iter(jobs)
        try:
            while not cancelled():
                places = self._members.n_threads * self._deep
                while run.n_flying < places and (batch := self._next(waiting)):
                    yield from self._send(run, batch)
                if places and not run.n_flying:
                    return
                found = run.receive(LOOK_SECONDS if run.n_flying else SOON_SECONDS)
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

    def _send(self, run: _Run, batch: list[Job]) -> list[Outcome]:
        """Send a batch to workers that have the memory for it; return the outcomes of trials for which none has it."""
        least, most = self._members.room
        needed = {job.trial.number: self._footprint(job, least) for job in batch}
        fitting = [job for job in batch if needed[job.trial.number] <= most]
        others = [job.trial for job in batch if needed[job.trial.number] > most]
        if fitting:
            run.send(fitting, self._limit, max(needed[job.trial.number] for job in fitting))
        return [_too_large(trial, needed[trial.number], most) for trial in others]

    def _learn(self, found: list[Outcome]) -> None:
        for outcome in found:
            self._seconds += MEMORY * (outcome.seconds - self._seconds) / len(found)
            self._slowest = max(self._slowest, outcome.seconds)


class _Sent(NamedTuple):
    """A batch on its way: its jobs, its number, what is needed to send it again, and where it may run."""

    jobs: list[Job]
    number: int
    limit: float
    needed: float
    suspect: bool
    workers: Sequence[str] | None


class _Run:
    """Batches on their way."""

    def __init__(
        self,
        client: Client,
        study: Study,
        members: Members,
        priority: int,
        evaluate: Evaluate,
        landed: Landing,
    ) -> None:
        self._client, self._study, self._members = client, study, members
        self._priority, self._evaluate = priority, evaluate
        self._name = f"call-off-{uuid.uuid4().hex}"
        self._flying: dict[Future, _Sent] = {}
        self._landed = landed
        self._begun: Counter[int] = Counter()
        self._since: dict[int, float] = {}
        self._kills: Counter[int] = Counter()
        self._deaths: Counter[int] = Counter()
        self._number = self._changes = 0
        client.subscribe_topic(self._name, self._note)

    @property
    def n_flying(self) -> int:
        return len(self._flying)

    def send(
        self, jobs: list[Job], limit: float, needed: float = 0.0, *, suspect: bool = False, narrow: bool = False
    ) -> None:
        """Send jobs; each batch has those of one problem's folds.

        Where each connected worker is able, the scheduler need not know which are; `narrow` tells it nevertheless.
        """
        workers = self._members.able(needed, narrow=narrow) or None
        options = {} if workers is None else {"workers": workers}
        for folds in dict.fromkeys(job.problem.folds.fingerprint for job in jobs):
            own = [job for job in jobs if job.problem.folds.fingerprint == folds]
            self._number += 1
            batch = self._batch(folds, own, suspect, limit)
            future = self._client.submit(self._evaluate, batch, pure=False, priority=self._priority, **options)
            self._flying[future] = _Sent(own, self._number, limit, needed, suspect, workers)
            self._landed.expect(future)

    def _batch(self, folds: str, jobs: list[Job], suspect: bool, limit: float) -> Batch:
        trials = tuple((job.problem.seed, job.trial) for job in jobs)
        root, name, text, data, place = self._study
        versions = self._members.versions
        return Batch(root, name, text, folds, trials, self._name, self._number, suspect, limit, data, place, versions)

    def receive(self, seconds: float) -> list[Outcome]:
        """Wait for the next batch; return its outcomes, or none if there is none yet or it goes out again.

        Raises
        ------
        AwayError
            If the scheduler is gone.
        """
        if self._client.status != "running":
            raise AwayError("the scheduler is gone")
        self._move()
        try:
            future, fetched = self._landed.get(seconds)
        except Empty:
            return []
        sent = self._flying.pop(future, None)
        if sent is None:  # it was moved
            return []
        try:
            found = list(fetched.result())
        except KilledWorker:
            return self._after_death(sent)
        except CancelledError:
            raise AwayError("the scheduler is gone") from None
        except NotReadyError:
            time.sleep(SOON_SECONDS)
            self.send(sent.jobs, sent.limit, sent.needed, suspect=sent.suspect, narrow=True)
            return []
        self._begun.pop(sent.number, None)
        self._since.pop(sent.number, None)
        return found

    def _move(self) -> None:
        """Send what waits for workers that are all gone to others: nobody would ever take it."""
        if self._changes == self._members.changes:
            return
        self._changes = self._members.changes
        there = set(self._members.addresses)
        lost = [future for future, sent in self._flying.items() if sent.workers and there.isdisjoint(sent.workers)]
        for future in lost:
            sent = self._flying.pop(future)
            future.cancel()
            self.send(sent.jobs, sent.limit, sent.needed, suspect=sent.suspect)

    def _note(self, told: tuple[float, int]) -> None:
        """Note that a batch has begun."""
        self._begun[told[1]] += 1
        self._since[told[1]] = time.monotonic()

    def _after_death(self, sent: _Sent) -> list[Outcome]:
        """Send the trials of a batch whose worker has died one by one; return the outcome of one that is given up.

        A trial has killed a worker if it was at work there, alone in its batch. Others have waited behind it.
        """
        kills, alone = self._begun.pop(sent.number, 0), len(sent.jobs) == 1
        ran = time.monotonic() - self._since.pop(sent.number, math.inf)
        hung = sent.limit if sent.limit and ran >= sent.limit else 0.0
        for job in sent.jobs:
            number = job.trial.number
            self._deaths[number] += 1
            self._kills[number] += kills if alone else 0
            if self._kills[number] >= KILLS or self._deaths[number] >= MOST_DEATHS:
                return [_given_up(job.trial, self._kills[number] or self._deaths[number], hung)]
            self.send([job], sent.limit, sent.needed, suspect=True)
        return []

    def call_off(self) -> None:
        """Give up what is on its way."""
        if self._client.status != "running":  # the scheduler is gone, and with it everything that ran
            self._flying.clear()
            return
        with suppress(Exception):  # it may go meanwhile
            self._client.unsubscribe_topic(self._name)
            if self._flying:
                self._client.cancel(list(self._flying), force=True)
                call = partial(self._client.run, evaluation.call_off, self._name, on_error="ignore")
                beside(call).result(CALL_OFF_SECONDS)
        self._flying.clear()


def _given_up(trial: Trial, kills: int, hung: float) -> Outcome:
    if hung:
        rule = f"{HUNG_FACTOR:g} times the longest trial so far, and {HUNG_SECONDS:g} s"
        return _error(trial, f"it hung: on {kills} workers it did not end within {hung:,.0f} s ({rule})")
    return _error(trial, f"it killed {kills} worker processes, for example because memory did not hold it")


def _too_large(trial: Trial, needed: float, most: float) -> Outcome:
    told = "" if math.isinf(most) else f"; the workers have up to {bytes_told(most)}"
    return _error(trial, f"it takes about {bytes_told(needed)} of memory{told}")


def _error(trial: Trial, reason: str) -> Outcome:
    return Outcome(trial.number, dict(trial.params), ERROR, reason, [], 0, {}, {}, 0.0)
