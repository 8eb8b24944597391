"""What `deterministic = true` costs: trials per second, and how good the best trial is.

    python -m benchmarks.deterministic [--repeats 3] [--seeds 36] [--markdown FILE]

The spaces are those of `benchmarks.penalties`: trials wait for a given time instead of training, so other work on the machine
hardly counts. The proposals are real. Every trial takes the same time with and without the option.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.common import Table, parser, publish, say, take_turns
from benchmarks.penalties.landscapes import BEST, DUMMY, EPOCHS, LANDSCAPES, SPACE, Landscape
from bpmodel import BPRegressor
from search.cv.folds import Folds
from search.loop import runner, workers
from search.loop.journal import StudyStore
from search.trials.outcomes import Outcome, winner
from search.trials.problem import Problem, Trial

FOLDS = Folds(((np.arange(100), np.arange(100, 120)),))
SPREADS = {"equal": 0.0, "unequal": 1.0}
"""Standard deviations of the logarithm of the times of trials. With 1, the slowest tenth takes at least seven times as long as
the fastest quarter."""

TIMED = LANDSCAPES[1]
TRIALS, SECONDS, JOBS = 200, 0.04, (2, 4)
"""Of a study whose time is measured: trials, their mean time, and workers."""

SPACES = {"10 % diverge": LANDSCAPES[0], "50 % diverge, far": LANDSCAPES[5], "90 % diverge": LANDSCAPES[6]}
JUDGED, SHORT = 50, 0.01
"""Trials of a study whose best trial is judged, and their mean time in seconds."""


class Way(NamedTuple):
    """How a study is run."""

    n_jobs: int
    deterministic: bool = False


WAYS = {
    "deterministic": Way(2, True),
    "one trial at a time": Way(1),
    "2 trials": Way(2),
    "4 trials": Way(4),
    "8 trials": Way(8),
}


def study(
    space: Landscape, way: Way, *, n_trials: int, seconds: float, spread: float, seed: int
) -> Mapping[int, Outcome]:
    """Run a study whose trials take `seconds` on average."""
    problem: Any = Problem(BPRegressor(max_iter=EPOCHS), None, np.zeros(1), FOLDS, None, seed)  # type: ignore[arg-type]

    def evaluate(problem: Problem, trial: Trial, cancelled: object) -> Outcome:
        time.sleep(seconds * np.random.default_rng([seed, trial.number]).lognormal(-(spread**2) / 2, spread))
        return space.outcome(trial.number, trial.params, seed)

    plan = runner.Plan("bayesian", n_trials, prune=False, **way._asdict())
    with closing(StudyStore(None, "x", {}, SPACE)) as store, patch.object(workers, "evaluate", evaluate):
        return runner.run(problem, SPACE, plan, store, DUMMY)


def rate(way: Way, spread: float, n_trials: int) -> float:
    """Return trials per second."""
    started = time.perf_counter()
    study(TIMED, way, n_trials=n_trials, seconds=SECONDS, spread=spread, seed=0)
    return n_trials / (time.perf_counter() - started)


def regret(space: Landscape, way: Way, seed: int, n_trials: int) -> float:
    """Return the distance of the best trial's true score from the best score, as a share of the dummy predictor's."""
    best = winner(study(space, way, n_trials=n_trials, seconds=SHORT, spread=SPREADS["unequal"], seed=seed))
    return (BEST - (DUMMY if best is None else space.score(best.params))) / (BEST - DUMMY)


def speed(repeats: int, n_trials: int = TRIALS, jobs: Sequence[int] = JOBS) -> Table:
    """Measure trials per second with and without the option."""
    rows = []
    for name, spread in SPREADS.items():
        for n_jobs in jobs:
            ways = {
                way: lambda way=way, spread=spread: rate(way, spread, n_trials) for way in _with_and_without(n_jobs)
            }
            without, ordered = take_turns(ways, repeats).values()
            rows.append([name, f"{n_jobs}", f"{without:.1f}", f"{ordered:.1f}", f"{ordered / without:.2f}"])
            say(*rows[-1])
    note = (
        f"Trials per second of studies of {n_trials} trials of {1000 * SECONDS:.0f} ms on average, and their ratio; median of "
        f"{repeats} repeats. Unequal times are log-normal with a standard deviation of the logarithm of {SPREADS['unequal']:g}."
    )
    return Table(["times of trials", "n_jobs", "without", "deterministic", "ratio"], rows, note)


def _with_and_without(n_jobs: int) -> tuple[Way, Way]:
    return Way(n_jobs), Way(n_jobs, deterministic=True)


def quality(seeds: int, n_trials: int = JUDGED) -> Table:
    """Compare the best trials with those of searches that learn from trials as they end."""
    found: dict[str, list[list[float]]] = {}
    for name, way in WAYS.items():
        found[name] = [[regret(space, way, seed, n_trials) for seed in range(seeds)] for space in SPACES.values()]
        say(name, *(f"{100 * statistics.mean(regrets):.1f}" for regrets in found[name]))
    (first, ours), *others = found.items()
    rows = [[first, *_means(ours), "", ""]]
    rows += [[name, *_means(theirs), *_against(np.array(ours), np.array(theirs))] for name, theirs in others]
    note = (
        f"Mean regret after {n_trials} trials of unequal times, in percent of the dummy predictor's; then the regret with the "
        f"option over this one, and their difference in the same space with the same seed, ± its standard error. {seeds} seeds."
    )
    return Table(["search", *SPACES, "all", "ratio", "difference"], rows, note)


def _means(regrets: Sequence[Sequence[float]]) -> list[str]:
    return [f"{100 * np.mean(each):.1f}" for each in (*regrets, regrets)]


def _against(ours: np.ndarray, theirs: np.ndarray) -> list[str]:
    differences = 100 * (ours - theirs)
    error = differences.std(ddof=1) / np.sqrt(differences.size)
    return [f"{ours.mean() / theirs.mean():.2f}", f"{differences.mean():+.1f} ± {error:.1f}"]


def main() -> None:
    command = parser("benchmarks.deterministic", __doc__)
    command.add_argument("--repeats", type=int, default=3, help="a time is the median over the repeats (%(default)s)")
    command.add_argument("--seeds", type=int, default=36, help="seeds in each space (%(default)s)")
    chosen = command.parse_args()
    with threadpool_limits(1, user_api="blas"):
        text = "\n\n".join(map(str, (speed(chosen.repeats), quality(chosen.seeds))))
    publish(text, "deterministic", chosen.markdown)


if __name__ == "__main__":
    main()
