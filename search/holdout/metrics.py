"""The standard metrics of a task, each a formula of a sample that is quick enough for thousands of resamples."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import get_scorer

from search import scorers
from search.holdout.sample import Sample

TINY = float(np.finfo(np.float64).tiny)


class Metric(NamedTuple):
    """A metric.

    Attributes
    ----------
    scoring : str
        Name of the scorer of scikit-learn; ``neg_`` says that lower values are better.
    compute : callable
        Returns the scorer's value without its sign; NaN where it is undefined.
    suits : callable
        Whether a sample has what it needs.
    """

    scoring: str
    compute: Callable[[Sample], float]
    suits: Callable[[Sample], bool] = lambda sample: True


def _errors(sample: Sample) -> NDArray[np.float64]:
    return np.asarray(sample.predicted - sample.truth, dtype=np.float64)


def root_mean_squared_error(sample: Sample) -> float:
    return float(np.sqrt(np.mean(_errors(sample) ** 2)))


def mean_absolute_error(sample: Sample) -> float:
    return float(np.mean(np.abs(_errors(sample))))


def median_absolute_error(sample: Sample) -> float:
    return float(np.median(np.abs(_errors(sample))))


def r2(sample: Sample) -> float:
    """1 - (sum of squared errors) / (sum of squared deviations of the target from its mean)"""
    around = np.sum((sample.truth - sample.truth.mean()) ** 2)
    return float(1 - np.sum(_errors(sample) ** 2) / around) if around > 0 else np.nan


def mean_absolute_percentage_error(sample: Sample) -> float:
    return float(np.mean(np.abs(_errors(sample)) / np.abs(sample.truth)))


def accuracy(sample: Sample) -> float:
    return float(np.trace(sample.confusion) / len(sample))


def balanced_accuracy(sample: Sample) -> float:
    """Mean recall of the classes that have rows"""
    rows = sample.confusion.sum(axis=1)
    return float(np.mean(np.diag(sample.confusion)[rows > 0] / rows[rows > 0]))


def precisions(sample: Sample) -> NDArray[np.float64]:
    """Return the precision of each class: of the rows predicted as it, the share that is; 0 where none is predicted."""
    return _ratio(np.diag(sample.confusion), sample.confusion.sum(axis=0))


def recalls(sample: Sample) -> NDArray[np.float64]:
    """Return the recall of each class: of its rows, the share predicted as it; 0 where there is none."""
    return _ratio(np.diag(sample.confusion), sample.confusion.sum(axis=1))


def f1_scores(sample: Sample) -> NDArray[np.float64]:
    """Return the harmonic mean of precision and recall of each class."""
    counts = sample.confusion.sum(axis=0) + sample.confusion.sum(axis=1)
    return _ratio(2 * np.diag(sample.confusion), counts)


def _ratio(part: NDArray, whole: NDArray) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def f1_macro(sample: Sample) -> float:
    """Mean over the classes that have rows or are predicted"""
    seen = sample.confusion.sum(axis=0) + sample.confusion.sum(axis=1) > 0
    return float(np.mean(f1_scores(sample)[seen]))


def matthews_corrcoef(sample: Sample) -> float:
    """Correlation of true and predicted class (Gorodkin, 2004, Comparing two K-category assignments)"""
    table = sample.confusion.astype(np.float64)
    true, predicted, n = table.sum(axis=1), table.sum(axis=0), table.sum()
    spread = (n**2 - predicted @ predicted) * (n**2 - true @ true)
    return float((np.trace(table) * n - true @ predicted) / np.sqrt(spread)) if spread > 0 else 0.0


def roc_auc(sample: Sample) -> float:
    """The share of pairs of a positive and a negative row in which the positive one has the higher probability"""
    place = len(sample.classes) - 1  # the area is the same for either class
    return _area(sample.truth == place, _given(sample)[:, place])


def roc_auc_ovr(sample: Sample) -> float:
    """Mean of the areas of each class against all others, over the classes that have rows"""
    areas = [_area(sample.truth == c, _given(sample)[:, c]) for c in np.unique(sample.truth)]
    return float(np.mean(areas))


def _area(positive: NDArray[np.bool_], scores: NDArray) -> float:
    n = int(positive.sum())
    if n in (0, len(positive)):
        return np.nan
    ranks = rankdata(scores)[positive].sum()
    return float((ranks - n * (n + 1) / 2) / (n * (len(positive) - n)))


def log_loss(sample: Sample) -> float:
    given = _given(sample)
    tiny = np.finfo(given.dtype).eps
    return float(-np.mean(np.log(np.clip(given[np.arange(len(sample)), sample.truth], tiny, 1 - tiny))))


def brier_score(sample: Sample) -> float:
    """Mean squared difference of the positive class's probability and 1 or 0"""
    return float(np.mean((_given(sample)[:, sample.positive] - (sample.truth == sample.positive)) ** 2))


def _given(sample: Sample) -> NDArray:
    assert sample.probabilities is not None
    return sample.probabilities


def _of_positive(scores: Callable[[Sample], NDArray[np.float64]]) -> Callable[[Sample], float]:
    return lambda sample: float(scores(sample)[sample.positive])


def _two(sample: Sample) -> bool:
    return sample.positive is not None


def _more(sample: Sample) -> bool:
    return sample.positive is None


def _sure(sample: Sample) -> bool:
    return sample.probabilities is not None


REGRESSION = (
    Metric("neg_root_mean_squared_error", root_mean_squared_error),
    Metric("neg_mean_absolute_error", mean_absolute_error),
    Metric("neg_median_absolute_error", median_absolute_error),
    Metric(
        "neg_mean_absolute_percentage_error",
        mean_absolute_percentage_error,
        lambda sample: bool((np.abs(sample.truth) > TINY).all()),
    ),
    Metric("r2", r2),
)
CLASSIFICATION = (
    Metric("accuracy", accuracy),
    Metric("balanced_accuracy", balanced_accuracy),
    Metric("f1", _of_positive(f1_scores), _two),
    Metric("precision", _of_positive(precisions), _two),
    Metric("recall", _of_positive(recalls), _two),
    Metric("f1_macro", f1_macro, _more),
    Metric("matthews_corrcoef", matthews_corrcoef),
    Metric("roc_auc", roc_auc, lambda sample: _sure(sample) and _two(sample)),
    Metric("roc_auc_ovr", roc_auc_ovr, lambda sample: _sure(sample) and _more(sample)),
    Metric("neg_log_loss", log_loss, _sure),
    Metric("neg_brier_score", brier_score, lambda sample: _sure(sample) and _two(sample)),
)


def suitable(sample: Sample, scoring: Sequence[str] = ()) -> list[Metric]:
    """Return the metrics of a sample: those of the study first, then the standard ones of the task.

    A metric of the study that is not a standard one is computed by its scorer.
    """
    standard = {metric.scoring: metric for metric in (CLASSIFICATION if sample.classes else REGRESSION)}
    own = [standard.get(name) or _by_scorer(name, sample) for name in scoring]
    others = [metric for name, metric in standard.items() if name not in scoring]
    return [metric for metric in (*own, *others) if metric.suits(sample)]


def _by_scorer(name: str, sample: Sample) -> Metric:
    known = list(sample.classes)
    positive = None if sample.positive is None else known[sample.positive]
    scorer = scorers.told_classes(name, known, positive, lacking=True) if known else get_scorer(name)
    sign = -1 if name.startswith("neg_") else 1

    def compute(sample: Sample) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of classes without rows, in a thousand resamples
            try:
                return sign * sample.score(scorer)
            except (ValueError, AttributeError):  # undefined for these rows
                return float("nan")

    return Metric(name, compute)


def values(metrics: Sequence[Metric], sample: Sample) -> NDArray[np.float64]:
    """Return the value of each metric."""
    return np.array([metric.compute(sample) for metric in metrics])


def dummy(sample: Sample, known: Mapping[str, object] | None, places: Mapping[str, int]) -> Sample | None:
    """Return the same rows with what the dummy predictor says: the mean target, or the most frequent class of the training rows.

    Parameters
    ----------
    sample : Sample
    known : mapping, optional
        What `search.study.facts` stored of the training target.
    places : mapping of str to int
        The place of each class by its text.
    """
    if not known:
        return None
    n = len(sample)
    if not sample.classes:
        mean = known.get("mean")
        return sample.predicting(np.full(n, float(mean))) if isinstance(mean, int | float) else None
    labels, rows = known.get("classes"), known.get("rows")
    if not isinstance(labels, list) or not isinstance(rows, list) or set(labels) - set(places):
        return None
    prior = np.zeros(len(sample.classes))
    prior[[places[label] for label in labels]] = np.array(rows) / sum(rows)
    return sample.predicting(np.full(n, int(prior.argmax())), np.tile(prior, (n, 1)))
