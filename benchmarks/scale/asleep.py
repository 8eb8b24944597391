"""Studies on a cluster whose trials sleep: what they cost is the hand-out."""

from __future__ import annotations

import copy
import tempfile
import time
import uuid
from contextlib import closing
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from distributed import Client

from benchmarks import bookkeeping
from search.loop import runner
from search.loop.database.journal import DatabaseJournal
from search.loop.journal import Address, StudyStore
from search.samplers.external import find
from search.service.cluster import batches, evaluation
from search.service.cluster.batches import ClusterWorkers
from search.service.cluster.evaluation import Batch
from search.service.cluster.members import Members, Needs
from search.space import spaces
from search.trials.outcomes import Outcome
from search.trials.problem import Trial

SPACE = spaces.default()


def sleeping(batch: Batch, seconds: float) -> list[Outcome]:
    """Return made-up outcomes after the time that their trials would take."""
    time.sleep(seconds * len(batch.trials))
    return [outcome(trial, seconds) for _, trial in batch.trials]


def _place(uri: str, folder: Path) -> Address:
    return DatabaseJournal(uri, uuid.uuid4().hex) if uri else folder / "x.journal"


def outcome(trial: Trial, seconds: float) -> Outcome:
    """Return one of a few made-up outcomes, as that of a trial: to make one up takes the processor of many workers' trials."""
    found = copy.copy(_made(trial.number % 20, seconds))
    vars(found).update(number=trial.number, params=trial.params)
    return found


@cache
def _made(number: int, seconds: float) -> Outcome:
    return evaluation.with_text(replace(bookkeeping.outcome(Trial(number, {})), seconds=seconds))


def search(client: Client, n_trials: int, method: str, seconds: float, uri: str = "") -> tuple[float, float]:
    """Run a study, in a file or a database; return its seconds, and the CPU seconds of this process."""
    members = Members(client, Needs())
    while not members.n_threads:
        time.sleep(0.01)
    study, evaluate = batches.Study(".", "asleep", ""), partial(sleeping, seconds=seconds)
    workers = ClusterWorkers(client, study, members, n_trials, learns=find(method).learns, evaluate=evaluate)
    problem: Any = bookkeeping.Problem(
        bookkeeping.BPRegressor(max_iter=200), None, np.zeros(1), bookkeeping.FOLDS, None, 0
    )
    plan = runner.Plan(method, n_trials, prune=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(StudyStore(_place(uri, Path(folder)), "x", {}, SPACE)) as store,
    ):
        began, cpu = time.perf_counter(), time.process_time()
        runner.run(problem, SPACE, plan, store, -1.0, workers=workers)
        return time.perf_counter() - began, time.process_time() - cpu
