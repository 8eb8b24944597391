"""Fast versions of scikit-learn's most common metrics, without input checks.

They are for targets and predictions known to be valid. Scoring a small network takes less time than scikit-learn's
checks: half a millisecond per call, with Python's global lock held, so threads wait for one another. Here the same
NumPy operations give the same numbers without the checks. In all other cases (another metric or keyword, weights,
numbers that are not finite, labels without a row) nothing is returned. The caller then asks the scorer itself, which
gives the number, the warning or the error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics
from sklearn.base import ClassifierMixin, RegressorMixin

from bpmodel.ensembles import BPEnsembleRegressor
from bpmodel.estimators import BPRegressor
from bpmodel.functions.scaling import FARTHEST
from search import scorers


class Metric(NamedTuple):
    """A metric of a response, named after the method that returns it.

    `compute` returns None for cases it does not cover.
    """

    response: str
    compute: Callable[[NDArray, NDArray], float | None]


def of_errors(errors: Callable[[NDArray, NDArray], NDArray], degree: int) -> Callable[[NDArray, NDArray], float | None]:
    """Return a metric: the mean over the outputs of `errors`, which takes arrays of shape (n, outputs).

    It is in units of the target to the power of `degree`, so where squares are not finite it follows from smaller numbers.
    """

    def compute(y: NDArray, predicted: NDArray) -> float | None:
        plain = y.shape == predicted.shape and y.dtype.kind in "fiu" and predicted.dtype == np.float64
        if not (plain and np.isfinite(predicted.sum())):
            return None
        targets, predicted = y.astype(np.float64).reshape(len(y), -1), predicted.reshape(len(y), -1)
        found = errors(targets, predicted)
        if not np.isfinite(found).all():
            unit = _unit(targets, predicted)
            found = errors(targets / unit, predicted / unit) * unit**degree
        return float(found.mean()) if np.isfinite(found).all() else None

    return compute


def _unit(targets: NDArray, predicted: NDArray) -> float:
    """Return a power of two near the largest number, if that is one whose square is not finite; else 1."""
    largest = max(float(np.abs(targets).max(initial=0)), float(np.abs(predicted).max(initial=0)))
    return float(np.ldexp(1.0, int(np.frexp(largest)[1]) - 1)) if FARTHEST < largest < np.inf else 1.0


def squared(y: NDArray, predicted: NDArray) -> NDArray:
    return ((y - predicted) ** 2).mean(axis=0)


def root_squared(y: NDArray, predicted: NDArray) -> NDArray:
    return np.sqrt(squared(y, predicted))


def absolute(y: NDArray, predicted: NDArray) -> NDArray:
    return np.abs(predicted - y).mean(axis=0)


def explained(y: NDArray, predicted: NDArray) -> NDArray:
    """R^2; NaN, which means not covered, if a target is constant or there is only one row"""
    left, all_of_it = np.sum((y - predicted) ** 2, axis=0), np.sum((y - y.mean(axis=0)) ** 2, axis=0)
    return 1 - left / all_of_it if len(y) > 1 and all_of_it.all() else np.full(1, np.nan)


def accuracy(y: NDArray, predicted: NDArray) -> float | None:
    classes = y.ndim == predicted.ndim == 1 and "f" not in (y.dtype.kind, predicted.dtype.kind)
    return float((y == predicted).mean()) if classes else None


def log_loss(y: NDArray, probabilities: NDArray) -> float | None:
    """Columns must be the classes in order, and each class must have a row"""
    classes, codes = np.unique(y, return_inverse=True)
    if y.ndim != 1 or len(classes) != probabilities.shape[1] or not np.isfinite(probabilities).all():
        return None
    if len(classes) == 2:  # the scorer uses the second column only
        probabilities = np.stack([1 - probabilities[:, 1], probabilities[:, 1]], axis=1)
    tiny = np.finfo(probabilities.dtype).eps
    clipped = np.clip(probabilities, tiny, 1 - tiny)
    one_hot = np.eye(len(classes), dtype=probabilities.dtype)[codes]
    return float((-np.sum(one_hot * np.log(clipped), axis=1)).mean())


METRICS: dict[Callable, Metric] = {
    metrics.mean_squared_error: Metric("predict", of_errors(squared, 2)),
    metrics.root_mean_squared_error: Metric("predict", of_errors(root_squared, 1)),
    metrics.mean_absolute_error: Metric("predict", of_errors(absolute, 1)),
    metrics.r2_score: Metric("predict", of_errors(explained, 0)),
    metrics.accuracy_score: Metric("predict", accuracy),
    metrics.log_loss: Metric("predict_proba", log_loss),
}


def directly(scorer: Any, estimator: Any, X: Any, y: Any) -> dict[str, float] | float | None:
    """Return what a scorer returns for a fitted estimator, or None if the scorer itself must be called.

    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import LinearRegression
    >>> X, y = load_diabetes(return_X_y=True)
    >>> scorer, model = metrics.get_scorer("r2"), LinearRegression().fit(X, y)
    >>> directly(scorer, model, X, y) == scorer(model, X, y)
    True
    >>> directly(metrics.get_scorer("neg_max_error"), model, X, y)
    """
    if not isinstance(y, np.ndarray):
        return None
    parts = scorers.parts(scorer)
    known = {name: _recognize(part, estimator) for name, part in (parts or {"": scorer}).items()}
    responses: dict[str, NDArray] = {}
    found: dict[str, float] = {}
    for name, metric in known.items():
        if metric is None:
            return None
        (response, compute), sign = metric
        if response not in responses:
            responses[response] = getattr(estimator, response)(X)
        value = compute(y, responses[response])
        if value is None:
            return None
        found[name] = sign * value
    return found if parts else found[""]


def _recognize(scorer: Any, estimator: Any) -> tuple[Metric, int] | None:
    """Return the metric of a scorer and its sign; None if it is not one of the above or has options."""
    if isinstance(scorer, scorers.OWN):
        own = OWN_SCORES.get(getattr(type(estimator), "score", None))
        return None if own is None else (METRICS[own], 1)
    known = scorers.metric(scorer)
    metric = None if known is None else METRICS.get(known.function)
    return (metric, known.sign) if known and metric and known.response == metric.response else None


OWN_SCORES: Mapping[Any, Callable] = {
    RegressorMixin.score: metrics.r2_score,
    BPRegressor.score: metrics.r2_score,  # the same for numbers whose squares are finite; others are not covered here
    BPEnsembleRegressor.score: metrics.r2_score,
    ClassifierMixin.score: metrics.accuracy_score,
}
"""The metric of an estimator's own `score`, if that is not overridden."""
