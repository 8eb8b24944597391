"""What can be known of scikit-learn's scorers: their parts, metrics and needs.

Their classes are private, so they are recognized by public examples. Their attributes are private too, so any may be missing in
another version: then nothing is known of a scorer, and the caller asks it for its score.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sklearn.dummy import DummyRegressor
from sklearn.metrics import check_scoring, get_scorer

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
