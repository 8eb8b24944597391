"""Baselines on the same folds: the dummy predictor, a linear model, gradient boosting and, for forecasts, persistence."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, RegressorMixin, clone, is_classifier
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from threadpoolctl import threadpool_limits

from search import scorers
from search.errors import reason_of
from search.rows import take
from search.trials.outcomes import mean
from search.trials.prepared.folds import prepare
from search.trials.problem import Problem
from search.trials.scoring import by_metric, named, objective, scores

ALPHAS = np.logspace(-3, 3, 13)
DUMMY, LINEAR, BOOSTING, PERSISTENCE = "dummy predictor", "linear model", "gradient boosting", "persistence"

MOST_ITERATIONS, FEWEST_ITERATIONS, FEWEST_ROWS = 100, 25, 500

WORK = 1e9
"""Cap on the work of gradient boosting: (rows + `SEARCH_OF_SPLITS`) x columns x trees, over all folds. It takes 5 to 8
seconds on one core of 2024. It depends on the data only, so the score does not depend on the machine."""

SEARCH_OF_SPLITS = 31 * 256
"""Work of the search for splits in a tree, in rows: leaves times bins."""

RIDGE_WORK, WIDE, RIDGE_CELLS = 1e10, 10, 5e6
"""Cap on the work of ridge regression, over all folds: rows x columns^2, or with fewer rows than columns
columns x rows^2 / `WIDE`. It takes 10 to 30 seconds on one core of 2024. And a cap on the rows x columns of a fold where that
leaves 100 rows for each column: it takes 30 bytes of memory for each."""

FEWEST_OF_A_COLUMN = 100
"""Rows for each column from which a linear model hardly gains by more."""

MOST_STEPS, FEWEST_STEPS, LOGISTIC_WORK, MOST_WEIGHTS = 2000, 100, 1e11, 10_000_000
"""Most iterations of logistic regression; fewest with a cap on its work, which is rows x columns x classes x iterations
over all folds, and takes 20 to 35 seconds; and the most weights, of which the solver keeps some 25 copies."""


@dataclass(frozen=True)
class Baseline:
    """Mean and standard deviation over the folds, the score of each fold, and the means of all metrics that have names."""

    name: str
    score: float
    std: float
    fold_scores: tuple[float, ...] = ()
    means: Mapping[str, float] = field(default_factory=dict)


def dummy(problem: Problem, task: str) -> Baseline:
    """Score the dummy predictor: mean target, or class frequencies."""
    model = DummyClassifier(strategy="prior") if task == "classification" else DummyRegressor()
    blind = scorers.see_predictions_only(problem.scorer)  # then it needs no copies of the rows
    found = []
    for train, validation in problem.folds.splits:
        fitted = clone(model).fit(train[:, None], take(problem.y, train))
        X = validation[:, None] if blind else take(problem.X, validation)
        found.append(_score(problem, fitted, X, take(problem.y, validation), validation))
    return _baseline(problem, DUMMY, found)


def linear(problem: Problem, task: str) -> Baseline | None:
    """Score ridge regression (penalty chosen inside each fold) or logistic regression on the rows that networks see.

    With more work than `RIDGE_WORK` or `LOGISTIC_WORK`, it has fewer iterations, and then a random part of the training
    rows, at least 500. Returns None if there are too many columns, or columns times classes, even so.
    """
    folds = prepare(problem)
    rows, columns = max(len(train) for train, _ in problem.folds.splits), folds[0].n_features
    if task == "classification":
        n_classes = len(np.unique(problem.y))
        cut = logistic_budget(rows, columns, n_classes if n_classes > 2 else 1, len(folds))
    else:
        cut = ridge_budget(rows, columns, len(folds))
    if cut is None:
        return None
    model = LogisticRegression(max_iter=cut.iterations) if task == "classification" else RidgeCV(alphas=ALPHAS)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for fold in folds:
            part = _part(len(fold.train), cut.rows)
            fitted = clone(model).fit(fold.training(part), fold.y_train[part])
            found.append(_score(problem, fitted, fold.X_validation, fold.y_validation, fold.rows[1]))
    return _baseline(problem, LINEAR, found)


def boosting(problem: Problem, task: str) -> Baseline | None:
    """Score gradient boosting (`HistGradientBoosting`) on the rows that networks see, with a budget of seconds.

    It has 100 iterations; with more work than `WORK`, fewer, but at least 25, with a learning rate of up to 0.3 instead of
    0.1. If that is still too much, it is fitted on a random part of the training rows, at least 500. Returns None for
    several outputs, which it does not support, and if there are too many columns even so: from about 1,000 columns with 5
    folds, or columns times classes.
    """
    if np.ndim(problem.y) > 1:
        return None
    folds = prepare(problem)
    n_classes = len(np.unique(problem.y)) if task == "classification" else 1
    trees = n_classes if n_classes > 2 else 1  # of one iteration
    cut = budget(max(len(train) for train, _ in problem.folds.splits), folds[0].n_features * trees, len(folds))
    if cut is None:
        return None
    rate = min(0.3, 0.1 * MOST_ITERATIONS / cut.iterations)
    kind = HistGradientBoostingClassifier if task == "classification" else HistGradientBoostingRegressor
    model = kind(max_iter=cut.iterations, learning_rate=rate, early_stopping=False, random_state=0)
    found = []
    with (
        warnings.catch_warnings(),
        threadpool_limits(1, user_api="openmp"),
    ):  # sums do not depend on the number of cores
        warnings.simplefilter("ignore")
        for fold in folds:
            part = _part(len(fold.train), cut.rows)
            fitted = clone(model).fit(_dense(fold.training(part)), fold.y_train[part])
            found.append(_score(problem, fitted, _dense(fold.X_validation), fold.y_validation, fold.rows[1]))
    return _baseline(problem, BOOSTING, found)


def _part(n: int, rows: int) -> NDArray[np.intp]:
    """Return the indices of a random part of n training rows, in their order."""
    return np.sort(np.random.default_rng(0).permutation(n)[:rows])


class Budget(NamedTuple):
    """Iterations of a baseline, and the number of training rows."""

    iterations: int
    rows: int


def budget(rows: int, columns: int, n_folds: int) -> Budget | None:
    """Return how many iterations and rows of each fold are within `WORK`; None if there are too many columns.

    >>> budget(400, 10, 5), budget(20_000, 50, 5), budget(1_000_000, 50, 5), budget(400, 1000, 5)
    (Budget(iterations=100, rows=400), Budget(iterations=100, rows=20000), Budget(iterations=25, rows=152064), None)
    """
    affordable = WORK / (n_folds * columns)  # rows times iterations
    iterations = int(affordable / (rows + SEARCH_OF_SPLITS))
    iterations = min(max(iterations, FEWEST_ITERATIONS), MOST_ITERATIONS)
    most_rows = int(affordable / iterations) - SEARCH_OF_SPLITS
    return Budget(iterations, min(rows, most_rows)) if most_rows >= min(rows, FEWEST_ROWS) else None


def ridge_budget(rows: int, columns: int, n_folds: int) -> Budget | None:
    """Return how many rows of each fold are within `RIDGE_WORK`, which has no iterations; None if there are too many columns.

    >>> ridge_budget(400, 10, 5), ridge_budget(1_000_000, 100, 5), ridge_budget(6400, 4000, 5), ridge_budget(6400, 100_000, 5)
    (Budget(iterations=1, rows=400), Budget(iterations=1, rows=50000), Budget(iterations=1, rows=2236), None)
    """
    affordable = RIDGE_WORK / (n_folds * columns)
    most_rows = max(int(affordable / columns), min(columns, int(np.sqrt(affordable * WIDE))))
    most_rows = min(most_rows, max(int(RIDGE_CELLS / columns), FEWEST_OF_A_COLUMN * columns))
    return Budget(1, min(rows, most_rows)) if most_rows >= min(rows, FEWEST_ROWS) else None


def logistic_budget(rows: int, columns: int, outputs: int, n_folds: int) -> Budget | None:
    """Return how many iterations and rows of each fold are within `LOGISTIC_WORK`; None if there are too many weights.

    >>> logistic_budget(400, 10, 1, 5), logistic_budget(1_000_000, 100, 7, 5), logistic_budget(400, 5000, 5000, 5)
    (Budget(iterations=2000, rows=400), Budget(iterations=100, rows=285714), None)
    """
    affordable = LOGISTIC_WORK / (n_folds * columns * outputs)  # rows times iterations
    iterations = min(max(int(affordable / rows), FEWEST_STEPS), MOST_STEPS)
    most_rows = int(affordable / iterations)
    if columns * outputs > MOST_WEIGHTS or most_rows < min(rows, FEWEST_ROWS):
        return None
    return Budget(iterations, min(rows, most_rows))


def _dense(X: Any) -> Any:
    return X.toarray() if issparse(X) else X


class _Identity(RegressorMixin, BaseEstimator):
    """Predicts the only column it is given."""

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        return X[:, 0]


def persistence(problem: Problem, last_known: NDArray[Any]) -> Baseline:
    """Score the persistence forecast: the last known value of the target, of shape (n,)."""
    found = [
        _score(problem, _Identity(), last_known[rows][:, None], problem.y[rows], rows)
        for _, rows in problem.folds.splits
    ]
    return _baseline(problem, PERSISTENCE, found)


MODELS: tuple[Callable[[Problem, str], Baseline | None], ...] = (linear, boosting)
"""Baselines that learn, for every report."""


def attempt(measure: Callable[[Problem, str], Baseline | None], problem: Problem, *, told: bool) -> Baseline | None:
    """Return a baseline, or None if it cannot be scored.

    That is so without targets, if the scorer does not accept its predictions, or if the baseline does not suit the data.

    Warns
    -----
    UserWarning
        Says why there is no baseline, if `told`. The dummy predictor needs no warning: trials fail in the same way and
        say so.
    """
    task = "classification" if is_classifier(problem.estimator) else "regression"
    try:
        found = measure(problem, task)
    except Exception as error:  # a scorer that rejects a baseline must not end the search
        if told:
            reason = reason_of(error)
            warnings.warn(f"a baseline is omitted because it cannot be scored: {reason}", UserWarning, stacklevel=2)
        return None
    return found if found is not None and np.isfinite(found.score) else None


def _score(problem: Problem, fitted: Any, X: Any, y: Any, rows: Any) -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return scores(problem, fitted, X, y, rows)


def _baseline(problem: Problem, name: str, folds: list[dict[str, float]]) -> Baseline:
    metrics = by_metric(folds)
    found = metrics[objective(problem, metrics)]
    means = {metric: mean(values) for metric, values in named(metrics).items()}
    with np.errstate(over="ignore"):  # of scores whose squares are not finite
        std = float(np.std(found))
    return Baseline(name, mean(found), std, tuple(found), means)
