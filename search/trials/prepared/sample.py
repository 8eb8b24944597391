"""A sample of the training rows of each fold: drawn once for a study, the same in every process.

Validation rows stay as they are. A sample of training rows never holds a validation row, a group that is validated, or a row of
a later time. It is drawn from all training rows, also where they are in time order: a tenth of the past that is the latest
would lack seasons. The rows keep their order.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import is_classifier

from search.cv.folds import Folds
from search.seeds import derive
from search.trials.callbacks import NoTasks
from search.trials.problem import Problem
from search.trials.shared_cache import ComputeOnce

LEAST_ROWS = 1_000
"""Training rows that the sample of a fold must have: with fewer, scores are noise, and all rows take seconds."""

STREAM = 2**32 - 1
"""In place of the number of a trial: no trial has it, so the draws are independent of all initial weights."""


def too_small(problem: Problem, fraction: float) -> str:
    """Return why a sample of the training rows is too small, or an empty string."""
    fewest = min(len(train) for train, _ in problem.folds.splits)
    if fraction == 1 or round(fraction * fewest) >= LEAST_ROWS:
        return ""
    return (
        f"subsample = {fraction:g} has no effect: that is {round(fraction * fewest):,} of the {fewest:,} training rows of a "
        f"fold; needed are {LEAST_ROWS:,}"
    )


def sampled(problem: Problem, fraction: float) -> Problem:
    """Return the problem with a sample of the training rows; made once, and kept with the prepared folds."""
    return problem.prepared.get(f"sample {fraction!r} {problem.seed}", lambda: _sampled(problem, fraction))


def _sampled(problem: Problem, fraction: float) -> Problem:
    splits = tuple(
        (_drawn(train, _classes(problem, train), fraction, derive(problem.seed, STREAM, fold)), validation)
        for fold, (train, validation) in enumerate(problem.folds.splits)
    )
    return replace(
        problem,
        folds=Folds(splits),
        error_score=math.nan,
        train_scores=False,
        prepared=ComputeOnce(problem.prepared.limit),
        tasks=NoTasks(),
        whole=problem,
    )


def _classes(problem: Problem, train: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return the class of each training row as a number; the same for all if there are no classes."""
    if problem.y is None or not is_classifier(problem.estimator):
        return np.zeros(len(train), dtype=np.intp)
    y: Any = np.asarray(problem.y)[train]
    return pd.factorize(y)[0] if y.ndim == 1 else np.zeros(len(train), dtype=np.intp)


def _drawn(rows: NDArray[Any], classes: NDArray[np.intp], fraction: float, seed: int) -> NDArray[Any]:
    """Return this fraction of the rows of each class, at least one, in their order.

    >>> _drawn(np.arange(100, 110), np.array([0, 1] + [0] * 8), 0.5, 0).tolist()
    [101, 103, 105, 106, 108]
    """
    random = np.random.default_rng(seed)
    places = [np.flatnonzero(classes == each) for each in range(classes.max(initial=-1) + 1)]
    chosen = [random.choice(own, max(1, round(fraction * len(own))), replace=False) for own in places if len(own)]
    return rows[np.sort(np.concatenate(chosen))]
