"""The folds of a study after preprocessing: made once for all trials with the same parameters there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse, vstack
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_method_params, _get_feature_names

from bpmodel.settings import precision
from search.dimensions import label
from search.nesting import fit_around, network_of, transform_rows, transform_target
from search.problem import Problem, configured


@dataclass(frozen=True)
class Prepared:
    """One fold after preprocessing. Folds without any share the study's arrays.

    Attributes
    ----------
    X, target, weight
        All rows of the fold as the network sees them, and their weights, or None.
    train, validation : ndarray of int
        Numbers of the training and validation rows in these arrays.
    rows : tuple of two ndarrays of int
        Their numbers in the study.
    y : ndarray
        Targets of all rows of the study, in their own units.
    around : estimator
        What is around the network, fitted on the training rows.
    feature_names : ndarray of str, optional
    """

    X: Any
    target: NDArray[Any]
    weight: NDArray[Any] | None
    train: NDArray[np.integer]
    validation: NDArray[np.integer]
    rows: tuple[NDArray[np.integer], NDArray[np.integer]]
    y: NDArray[Any]
    around: Any
    feature_names: NDArray[Any] | None

    @property
    def X_train(self) -> Any:  # noqa: N802 - the field's name
        return _safe_indexing(self.X, self.train)

    @cached_property
    def X_validation(self) -> Any:  # noqa: N802
        return _safe_indexing(self.X, self.validation)

    @property
    def y_train(self) -> NDArray[Any]:
        return self.y[self.rows[0]]

    @cached_property
    def y_validation(self) -> NDArray[Any]:
        return self.y[self.rows[1]]


def prepare(problem: Problem, params: Mapping[str, Any] | None = None) -> list[Prepared]:
    """Return the preprocessed folds, fitted on training rows only; kept for trials with the same parameters there."""
    params = params or {}
    key = repr(sorted((name, label(value)) for name, value in params.items()))
    return problem.prepared.get(key, lambda: _prepare(problem, params))


def _prepare(problem: Problem, params: Mapping[str, Any]) -> list[Prepared]:
    estimator = configured(problem.estimator, params)
    y = np.asarray(problem.y)
    if estimator is not network_of(estimator):
        return [_fold(problem, estimator, y, *split) for split in problem.folds.splits]
    around, (X, target, weight) = fit_around(estimator, problem.X, y, problem.fit_params)  # where nothing is fitted
    rows = _in_precision(X, estimator, min(len(train) for train, _ in problem.folds.splits))
    names = _get_feature_names(X)
    return [
        Prepared(
            rows, target, _weights(weight, train, len(y)), train, validation, (train, validation), y, around, names
        )
        for train, validation in problem.folds.splits
    ]


def _fold(problem: Problem, estimator: Any, y: NDArray, train: NDArray, validation: NDArray) -> Prepared:
    fit_params = _check_method_params(problem.X, problem.fit_params, train)
    around, lesson = fit_around(estimator, _safe_indexing(problem.X, train), y[train], fit_params)
    X_train = _in_precision(lesson.X, estimator, len(train))
    X_validation = _in_precision(transform_rows(around, _safe_indexing(problem.X, validation)), estimator, len(train))
    X = vstack([X_train, X_validation], "csr") if issparse(X_train) else np.concatenate([X_train, X_validation])
    target = np.concatenate([lesson.y, transform_target(around, y[validation])])
    first, rest = np.split(np.arange(len(target)), [len(train)])
    names = _get_feature_names(lesson.X)
    weight = _weights(lesson.weight, first, len(target))
    return Prepared(X, target, weight, first, rest, (train, validation), y, around, names)


def _weights(weight: Any, train: NDArray[np.integer], n_rows: int) -> NDArray[np.float64] | None:
    """Return the weights of a fold's rows, given at least those of its training rows; validation losses are not weighted."""
    if weight is None:
        return None
    weights = np.ones(n_rows)
    weights[train] = np.asarray(weight)[train]
    return weights


def _in_precision(X: Any, estimator: Any, n_train: int) -> Any:
    """Return rows in the precision of a network with so many training rows, so that no fit has to convert its own."""
    if not issparse(X):
        X = np.asarray(X)
    dtype = precision(network_of(estimator).dtype, n_train, incremental=False)  # type: ignore[union-attr]
    return X.tocsr().astype(dtype, copy=False) if issparse(X) else np.ascontiguousarray(X, dtype=dtype)
