"""The overhead of a trial beside its training: scheduling, cut-offs, the journal, MLflow's SQLite store, and its proposal.

    python -m benchmarks.bookkeeping [--repeats 3] [--markdown FILE]

The study has 10,000 trials whose evaluation costs nothing: their outcomes (five folds, 200 epochs of losses, eight
parameters, one in ten diverged) are made beforehand. As in a search, two trials are under way, and the next one ends only
when one of them has been recorded. Otherwise the trials would run ahead of their records, and the last ones would seem too
cheap. The proposals of this study are random. The Bayesian sampler is measured apart: it learns random points, and proposes
points of its own in the trials that count. Times are CPU time of the process with all its threads, so other work on the
machine does not count.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.common import Table, main, say
from bpmodel import BPRegressor
from search.cv.folds import Folds
from search.loop import runner, workers
from search.loop.journal import StudyStore
from search.samplers.methods import METHODS
from search.space import spaces
from search.space.spaces import Space
from search.tracking import Header, MLflowTracker
from search.trials.courses import COURSE_POINTS, kept_epochs
from search.trials.outcomes import Divergence, Outcome
from search.trials.penalties import FEASIBLE, Feedback
from search.trials.problem import Problem, Trial
from search.trials.pruning import rungs

SIZES = (100, 1_000, 10_000)
N_JOBS = 2
EPOCHS = 200
FOLDS = Folds(((np.arange(100), np.arange(100, 120)),))
SPACE = spaces.build({f"parameter_{n}": (1e-4, 1.0, "log") for n in range(8)})
HEAD = JOURNAL, MLFLOW, EIGHT, DEFAULT = (
    "scheduling, cut-offs and journal",
    "the same with MLflow",
    "TPE, eight parameters",
    "TPE, default space",
)
FINDINGS = [
    {"code": "exploding_step", "epoch": 1, "evidence": {"ratio": 100.0}, "cause": "c", "remedy": "r", "change": {}}
]


def outcome(trial: Trial) -> Outcome:
    """Return a made-up outcome of a trial."""
    random = np.random.default_rng(trial.number)
    losses = {name: (1 / np.arange(1, EPOCHS + 1) + random.random()).tolist() for name in ("training", "validation")}
    if trial.number % 10 == 0:
        divergence = Divergence(0, 3, 17, "the loss exploded", 100.0, 0.1, FINDINGS)
        return Outcome(trial.number, trial.params, "diverged", "the loss exploded", [], 0, {}, losses, 0.1, divergence)
    scores = random.random(5).tolist()
    curve = {epoch: float(random.random()) for epoch in (4, 6, 9, 19, 38, 76, 150, *rungs(EPOCHS))}
    norms = {epoch: float(random.random()) for epoch in kept_epochs(EPOCHS, COURSE_POINTS)}
    courses = {"gradient_norm": norms, "learning_rate": {1: 0.01, EPOCHS: 0.01}}
    curve = dict(sorted(curve.items()))
    return Outcome(trial.number, trial.params, "ok", "", scores, 150, curve, losses, 0.1, courses=courses)


def window(size: int) -> int:
    """Return the number of trials, at the end of a study of `size`, over which costs are averaged."""
    return max(size // 10, min(size, 50))


def study(folder: Path, made: dict[int, Outcome], sizes: tuple[int, ...], tracked: bool) -> dict[int, float]:
    """Run one study and return the CPU milliseconds per trial at each size."""
    marks: dict[int, float] = {}
    problem: Any = Problem(BPRegressor(max_iter=EPOCHS), None, np.zeros(1), FOLDS, None, 0)  # type: ignore[arg-type]
    plan = runner.Plan("random", len(made), n_jobs=N_JOBS, prune=True)
    under_way = threading.Semaphore(N_JOBS)
    marked = {*sizes, *(size - window(size) for size in sizes)}
    marks[0] = time.process_time()

    def evaluate(problem: Problem, trial: Trial, cancelled: object) -> Outcome:
        under_way.acquire()
        return made[trial.number]

    with (
        closing(StudyStore(folder / "x.journal", "x", {}, SPACE)) as store,
        patch.object(workers, "evaluate", evaluate),
    ):
        tracker = None
        if tracked:
            tracker = _tracker(folder)
            tracker.flush()  # the database is made

        def on_outcome(outcome: Outcome, value: float) -> None:
            if tracker is not None:
                tracker.record(outcome, value)
            n = len(store.outcomes)
            if n in marked:
                if tracker is not None:
                    tracker.flush()
                marks[n] = time.process_time()
            under_way.release()

        runner.run(problem, SPACE, plan, store, -1.0, on_outcome)
        if tracker is not None:
            tracker.end("FINISHED")
    return {n: 1000 * (marks[n] - marks[n - window(n)]) / window(n) for n in sizes}


def proposals(space: Space, sizes: tuple[int, ...]) -> dict[int, float]:
    """Return the CPU milliseconds per trial in which the default sampler proposes and learns, at each size."""
    random, sampler = np.random.default_rng(0), METHODS["bayesian"].sampler(space, 0)
    taken: dict[int, list[float]] = {size: [] for size in sizes}
    for number in range(max(sizes)):
        counted = [size for size in sizes if size - window(size) <= number < size]
        params = {} if counted else space.random_point(0, number)
        value, constraint = float(random.random()), 1.0 if number % 10 == 0 else FEASIBLE
        started = time.process_time()
        if counted:
            params = sampler.ask(number)
        sampler.tell(Outcome(number, params, "ok", "", [value], 1, {}, {}, 0.1), Feedback(value, constraint))
        for size in counted:
            taken[size].append(time.process_time() - started)
    return {size: 1000 * statistics.mean(times) for size, times in taken.items()}


def _tracker(folder: Path) -> MLflowTracker:
    """Return a tracker that has begun the study."""
    tracker = MLflowTracker(f"sqlite:///{folder}/mlflow.db")
    tracker.begin(Header("x", "one", {}, scoring="neg_root_mean_squared_error", method="random"))
    return tracker


def go_on(folder: Path) -> float:
    """Return the CPU seconds to resume a study: to read its journal, and to ask MLflow what it has."""
    started = time.process_time()
    with closing(StudyStore(folder / "x.journal", "x", {}, SPACE)):
        _tracker(folder).flush()
    return time.process_time() - started


def measure(repeats: int, sizes: tuple[int, ...] = SIZES) -> Table:
    """Measure the overhead of a trial, and the time to resume a study."""
    made = {number: outcome(Trial(number, SPACE.random_point(0, number))) for number in range(max(sizes))}
    runs: dict[str, list[dict[int, float]]] = {name: [] for name in HEAD}
    resumed = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as name:
            runs[JOURNAL].append(study(Path(name), made, sizes, tracked=False))
        with tempfile.TemporaryDirectory() as name:
            runs[MLFLOW].append(study(Path(name), made, sizes, tracked=True))
            resumed.append(go_on(Path(name)))
        runs[EIGHT].append(proposals(SPACE, sizes))
        runs[DEFAULT].append(proposals(spaces.default(), sizes))
    rows = []
    for n in sizes:
        costs = [f"{statistics.median(figure[n] for figure in figures):.2f}" for figures in runs.values()]
        rows.append([f"{n:,}", *costs])
        say(*rows[-1])
    note = (
        f"CPU milliseconds per trial: the mean over the last tenth of the trials, at least 50; median of {repeats} repeats. "
        f"Resuming the study of {max(sizes):,} trials takes {statistics.median(resumed):.1f} s."
    )
    return Table(["trials", *HEAD], rows, note)


if __name__ == "__main__":
    main("bookkeeping", measure, repeats=3)
