"""Figures from runs: time to target, score at equal time, ranks."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from benchmarks.search.contenders import Run

OURS = "bpsearch"
OPTUNA = ("OptunaSearchCV", "OptunaSearchCV, n_jobs=1")
HALVING = "HalvingRandomSearchCV"
TREES = "HistGradientBoosting"

Runs = Mapping[str, Run]
"""The contenders' runs on one set with one seed."""


def faster_optuna(runs: Runs) -> str:
    """Return the faster number of jobs: the one that finished all its trials in less time."""
    most = max(runs[name].configurations for name in OPTUNA if name in runs)
    return min((n for n in OPTUNA if n in runs and runs[n].configurations == most), key=lambda n: runs[n].seconds)


def time_ratio(ours: Run, peer: Run) -> float:
    """Return when the peer reached its final best score, over when ours reached it; 1 if ours never did."""
    reached = ours.reaches(peer.score)
    return peer.reaches(peer.score) / reached if np.isfinite(reached) else 1.0


def total_time_ratio(ours: Run, peer: Run) -> float:
    """Return the peer's whole time, over when ours reached the peer's final score; 1 if ours never did."""
    reached = ours.reaches(peer.score)
    return peer.seconds / reached if np.isfinite(reached) else 1.0


def over_sets(ratios: Sequence[Sequence[float]]) -> float:
    """Return the geometric mean over sets of the medians over seeds."""
    return float(np.exp(np.mean([np.log(statistics.median(seeds)) for seeds in ratios])))


class Equal(NamedTuple):
    """Whether ours is at least as good as a peer when the peer ends: on the folds of both searches, and on the test rows."""

    better_on_folds: bool
    better_on_test: bool


def at_equal_time(ours: Run, peer: Run) -> Equal:
    """Compare the scores when the peer ends; ours is never given longer than it ran."""
    return Equal(ours.at(peer.seconds) >= peer.score, ours.test >= peer.test)


def ranks(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return each contender's mean rank, 1 for the best; ties share a rank."""
    names = list(scores[0])
    table = [rankdata([-each[name] for name in names]) for each in scores]
    return dict(zip(names, np.mean(table, axis=0).tolist(), strict=True))
