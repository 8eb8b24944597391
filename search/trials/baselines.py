"""Baselines on the same folds: the dummy predictor, a linear model and, for forecasts, persistence."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone, is_classifier
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV

from search import scorers
from search.rows import take
from search.trials.prepared_folds import prepare
from search.trials.problem import Problem
from search.trials.scoring import objective, scores

ALPHAS = np.logspace(-3, 3, 13)
DUMMY, LINEAR, PERSISTENCE = "dummy predictor", "linear model", "persistence"


@dataclass(frozen=True)
class Baseline:
    """Mean and standard deviation over the folds, and the score of each fold."""

    name: str
    score: float
    std: float
    fold_scores: tuple[float, ...] = ()


def dummy(problem: Problem, task: str) -> Baseline:
    """Score the dummy predictor: mean target, or class frequencies."""
    model = DummyClassifier(strategy="prior") if task == "classification" else DummyRegressor()
    blind = scorers.see_predictions_only(problem.scorer)  # then it needs no copies of the rows
    found = []
    for train, validation in problem.folds.splits:
        fitted = clone(model).fit(train[:, None], take(problem.y, train))
        X = validation[:, None] if blind else take(problem.X, validation)
        found.append(_score(problem, fitted, X, take(problem.y, validation), validation))
    return _baseline(DUMMY, found)


def linear(problem: Problem, task: str) -> Baseline:
    """Score ridge regression (penalty chosen inside each fold) or logistic regression on the rows that networks see."""
    model = LogisticRegression(max_iter=2000) if task == "classification" else RidgeCV(alphas=ALPHAS)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for fold in prepare(problem):
            fitted = clone(model).fit(fold.X_train, fold.y_train)
            found.append(_score(problem, fitted, fold.X_validation, fold.y_validation, fold.rows[1]))
    return _baseline(LINEAR, found)


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
    return _baseline(PERSISTENCE, found)


def attempt(measure: Callable[[Problem, str], Baseline], problem: Problem, *, told: bool) -> Baseline | None:
    """Return a baseline, or None if it cannot be scored.

    That is so without targets, or if the scorer does not accept its predictions.

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
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            warnings.warn(f"a baseline is omitted because it cannot be scored: {reason}", UserWarning, stacklevel=2)
        return None
    return found if np.isfinite(found.score) else None


def _score(problem: Problem, fitted: Any, X: Any, y: Any, rows: Any) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = scores(problem, fitted, X, y, rows)
    return found[objective(problem, found)]


def _baseline(name: str, found: list[float]) -> Baseline:
    return Baseline(name, float(np.mean(found)), float(np.std(found)), tuple(found))
