"""What a trial costs beside its training: scheduling, cut-offs, the journal, and MLflow's SQLite store.

    python -m benchmarks.bookkeeping [--repeats 1] [--markdown FILE]

A study of 10,000 trials whose evaluation costs nothing: outcomes with five folds, 200 epochs of losses and eight parameters are
made beforehand, one in ten diverged. Proposals are random, because what a sampler takes is its own affair. Times are CPU time of
the process, all its threads, so that what else runs on the machine does not count.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.common import Table, main, say
from bpmodel import BPRegressor
from search import runner, spaces
from search.cutoffs import rungs
from search.outcomes import Divergence, Outcome
from search.problem import Problem, Trial
from search.store import StudyStore
from search.tracking import Tracker

SIZES = (100, 1_000, 10_000)
EPOCHS = 200
SPACE = spaces.build({f"parameter_{n}": (1e-4, 1.0, "log") for n in range(8)})
FINDINGS = [
    {"code": "exploding_step", "epoch": 1, "evidence": {"ratio": 100.0}, "cause": "c", "remedy": "r", "change": {}}
]


def outcome(trial: Trial) -> Outcome:
    """Return what a trial might hand back."""
    random = np.random.default_rng(trial.number)
    losses = {name: (1 / np.arange(1, EPOCHS + 1) + random.random()).tolist() for name in ("training", "validation")}
    if trial.number % 10 == 0:
        divergence = Divergence(0, 3, 17, "the loss exploded", 100.0, 0.1, FINDINGS)
        return Outcome(trial.number, trial.params, "diverged", "the loss exploded", [], 0, {}, losses, 0.1, divergence)
    scores = random.random(5).tolist()
    curve = {epoch: float(random.random()) for epoch in (4, 6, 9, 19, 38, 76, 150, *rungs(EPOCHS))}
    return Outcome(trial.number, trial.params, "ok", "", scores, 150, dict(sorted(curve.items())), losses, 0.1)


def study(folder: Path, sizes: tuple[int, ...], tracked: bool) -> dict[int, float]:
    """Run one study; return CPU milliseconds per trial over the last tenth of the trials up to each size."""
    marks: dict[int, float] = {}
    problem: Any = Problem(BPRegressor(max_iter=EPOCHS), None, np.zeros(1), None, None, 0)  # type: ignore[arg-type]
    plan = runner.Plan("random", max(sizes), n_jobs=2)
    with closing(StudyStore(folder / "x.journal", "x", {}, SPACE)) as store:
        tracker = None
        if tracked:
            tracker = Tracker(f"sqlite:///{folder}/mlflow.db", "x", "one", {})
            tracker.flush()  # the database is made

        def on_outcome(outcome: Outcome, value: float) -> None:
            if tracker is not None:
                tracker.record(outcome, value)
            n = len(store.outcomes)
            if n in sizes or n in {size - size // 10 for size in sizes}:
                if tracker is not None:
                    tracker.flush()
                marks[n] = time.process_time()

        runner.run(problem, SPACE, plan, store, -1.0, on_outcome)
        if tracker is not None:
            tracker.flush()
    return {n: 1000 * (marks[n] - marks[n - n // 10]) / (n // 10) for n in sizes}


def go_on(folder: Path) -> float:
    """Return the CPU seconds until the study could go on: its journal is read, and MLflow asked what it has."""
    started = time.process_time()
    with closing(StudyStore(folder / "x.journal", "x", {}, SPACE)):
        Tracker(f"sqlite:///{folder}/mlflow.db", "x", "one", {}).flush()
    return time.process_time() - started


def measure(repeats: int, sizes: tuple[int, ...] = SIZES) -> Table:
    """Measure what a trial costs beside its training, and going on with a study."""
    made = {number: outcome(Trial(number, spaces.random_point(SPACE, 0, number))) for number in range(max(sizes))}
    free: Callable[..., Outcome] = lambda problem, trial, cancelled: made[trial.number]  # noqa: E731
    runs: dict[bool, list[dict[int, float]]] = {False: [], True: []}
    resumed = []
    for _ in range(repeats):
        for tracked, figures in runs.items():
            with tempfile.TemporaryDirectory() as name, patch.object(runner, "evaluate", free):
                figures.append(study(Path(name), sizes, tracked))
                if tracked:
                    resumed.append(go_on(Path(name)))
    rows = []
    for n in sizes:
        costs = [f"{statistics.median(figure[n] for figure in figures):.2f}" for figures in runs.values()]
        rows.append([f"{n:,}", *costs])
        say(*rows[-1])
    note = (
        f"CPU milliseconds for a trial, over the last tenth of so many; median of {repeats} repeats. Going on with the study of "
        f"{max(sizes):,} trials takes {statistics.median(resumed):.1f} s."
    )
    return Table(["trials", "scheduling, cut-offs and journal", "and MLflow"], rows, note)


if __name__ == "__main__":
    main("bookkeeping", measure, repeats=1)
