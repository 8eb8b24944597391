"""Out-of-fold predictions: the folds of a trial are trained once more, and predict their validation rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.utils.parallel import Parallel, delayed

from bpmodel.network.blas import single_thread
from bpmodel.network.training import Training
from search.rows import params_of, split, take
from search.trials.checkpoints import checkpoints
from search.trials.fold_fits import begin
from search.trials.nesting import network_of, surround
from search.trials.outcomes import Outcome
from search.trials.prepared.folds import Prepared
from search.trials.problem import Problem, Trial, configured

MOST_PROBABILITIES = 50_000_000
"""Probabilities that are kept, of all rows and classes together: 200 MB. With more there are only the predicted classes."""


@dataclass(frozen=True)
class OutOfFold:
    """Predictions for rows that were not trained on, in the order of the folds.

    A row is there once for each fold that validates on it: several times in repeated cross-validation, and never if it is
    only ever trained on.

    Attributes
    ----------
    rows : ndarray of int, shape (n,)
        Numbers of the rows in the study.
    folds : ndarray of int, shape (n,)
        Number of the fold, from 0.
    truth, predicted : ndarray of shape (n,) or (n, outputs)
        In the target's own units, or classes.
    probabilities : ndarray of float32, shape (n, classes), optional
    classes : ndarray, optional
        The classes, in the order of the probabilities.
    """

    rows: NDArray[np.int32]
    folds: NDArray[np.int32]
    truth: NDArray[Any]
    predicted: NDArray[Any]
    probabilities: NDArray[np.float32] | None = None
    classes: NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.rows)


def predict(problem: Problem, outcome: Outcome, n_jobs: int | None = None) -> OutOfFold | None:
    """Train the folds of a trial again, as `evaluate` has, and predict the validation rows of each.

    Seeds and epochs are the same, so the predictions are those that the trial was scored on. Of a trial that was evaluated with
    several seeds it is the first evaluation, up to the number of epochs that is best for all of them. This takes about as
    long as the trial did, or less: networks are trained up to the best number of epochs only.

    Parameters
    ----------
    problem : Problem
    outcome : Outcome
        A healthy trial.
    n_jobs : int, optional
        Folds of a network that are trained at the same time, in threads.

    Returns
    -------
    OutOfFold or None
        None if there is no target, or the estimator predicts none.
    """
    if problem.y is None or not hasattr(configured(problem.estimator, {}), "predict"):
        return None
    kept = _kept_classes(problem)
    fitted = _others if network_of(problem.estimator) is None else _networks
    found = [
        _of_fold(estimator, X, np.asarray(y), kept, number, rows)
        for number, (estimator, X, y, rows) in enumerate(fitted(problem, outcome, n_jobs))
    ]
    given = [one.probabilities for one in found if one.probabilities is not None]
    return OutOfFold(
        np.concatenate([one.rows for one in found]),
        np.concatenate([one.folds for one in found]),
        np.concatenate([one.truth for one in found]),
        np.concatenate([one.predicted for one in found]),
        np.concatenate(given) if len(given) == len(found) else None,
        kept,
    )


def _kept_classes(problem: Problem) -> NDArray[Any] | None:
    """Return all classes of a classification with one output; None for everything else."""
    y = np.asarray(problem.y)
    return np.unique(y) if is_classifier(problem.estimator) and y.ndim == 1 else None


Fitted = tuple[Any, Any, Any, NDArray[np.integer]]
"""A fitted estimator, the rows that it predicts, their targets, and their numbers in the study."""


def _networks(problem: Problem, outcome: Outcome, n_jobs: int | None) -> Iterator[Fitted]:
    """Train the folds of a network up to the trial's best number of epochs."""
    folds, begun = begin(problem, Trial(outcome.number, outcome.params))
    pairs = zip(folds, begun, strict=True)
    with single_thread():
        for some in (
            [list(pairs)] if folds[0].stream is None else ([pair] for pair in pairs)
        ):  # one buffer holds one fold
            Parallel(n_jobs=n_jobs, require="sharedmem")(delayed(_train)(fit, outcome.epoch) for _, (_, fit) in some)
            for fold, (network, fit) in some:
                if network.early_stopping and not fit.running:
                    fit.restore_best()
                yield _estimator(problem, fold, network)


def _train(fit: Training, epoch: int) -> None:
    for step in checkpoints(fit.max_iter):  # as in the trial, which may have discarded epochs at a checkpoint
        fit.advance(min(step, epoch))


def _estimator(problem: Problem, fold: Prepared, network: Any) -> Fitted:
    rows = fold.rows[1]
    if fold.resampled is None:
        return surround(fold.around, network, raw=False), fold.X_validation, fold.y_validation, rows
    if fold.feature_names is not None:
        network.feature_names_in_ = fold.feature_names
    return surround(fold.around, network), take(problem.X, rows), fold.y_validation, rows


def _others(problem: Problem, outcome: Outcome, n_jobs: int | None) -> Iterator[Fitted]:
    """Fit another estimator on each fold once more; it may use several threads or processes itself."""
    for train, validation in problem.folds.splits:
        estimator = configured(problem.estimator, problem.full_names(outcome.params))
        X_train, y_train = split(estimator, problem.X, problem.y, train, train)
        X_validation, y_validation = split(estimator, problem.X, problem.y, validation, train)
        estimator.fit(X_train, y_train, **params_of(problem.X, problem.fit_params, train))
        yield estimator, X_validation, y_validation, validation


def _of_fold(
    estimator: Any, X: Any, y: NDArray[Any], classes: NDArray[Any] | None, number: int, rows: NDArray[np.integer]
) -> OutOfFold:
    predicted = np.asarray(estimator.predict(X))
    if predicted.ndim == 2 and y.ndim == 1 and predicted.shape[1] == 1:
        predicted = predicted[:, 0]
    given = None
    if classes is not None and hasattr(estimator, "predict_proba") and len(y) * len(classes) <= MOST_PROBABILITIES:
        given = _columns(np.asarray(estimator.predict_proba(X)), np.asarray(estimator.classes_), classes)
    return OutOfFold(rows.astype(np.int32), np.full(len(rows), number, dtype=np.int32), y, predicted, given)


def _columns(given: NDArray[Any], own: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.float32]:
    """Return probabilities with a column for each class of the study, also for those that a fold has not seen.

    >>> _columns(np.array([[0.25, 0.75]]), np.array(["a", "c"]), np.array(["a", "b", "c"])).tolist()
    [[0.25, 0.0, 0.75]]
    """
    found = np.zeros((len(given), len(classes)), dtype=np.float32)
    found[:, np.searchsorted(classes, own)] = given
    return found
