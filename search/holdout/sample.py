"""Predictions beside what they should have been."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin


@dataclass(frozen=True)
class Sample:
    """Rows of a test.

    Attributes
    ----------
    truth, predicted : ndarray of shape (n,)
        Numbers; of classes, their places in `classes`.
    probabilities : ndarray of shape (n, classes), optional
    classes : tuple
        Empty for a regression.
    positive : int, optional
        The place of the positive one of two classes.

    Examples
    --------
    >>> sample = Sample(np.array([0, 1, 1]), np.array([0, 1, 0]), classes=("no", "yes"), positive=1)
    >>> sample.confusion.tolist()
    [[1, 0], [1, 1]]
    """

    truth: NDArray[Any]
    predicted: NDArray[Any]
    probabilities: NDArray[Any] | None = None
    classes: tuple[Any, ...] = ()
    positive: int | None = None

    def __len__(self) -> int:
        return len(self.truth)

    def take(self, rows: NDArray[np.integer]) -> Sample:
        """Return these rows, which may repeat."""
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return replace(self, truth=self.truth[rows], predicted=self.predicted[rows], probabilities=probabilities)

    def predicting(self, predicted: NDArray[Any], probabilities: NDArray[Any] | None = None) -> Sample:
        """Return the same rows with other predictions."""
        return replace(self, predicted=predicted, probabilities=probabilities)

    @cached_property
    def confusion(self) -> NDArray[np.intp]:
        """Numbers of rows, of shape (true classes, predicted classes)."""
        n = len(self.classes)
        return np.bincount(self.truth * n + self.predicted, minlength=n * n).reshape(n, n)

    def score(self, scorer: Any) -> float:
        """Return the score by a scorer of scikit-learn."""
        if not self.classes:
            return float(scorer(_Known(self.predicted), np.arange(len(self))[:, None], self.truth))
        labels = np.asarray(self.classes)
        known = _KnownClasses(labels[self.predicted], self.probabilities, labels)
        return float(scorer(known, np.arange(len(self))[:, None], labels[self.truth]))


class _Known(RegressorMixin, BaseEstimator):
    """Predicts what is known of rows, which are given by their numbers."""

    def __init__(self, predicted: NDArray[Any]) -> None:
        self.predicted = predicted

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, X: NDArray[np.integer]) -> NDArray[Any]:
        return self.predicted[X[:, 0]]


class _KnownClasses(ClassifierMixin, BaseEstimator):
    """The same for classes."""

    def __init__(self, predicted: NDArray[Any], probabilities: NDArray[Any] | None, classes: NDArray[Any]) -> None:
        self.predicted, self.probabilities, self.classes = predicted, probabilities, classes

    def __sklearn_is_fitted__(self) -> bool:
        return True

    @property
    def classes_(self) -> NDArray[Any]:
        return self.classes

    def predict(self, X: NDArray[np.integer]) -> NDArray[Any]:
        return self.predicted[X[:, 0]]

    def predict_proba(self, X: NDArray[np.integer]) -> NDArray[Any]:
        if self.probabilities is None:
            raise AttributeError("the model has no probabilities")
        return self.probabilities[X[:, 0]]
