"""Scoring of a fitted estimator by one metric or several; predictions are computed once for all of them."""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.utils.multiclass import type_of_target

from bpmodel.names import hints
from bpmodel.names.short import short
from search import classes, scorer_names, scorers
from search.cv.folds import Folds
from search.errors import reason_of
from search.rows import params_of
from search.trials.fast_metrics import directly
from search.trials.problem import Problem

SCORE = "score"
"""Name of the metric if a scorer returns a plain number."""


def build(estimator: Any, scoring: Any, refit: Any, error_score: Any) -> tuple[Any, str | None]:
    """Return a scorer, and the name of the metric to maximize: None for the first.

    Parameters
    ----------
    estimator : estimator
        Its own `score` is used if `scoring` is None.
    scoring, refit, error_score
        As in scikit-learn's `GridSearchCV`.

    Raises
    ------
    ValueError
        If a name is no scorer, or there are several metrics and `refit` names none of them; for a callable that
        returns several this is found later.
    """
    named = [scoring] if isinstance(scoring, str) else scoring if isinstance(scoring, list | tuple | set) else ()
    for name in named:
        if isinstance(name, str) and name not in get_scorer_names():
            raise ValueError(f"scoring: {scorer_names.unknown(name)}")
    scorer = check_scoring(estimator, scoring, raise_exc=error_score == "raise")
    objective = None if callable(refit) or refit is False else refit if isinstance(refit, str) else SCORE
    several = isinstance(scorer, scorers.SEVERAL)
    if known := scorers.parts(scorer):
        _pick(known, objective)
    return scorer, objective if callable(scoring) or several else None


def scores(problem: Problem, estimator: Any, X: Any, y: Any, rows: NDArray[np.integer]) -> dict[str, float]:
    """Score a fitted estimator by all metrics.

    Parameters
    ----------
    problem : Problem
    estimator : fitted estimator
    X, y
        The rows to score.
    rows : ndarray of int
        Indices of these rows in the study.

    Raises
    ------
    ValueError
        If the scorer returns something other than numbers, or lacks the metric to maximize.
    """
    more = params_of(problem.X, problem.score_params, rows) if problem.score_params else {}
    with np.errstate(all="ignore"):  # that a score is not finite is told once, by the outcome of the trial
        given = None if more else directly(problem.scorer, estimator, X, y)
        if given is None:
            given = problem.scorer(estimator, X, **more) if y is None else problem.scorer(estimator, X, y, **more)
    found = given if isinstance(given, Mapping) else {SCORE: given}
    first = objective(problem, found)
    return {name: _number(name, value, None if name == first else problem.error_score) for name, value in found.items()}


def training_scores(
    problem: Problem, names: Iterable[str], measure: Callable[[], dict[str, float]]
) -> dict[str, float]:
    """Return the scores that `measure` finds on training rows, by the metrics of the validation rows.

    They decide nothing, so a trial goes on if they cannot be computed: they are then `problem.error_score`.
    """
    try:
        return measure()
    except Exception as error:
        if problem.error_score == "raise":
            raise
        reason = reason_of(error)
        told = f"Scoring the training rows failed; the score is set to {problem.error_score}. {reason}"
        warnings.warn(told, UserWarning, stacklevel=2)
        return dict.fromkeys(names, float(problem.error_score))


def objective(problem: Problem, found: Iterable[str]) -> str:
    """Return the name of the metric to maximize, among those that were found."""
    return _pick(found, problem.objective)


def _pick(found: Iterable[str], wanted: str | None) -> str:
    known = list(found)
    if wanted is None:
        return known[0]
    if wanted not in known:
        given = True if wanted == SCORE else wanted
        meant = "" if wanted == SCORE else hints.of_name(wanted, known)
        raise ValueError(
            f"refit = {given!r}{meant} with several metrics; allowed are {', '.join(map(repr, known))}, a callable and False"
        )
    return wanted


def _number(name: str, value: Any, error_score: float | None) -> float:
    """Return a score as a number.

    For a failed metric, scikit-learn's scorer of several metrics returns the traceback.
    """
    if isinstance(value, str) and value.startswith("Traceback"):
        reason = f"{name}: {value.strip().splitlines()[-1]}"
        if error_score is None:
            raise ValueError(reason)
        warnings.warn(f"Scoring failed; the score is set to {error_score}. {reason}", UserWarning, stacklevel=2)
        return float(error_score)
    number = value.item() if getattr(value, "size", 0) == 1 else value
    if not isinstance(number, numbers.Number) or isinstance(number, complex):
        raise ValueError(f"scoring must return a number, got {short(value)} ({type(value).__name__}) for {name}")
    try:
        return float(number)  # type: ignore[arg-type]
    except OverflowError:
        return math.inf if number > 0 else -math.inf  # type: ignore[operator]


def by_metric(folds: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """Return the scores of all folds by metric.

    >>> by_metric([{"r2": 0.5, "max_error": -2.0}, {"r2": 0.75, "max_error": -1.0}])
    {'r2': [0.5, 0.75], 'max_error': [-2.0, -1.0]}
    """
    return {name: [fold[name] for fold in folds] for name in folds[0]} if folds else {}


def named(metrics: dict[str, list[float]]) -> dict[str, list[float]]:
    """Return the scores by metric; empty if the only metric has no name."""
    return {} if list(metrics) == [SCORE] else metrics


def told_classes(names: Any, estimator: Any, y: Any, splits: Folds) -> Any:
    """Return the scoring with metrics that are told the classes, where their names would not do; None if they do.

    That is so for two classes of which none is 1, scikit-learn's positive class, and for validation rows that lack a class.
    """
    if not (is_classifier(estimator) and scorers.need_classes(names) and type_of_target(y) in ("binary", "multiclass")):
        return None
    known, codes = np.unique(np.ravel(y), return_inverse=True)
    positive = classes.positive(known.tolist()) if len(known) == 2 and not (known == 1).any() else None
    lacking = bool(scorers.lacking(codes, splits.splits))
    if positive is None and not lacking:
        return None
    return scorers.with_classes(names, known.tolist(), positive, lacking=lacking)
