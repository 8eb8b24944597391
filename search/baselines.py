"""Yardsticks on the same folds: the dummy predictor and a linear model."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV

from search.prepared import prepare
from search.problem import Problem

ALPHAS = np.logspace(-3, 3, 13)


@dataclass(frozen=True)
class Baseline:
    """Mean and standard deviation over the folds."""

    name: str
    score: float
    std: float


def dummy(problem: Problem, task: str) -> Baseline:
    """Score the mean target, or the class frequencies."""
    model = DummyClassifier(strategy="prior") if task == "classification" else DummyRegressor()
    return _score("dummy predictor", problem, model, blind=True)


def linear(problem: Problem, task: str) -> Baseline:
    """Score ridge regression (its penalty chosen inside each fold), or logistic regression."""
    model = LogisticRegression(max_iter=2000) if task == "classification" else RidgeCV(alphas=ALPHAS)
    return _score("linear model", problem, model)


def _score(name: str, problem: Problem, model: Any, *, blind: bool = False) -> Baseline:
    scorer: Callable[[Any, Any, Any], float] = problem.scorer
    scores = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for fold in prepare(problem):
            train, validation = fold.train, fold.validation  # a blind model need not be shown copies of the rows
            fitted = clone(model).fit(train[:, None] if blind else fold.X_train, fold.y_train)
            scores.append(float(scorer(fitted, validation[:, None] if blind else fold.X_validation, fold.y_validation)))
    return Baseline(name, float(np.mean(scores)), float(np.std(scores)))
