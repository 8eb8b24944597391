"""What can be known of scikit-learn's scorers: their parts, metrics and needs; and scorers that are told the classes.

Their classes are private, so they are recognized by public examples. Their attributes are private too, so any may be missing in
another version: then nothing is known of a scorer, and the caller asks it for its score.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import metrics
from sklearn.dummy import DummyRegressor
from sklearn.metrics import check_scoring, get_scorer, make_scorer

ONE = type(get_scorer("r2"))
SEVERAL = type(check_scoring(DummyRegressor(), ["r2"]))
OWN = type(check_scoring(DummyRegressor()))
"""Class of the scorer that calls the estimator's own `score`."""


class Metric(NamedTuple):
    """What a scorer computes: ``sign * function(y, response)``, where `response` is the name of the estimator's method."""

    function: Callable[..., Any]
    sign: int
    response: str


def parts(scorer: Any) -> Mapping[str, Any] | None:
    """Return the scorers of several metrics by name; None for a single metric, or if they are not known.

    >>> list(parts(check_scoring(DummyRegressor(), ["r2", "neg_max_error"])))
    ['r2', 'neg_max_error']
    """
    return getattr(scorer, "_scorers", None) if isinstance(scorer, SEVERAL) else None


def metric(scorer: Any) -> Metric | None:
    """Return the metric of a scorer; None if it has options or is not known.

    >>> metric(get_scorer("neg_mean_absolute_error")).sign
    -1
    """
    if type(scorer) is not ONE or getattr(scorer, "_kwargs", True):
        return None
    found: list[Any] = [getattr(scorer, name, None) for name in ("_score_func", "_sign", "_response_method")]
    return Metric(*found) if None not in found and isinstance(found[-1], str) else None


def see_predictions_only(scorer: Any) -> bool:
    """Return whether all metrics use predictions only: then they need neither the whole estimator nor raw rows."""
    known = parts(scorer)
    return all(isinstance(part, ONE | OWN) for part in ([scorer] if known is None else known.values()))


def accepts_weights(scorer: Any) -> bool:
    """Return whether a scorer of a single metric accepts ``sample_weight``."""
    asked = getattr(scorer, "_accept_sample_weight", None)
    return bool(asked()) if asked is not None else "sample_weight" in inspect.signature(scorer).parameters


# -------------------------------------------------------------------------------------------------- told of the classes

THRESHOLDS = ("decision_function", "predict_proba")


def one_vs_all_auc(y: ArrayLike, scores: Any, *, labels: Sequence[Any], **more: Any) -> float:
    """Return the mean area under the ROC curves of each class against all others, over the classes that have rows.

    It is `roc_auc_score` with ``multi_class="ovr"``, which is undefined if a class has no row.
    """
    truth, codes = np.asarray(y), _columns(y, labels)
    if len(codes) in (1, len(labels)):
        return _auc(y, scores, labels, len(codes), multi_class="ovr", **more)
    weight = more.get("sample_weight")
    areas = [metrics.roc_auc_score(truth == labels[c], scores[:, c], sample_weight=weight) for c in codes]
    shares = [np.average(truth == labels[c], weights=weight) for c in codes]
    return float(np.average(areas, weights=shares if more.get("average") == "weighted" else None))


def one_vs_one_auc(y: ArrayLike, scores: Any, *, labels: Sequence[Any], **more: Any) -> float:
    """Return the mean area under the ROC curves of all pairs of classes that have rows.

    It is `roc_auc_score` with ``multi_class="ovo"``, which is undefined if a class has no row.
    """
    truth, codes = np.asarray(y), _columns(y, labels)
    if len(codes) in (1, len(labels)):
        return _auc(y, scores, labels, len(codes), multi_class="ovo", **more)
    areas, shares = [], []
    for pair in combinations(codes, 2):
        rows = np.isin(truth, [labels[c] for c in pair])
        areas.append(np.mean([metrics.roc_auc_score(truth[rows] == labels[c], scores[rows, c]) for c in pair]))
        shares.append(rows.mean())
    return float(np.average(areas, weights=shares if more.get("average") == "weighted" else None))


def _columns(y: ArrayLike, labels: Sequence[Any]) -> list[int]:
    """Return the columns of the classes that have rows."""
    return [c for c, label in enumerate(labels) if (np.asarray(y) == label).any()]


def _auc(y: ArrayLike, scores: Any, labels: Sequence[Any], n_present: int, **more: Any) -> float:
    return np.nan if n_present == 1 else float(metrics.roc_auc_score(y, scores, labels=labels, **more))


def _ratio(place: int) -> Callable[..., float]:
    """Return a function for the positive (0) or negative (1) likelihood ratio."""

    def ratio(y: ArrayLike, predicted: ArrayLike, *, labels: Sequence[Any], pos_label: Any = None) -> float:
        last = labels[-1] if pos_label is None else pos_label
        pair = [*(label for label in labels if label != last), last]
        return metrics.class_likelihood_ratios(y, predicted, labels=pair, replace_undefined_by=1.0)[place]

    return ratio


class OfClasses(NamedTuple):
    """How to make a scorer of scikit-learn anew with the classes of a study.

    Attributes
    ----------
    function : callable
    sign : int
    response : str or tuple of str
        The estimator's method.
    positive, labels : bool
        Whether the function takes the positive one of two classes (``pos_label``), and all classes (``labels``).
    more : dict
    """

    function: Callable[..., Any]
    sign: int = 1
    response: Any = "predict"
    positive: bool = False
    labels: bool = False
    more: Mapping[str, Any] = {}


BINARY = {"average": "binary"}
WEIGHTED = {"average": "weighted"}
OF_CLASSES: Mapping[str, OfClasses] = {
    "f1": OfClasses(metrics.f1_score, positive=True, more=BINARY),
    "precision": OfClasses(metrics.precision_score, positive=True, more=BINARY),
    "recall": OfClasses(metrics.recall_score, positive=True, more=BINARY),
    "jaccard": OfClasses(metrics.jaccard_score, positive=True, more=BINARY),
    "average_precision": OfClasses(metrics.average_precision_score, response=THRESHOLDS, positive=True),
    "neg_brier_score": OfClasses(metrics.brier_score_loss, -1, "predict_proba", positive=True, labels=True),
    "d2_brier_score": OfClasses(metrics.d2_brier_score, 1, "predict_proba", positive=True, labels=True),
    "positive_likelihood_ratio": OfClasses(_ratio(0), positive=True, labels=True),
    "neg_negative_likelihood_ratio": OfClasses(_ratio(1), -1, positive=True, labels=True),
    "neg_log_loss": OfClasses(metrics.log_loss, -1, "predict_proba", labels=True),
    "d2_log_loss_score": OfClasses(metrics.d2_log_loss_score, 1, "predict_proba", labels=True),
    "top_k_accuracy": OfClasses(metrics.top_k_accuracy_score, response=THRESHOLDS, labels=True),
    "roc_auc_ovr": OfClasses(one_vs_all_auc, response="predict_proba", labels=True),
    "roc_auc_ovo": OfClasses(one_vs_one_auc, response="predict_proba", labels=True),
    "roc_auc_ovr_weighted": OfClasses(one_vs_all_auc, response="predict_proba", labels=True, more=WEIGHTED),
    "roc_auc_ovo_weighted": OfClasses(one_vs_one_auc, response="predict_proba", labels=True, more=WEIGHTED),
}
"""Scorers that depend on which class is positive, or need a row of every class.

Others depend on neither (accuracy, `roc_auc`), or average over the classes that have rows (`f1_macro`).
"""


def told_classes(name: str, classes: Sequence[Any], positive: Any = None, *, lacking: bool = False) -> Any:
    """Return the scorer of a name, with the classes where they matter; else scikit-learn's own.

    Parameters
    ----------
    classes : sequence of classes, in order
    positive : class, optional
        The positive one of two; by default what scikit-learn takes: 1, or the last.
    lacking : bool, default=False
        Whether some validation rows lack a class: then a metric is told all of them.

    Examples
    --------
    >>> told_classes("f1", ["no", "yes"], "yes")
    make_scorer(f1_score, response_method='predict', average=binary, pos_label=yes)
    >>> told_classes("f1", [0, 1], 1), told_classes("accuracy", ["no", "yes"], "yes", lacking=True)
    (make_scorer(f1_score, response_method='predict', average=binary), make_scorer(accuracy_score, response_method='predict'))
    """
    row = OF_CLASSES.get(name)
    if row is None:
        return get_scorer(name)
    two = row.positive and len(classes) == 2 and positive is not None
    as_in_scikit_learn = two and bool(positive == 1) and bool(classes[0] in (0, -1))
    if not (two and not as_in_scikit_learn) and not (row.labels and lacking):
        return get_scorer(name)
    more = dict(row.more) | ({"pos_label": positive} if two else {}) | ({"labels": list(classes)} if row.labels else {})
    return make_scorer(row.function, greater_is_better=row.sign > 0, response_method=row.response, **more)


def with_classes(scoring: Any, classes: Sequence[Any], positive: Any = None, *, lacking: bool = False) -> Any:
    """Return a `scoring` of scikit-learn in which `told_classes` replaces names.

    >>> list(with_classes(["accuracy", "f1"], ["no", "yes"], "yes"))
    ['accuracy', 'f1']
    >>> with_classes("r2", ["no", "yes"])
    make_scorer(r2_score, response_method='predict')
    """
    told = {
        key: told_classes(given, classes, positive, lacking=lacking) if isinstance(given, str) else given
        for key, given in _by_name(scoring).items()
    }
    return told if isinstance(scoring, list | tuple | set | Mapping) else told[""]


def need_classes(scoring: Any) -> bool:
    """Return whether a `scoring` of scikit-learn has a name of `OF_CLASSES`.

    >>> need_classes("f1"), need_classes({"a": "accuracy", "b": "f1"}), need_classes(["accuracy", "r2"]), need_classes(None)
    (True, True, False, False)
    """
    return any(isinstance(given, str) and given in OF_CLASSES for given in _by_name(scoring).values())


def _by_name(scoring: Any) -> Mapping[str, Any]:
    """Return the metrics of a `scoring` by name; a single one has an empty name."""
    if isinstance(scoring, Mapping):
        return scoring
    return {name: name for name in scoring} if isinstance(scoring, list | tuple | set) else {"": scoring}


def lacking(codes: NDArray[np.integer], splits: Iterable[tuple[Any, Any]], part: int = 1) -> set[int]:
    """Return the classes, as codes from 0, that some validation rows lack (`part` 1), or some training rows (0)."""
    n_classes = int(codes.max()) + 1
    return {
        int(c) for split in splits for c in np.flatnonzero(np.bincount(codes[split[part]], minlength=n_classes) == 0)
    }
