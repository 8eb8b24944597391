"""Training of estimators other than networks: fitted and scored fold by fold, as in scikit-learn's `cross_validate`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from bpmodel import DivergenceError
from search.errors import one_line
from search.rows import params_of, split
from search.signals.interruption import Cancelled
from search.trials.callbacks import metadata
from search.trials.outcomes import DIVERGED, ERROR, OK, Divergence, Outcome
from search.trials.problem import Problem, Trial, configured
from search.trials.scoring import by_metric, named, objective, scores, training_scores


def train(problem: Problem, trial: Trial, cancelled: Callable[[], bool]) -> Outcome:
    """Fit and score one configuration on every fold."""
    fit_seconds, score_seconds, validation_scores, train_scores = [], [], [], []
    for number, (fitted_on, validation) in enumerate(problem.folds.splits):
        if cancelled():
            raise Cancelled
        started = time.perf_counter()
        estimator = configured(problem.estimator, problem.full_names(trial.params))
        X_train, y_train = split(estimator, problem.X, problem.y, fitted_on, fitted_on)
        X_validation, y_validation = split(estimator, problem.X, problem.y, validation, fitted_on)
        fit_params = params_of(problem.X, problem.fit_params, fitted_on)
        data = {"X": X_train, "y": y_train, "metadata": metadata(fit_params)}
        with problem.tasks.fold(trial.number * len(problem.folds) + number, data, estimator):
            try:
                estimator.fit(X_train, *([] if y_train is None else [y_train]), **fit_params)
            except DivergenceError as error:  # of an ensemble, or of a network in a place where `nesting` does not look
                return _diverged(problem, trial, number, error)
            fitted = time.perf_counter()
            validation_scores.append(scores(problem, estimator, X_validation, y_validation, validation))
        fit_seconds.append(fitted - started)
        score_seconds.append(time.perf_counter() - fitted)
        if problem.train_scores:
            on_training = partial(scores, problem, estimator, X_train, y_train, fitted_on)
            train_scores.append(training_scores(problem, validation_scores[-1], on_training))
    metrics = by_metric(validation_scores)
    fold_scores = metrics[objective(problem, metrics)]
    healthy = bool(np.isfinite(fold_scores).all())
    return Outcome(
        number=trial.number,
        params=dict(trial.params),
        verdict=OK if healthy else ERROR,
        reason="" if healthy else "the score is not finite",
        fold_scores=fold_scores if healthy else [],
        epoch=0,
        curve={},
        losses={},
        seconds=0.0,
        metrics=named(metrics),
        train_metrics=by_metric(train_scores),
        fit_seconds=fit_seconds,
        score_seconds=score_seconds,
    )


def _diverged(problem: Problem, trial: Trial, fold: int, error: DivergenceError) -> Outcome:
    """Return the outcome of a trial in which an estimator could not be fitted because its networks diverged."""
    verdict = error.verdict
    divergence = Divergence(
        fold,
        int((verdict and verdict.epoch) or 1),
        int((verdict and verdict.step) or 0),
        verdict.reason if verdict else str(error),
        verdict.evidence["ratio"] if verdict else math.inf,
        error.survived,
        [dict(finding) for finding in error.findings],
    )
    reason = f"fold {fold + 1} of {len(problem.folds)}: {one_line(error)}"
    return Outcome(trial.number, dict(trial.params), DIVERGED, reason, [], 0, {}, {}, 0.0, divergence)
