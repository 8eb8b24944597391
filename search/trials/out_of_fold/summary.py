"""What figures need of out-of-fold predictions, in bounded space: it is kept in the journal of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from bpmodel.functions.scaling import FARTHEST
from search.classes import text
from search.trials.out_of_fold.predictions import OutOfFold

MOST_PAIRS = 2000
"""Pairs of target and prediction that are kept, of all outputs together; of more rows, a random part."""

MOST_OUTPUTS = 8
MOST_CLASSES, MOST_CURVES, MOST_POINTS = 30, 10, 200
"""Classes of a confusion matrix, classes with curves, and points of a curve: the most frequent classes are kept."""

DIGITS = 6
"""Significant digits of numbers that are only drawn."""

OTHERS = "others"
"""The class of all that have no row of their own in a confusion matrix."""


@dataclass(frozen=True)
class Output:
    """One output of a regression.

    Attributes
    ----------
    truth, predicted : list of float
        Pairs of some rows, in the target's own units.
    rmse, r2, bias : float
        Over all rows; `bias` is the mean of prediction - target, `r2` is None where all targets are equal.
    """

    truth: list[float]
    predicted: list[float]
    rmse: float
    r2: float | None
    bias: float


@dataclass(frozen=True)
class Curve:
    """How well the probability of one class tells its rows from others.

    Attributes
    ----------
    name : str
        The class as text.
    roc : list of two lists of float
        Shares of false and of true positives.
    precision_recall : list of two lists of float
        Recall and precision.
    area, average_precision : float
        Areas below both.
    """

    name: str
    roc: list[list[float]]
    precision_recall: list[list[float]]
    area: float
    average_precision: float


@dataclass(frozen=True)
class Summary:
    """How the best trial predicts rows that it was not trained on.

    Attributes
    ----------
    trial : int
        Its number.
    n : int
        Number of predictions; in repeated cross-validation a row has several.
    outputs : list of Output
        Of a regression, the first `MOST_OUTPUTS`.
    n_outputs : int
    classes : list of str
        Of a classification, as text: the most frequent ones, and `OTHERS` where there are more.
    confusion : list of lists of int
        Rows by true class, then predicted class.
    curves : list of Curve
        Of two classes, the second; empty without probabilities.
    """

    trial: int
    n: int
    outputs: list[Output] = field(default_factory=list)
    n_outputs: int = 0
    classes: list[str] = field(default_factory=list)
    confusion: list[list[int]] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    @classmethod
    def of(cls, noted: Mapping[str, Any]) -> Summary:
        """Return the summary that `to_dict` wrote."""
        outputs = [Output(**one) for one in noted["outputs"]]
        curves = [Curve(**one) for one in noted["curves"]]
        return cls(**{**noted, "outputs": outputs, "curves": curves})


def summary(trial: int, found: OutOfFold) -> Summary | None:
    """Summarize the predictions of a trial; None if they are neither numbers nor classes of one output.

    Examples
    --------
    >>> rows = np.arange(4, dtype=np.int32)
    >>> told = summary(0, OutOfFold(rows, rows, np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 6.0])))
    >>> told.outputs[0].rmse, told.outputs[0].bias, round(told.outputs[0].r2, 3)
    (1.0, 0.5, 0.2)
    """
    if found.classes is not None:
        return _of_classes(trial, found, found.classes)
    truth, predicted = (_numbers(values) for values in (found.truth, found.predicted))
    if truth is None or predicted is None or truth.shape != predicted.shape:
        return None
    n_outputs = truth.shape[1]
    kept = min(n_outputs, MOST_OUTPUTS)
    rows = _part(len(found), MOST_PAIRS // max(kept, 1))
    outputs = [_output(truth[:, i], predicted[:, i], rows) for i in range(kept)]
    return Summary(trial, len(found), outputs, n_outputs)


def _numbers(values: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return values as numbers, of shape (n, outputs); None if they are something else."""
    try:
        return np.asarray(values, dtype=np.float64).reshape(len(values), -1)
    except (TypeError, ValueError):
        return None


def _part(n: int, most: int) -> NDArray[np.intp]:
    return np.sort(np.random.default_rng(0).permutation(n)[:most])


def _output(truth: NDArray[np.float64], predicted: NDArray[np.float64], rows: NDArray[np.intp]) -> Output:
    largest = float(np.maximum(np.abs(truth), np.abs(predicted)).max())
    unit = largest if FARTHEST < largest < np.inf else 1.0  # the squares of larger numbers are not finite
    target = truth / unit
    errors = predicted / unit - target
    squares, around = float(np.mean(errors**2)), float(np.mean((target - target.mean()) ** 2))
    r2 = 1 - squares / around if around > 0 else None
    rmse, bias = float(np.sqrt(squares)) * unit, float(errors.mean()) * unit
    return Output(_short(truth[rows]), _short(predicted[rows]), rmse, r2, bias)


def _short(values: Sequence[float] | NDArray[Any]) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]


# ------------------------------------------------------------------------------------------------------- classification


def _of_classes(trial: int, found: OutOfFold, classes: NDArray[Any]) -> Summary:
    truth, known = np.searchsorted(classes, found.truth), np.isin(found.predicted, classes)
    predicted = np.where(known, np.searchsorted(classes, np.where(known, found.predicted, classes[0])), -1)
    rows = np.bincount(truth, minlength=len(classes))
    frequent = np.sort(np.argsort(-rows, kind="stable")[: MOST_CLASSES if len(classes) > MOST_CLASSES else None])
    places = np.full(len(classes) + 1, len(frequent))  # the last is that of predictions that are no class
    places[frequent] = np.arange(len(frequent))
    names = [text(label) for label in classes[frequent]]
    n = len(names) + (len(classes) > MOST_CLASSES or not known.all())
    table = np.bincount(places[truth] * n + places[predicted], minlength=n * n).reshape(n, n)
    names += [OTHERS] * (n - len(names))
    return Summary(trial, len(found), classes=names, confusion=table.tolist(), curves=_curves(found, classes, rows))


def _curves(found: OutOfFold, classes: NDArray[Any], rows: NDArray[np.intp]) -> list[Curve]:
    if found.probabilities is None or not np.isfinite(found.probabilities).all():
        return []
    several = np.sort(np.argsort(-rows, kind="stable")[:MOST_CURVES])
    shown = [c for c in ([1] if len(classes) == 2 else several) if 0 < rows[c] < len(found)]
    return [_curve(text(classes[c]), found.truth == classes[c], found.probabilities[:, c]) for c in shown]


def _curve(name: str, positive: NDArray[np.bool_], given: NDArray[np.float32]) -> Curve:
    false, true, _ = roc_curve(positive, given)
    precision, recall, _ = precision_recall_curve(positive, given)
    return Curve(
        name,
        _thinned(false, true),
        _thinned(recall[::-1], precision[::-1]),
        float(roc_auc_score(positive, given)),
        float(average_precision_score(positive, given)),
    )


def _thinned(x: NDArray[Any], y: NDArray[Any]) -> list[list[float]]:
    """Return at most `MOST_POINTS` points of a curve, the ends included."""
    kept = np.unique(np.linspace(0, len(x) - 1, MOST_POINTS).round().astype(int))
    return [_short(x[kept]), _short(y[kept])]
