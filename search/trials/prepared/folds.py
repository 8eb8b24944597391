"""The folds of a study after preprocessing: prepared once for all trials with the same preprocessing parameters.

A fold is prepared when a trial first needs it. Preprocessing holds Python's global lock, training does not. So the
first trials of a search train on one fold while other folds are being prepared, and a trial that diverges in its first
fold needs no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse, vstack

from bpmodel.network.machine import give_back
from bpmodel.preparation import precision
from search.rows import feature_names, params_of, take
from search.space.dimensions import label
from search.trials.nesting import (
    FitData,
    fit_around,
    inverse_target,
    is_transparent,
    network_of,
    transform_rows,
    transform_target,
)
from search.trials.prepared import steps, stream
from search.trials.prepared.stream import Buffer, Stream
from search.trials.problem import Problem, configured
from search.trials.shared_cache import ComputeOnce

Rows = NDArray[np.integer]
Split = tuple[Rows, Rows]

MOST_COPIED = 2**25
"""Bytes of the rows of a fold up to which its validation rows are kept beside them. To pick them again takes a small part of the
time that it takes to predict them."""


@dataclass(frozen=True)
class Prepared:
    """One fold after preprocessing. Without preprocessing, folds share the study's arrays.

    Attributes
    ----------
    X, target, weight
        All rows of the fold as the network sees them, and their weights, or None. If the fold is prepared anew for each turn, X
        is None, or the buffer of a trial (`lent`).
    train, validation : ndarray of int
        Indices of the training and validation rows in these arrays.
    rows : tuple of two ndarrays of int
        Indices of the same rows in the study.
    y : ndarray
        Targets of all rows of the study, in their own units.
    around : estimator
        The steps around the network, fitted on the training rows.
    feature_names : ndarray of str, optional
    resampled : ndarray, optional
        Targets of the training rows in their own units, if a pipeline may have added or dropped rows: these are then no longer
        rows of the study. The validation rows always are, and never any that a pipeline made.
    n_features : int
    stream : Stream, optional
        Prepares the rows of a fold that are not kept.
    buffer : Buffer, optional
        Holds them, after `load`, until another fold of the trial is loaded.
    """

    X: Any
    target: NDArray[Any]
    weight: NDArray[Any] | None
    train: Rows
    validation: Rows
    rows: Split
    y: NDArray[Any]
    around: Any
    feature_names: NDArray[Any] | None
    n_features: int
    resampled: NDArray[Any] | None = None
    stream: Stream | None = None
    buffer: Buffer | None = None

    def load(self) -> None:
        """Prepare the rows if they are not kept; their fit must not train before."""
        if self.stream is not None and self.buffer is not None:
            self.buffer.load(self.stream)

    def lent(self, buffer: Buffer) -> Prepared:
        """Return the same fold with a place for its rows."""
        return replace(self, X=buffer.rows, buffer=buffer)

    def training(self, part: Rows | slice = slice(None)) -> Any:
        """Return some of the training rows, by their places among these, or all."""
        return self._rows(self.train[part])

    def _rows(self, numbers: Rows) -> Any:
        if self.stream is None:
            return take(self.X, numbers)
        return self.stream.rows(numbers, None if self.buffer is None else self.buffer.lend(len(numbers)))

    @property
    def X_train(self) -> Any:  # noqa: N802 - the field's name
        """All training rows; if they are in a buffer, until a fold is loaded, or other rows are asked for."""
        return self.training()

    @property
    def X_validation(self) -> Any:  # noqa: N802
        """The validation rows; if they are in a buffer, as long as `X_train`."""
        if self.stream is None and getattr(self.X, "nbytes", 0) <= MOST_COPIED:
            return self._X_validation
        return self._rows(self.validation)

    @cached_property
    def _X_validation(self) -> Any:  # noqa: N802
        return take(self.X, self.validation)

    @property
    def y_train(self) -> NDArray[Any]:
        """Targets of `X_train`."""
        return self.y[self.rows[0]] if self.resampled is None else self.resampled

    @property
    def y_validation(self) -> NDArray[Any]:
        """Targets of `X_validation`."""
        return self._y_validation if self.stream is None else self.y[self.rows[1]]

    @cached_property
    def _y_validation(self) -> NDArray[Any]:
        return self.y[self.rows[1]]


class PreparedFolds:
    """Folds that are prepared on first use, by the thread that asks first.

    Parameters
    ----------
    splits : sequence of (train, validation)
        Row indices of each fold.
    make : callable
        Prepares a fold from its row indices.
    """

    def __init__(self, splits: Sequence[Split], make: Callable[[Rows, Rows], Prepared]) -> None:
        self._splits, self._make = splits, make
        self._made = ComputeOnce(limit=len(splits))

    def __len__(self) -> int:
        return len(self._splits)

    def __getitem__(self, number: int) -> Prepared:
        train, validation = self._splits[number]
        return self._made.get(str(number), lambda: self._make(train, validation))

    def __iter__(self) -> Iterator[Prepared]:
        return (self[number] for number in range(len(self)))

    def for_one_trial(self) -> Sequence[Prepared] | PreparedFolds:
        """Return the folds, with a buffer for one trial if their rows are not kept."""
        first = self[0]
        if first.stream is None:
            return self
        fitted = list(self)
        give_back()  # what that took
        buffer = Buffer(len(first.y), max(fold.n_features for fold in fitted), first.stream.dtype)
        return [fold.lent(buffer) for fold in fitted]


def prepare(problem: Problem, params: Mapping[str, Any] | None = None) -> PreparedFolds:
    """Return the preprocessed folds; cached for trials with the same preprocessing parameters."""
    params = params or {}
    key = repr(sorted((name, label(value)) for name, value in params.items()))
    return problem.prepared.get(key, lambda: _prepare(problem, params))


def _prepare(problem: Problem, params: Mapping[str, Any]) -> PreparedFolds:
    estimator, y, splits = configured(problem.estimator, params), np.asarray(problem.y), problem.folds.splits
    if estimator is not network_of(estimator):
        return PreparedFolds(splits, lambda train, validation: _fold(problem, estimator, y, train, validation))
    around, (X, target, weight) = fit_around(estimator, problem.X, y, problem.fit_params)  # fits no step
    rows = _rows_of_whole(problem, params, X, min(len(train) for train, _ in splits), estimator)
    names, columns = feature_names(X), rows.shape[1] if len(rows.shape) > 1 else 1

    def share(train: Rows, validation: Rows) -> Prepared:
        weights = _weights(weight, train, len(y))
        return Prepared(rows, target, weights, train, validation, (train, validation), y, around, names, columns)

    return PreparedFolds(splits, share)


def _rows_of_whole(problem: Problem, params: Mapping[str, Any], X: Any, n_train: int, estimator: Any) -> Any:
    """Return all rows in the precision of a network; those that the problem with all training rows has, if they fit."""
    if problem.whole is not None:
        found = prepare(problem.whole, params)[0].X
        if found.dtype == _precision(estimator, n_train):
            return found
    return _in_precision(X, estimator, n_train)


def _fold(problem: Problem, estimator: Any, y: NDArray, train: Rows, validation: Rows) -> Prepared:
    if is_streamed(problem, estimator):
        return _streamed(problem.X, estimator, y, train, validation)
    fit_params = params_of(problem.X, problem.fit_params, train)
    around, data = fit_around(estimator, take(problem.X, train), y[train], fit_params)
    n_train = len(data.y)  # not that of `train`, if a pipeline adds or drops rows
    X_train = _in_precision(data.X, estimator, n_train)
    X_validation = _in_precision(transform_rows(around, take(problem.X, validation)), estimator, n_train)
    X = vstack([X_train, X_validation], "csr") if issparse(X_train) else np.concatenate([X_train, X_validation])
    target = np.concatenate([data.y, transform_target(around, y[validation])])
    first, rest = np.split(np.arange(len(target)), [n_train])
    names = feature_names(data.X)
    weight = _weights(data.weight, first, len(target))
    resampled = None if is_transparent(estimator) else inverse_target(around, np.asarray(data.y))
    return Prepared(X, target, weight, first, rest, (train, validation), y, around, names, X.shape[1], resampled)


def is_streamed(problem: Problem, estimator: Any, features: int = 0) -> bool:
    """Return whether the rows of a study are too many for all its folds to be kept.

    Those of a sample are kept: to prepare a fold anew takes as long as many epochs of it.

    Parameters
    ----------
    features : int
        Columns as networks see them, if there are more than in X.
    """
    if problem.whole is not None or not steps.take_pieces(estimator, problem.X, problem.fit_params):
        return False
    rows, columns = problem.X.shape
    dtype = _precision(estimator, min(len(train) for train, _ in problem.folds.splits))
    return bool(len(problem.folds) * rows * max(columns, features) * dtype.itemsize > stream.MOST_KEPT)


def prepare_all(problem: Problem, params: Mapping[str, Any]) -> tuple[Any, FitData]:
    """Fit the steps around the network on all rows; return them and the data for its fit, as `fit_around` does."""
    estimator = configured(problem.estimator, params)
    if not is_streamed(problem, estimator):
        return fit_around(estimator, problem.X, problem.y, problem.fit_params)
    around, data = steps.fit(estimator, problem.X, np.asarray(problem.y), None)
    give_back()
    source = Stream(problem.X, around, _precision(estimator, len(problem.X)))
    rows = Buffer(len(problem.X), source.rows(np.arange(1)).shape[1], source.dtype)
    rows.load(source)
    return around, data._replace(X=rows.rows)


def _streamed(X: Any, estimator: Any, y: NDArray, train: Rows, validation: Rows) -> Prepared:
    """Fit the steps of a fold that is prepared anew for each turn; its rows stay in the order of the study."""
    around, _ = steps.fit(estimator, X, y, train)
    give_back()
    source = Stream(X, around, _precision(estimator, len(train)))
    target = transform_target(around, y)
    names = feature_names(transform_rows(around, take(X, train[:2])))
    n_features = source.rows(train[:1]).shape[1]
    short = np.asarray(train, np.int32), np.asarray(validation, np.int32)  # as fits need them: else each keeps a copy
    return Prepared(None, target, None, *short, (train, validation), y, around, names, n_features, stream=source)


def _weights(weight: Any, train: Rows, n_rows: int) -> NDArray[np.float64] | None:
    """Return a weight for each row of a fold.

    `weight` has at least the training rows. Validation losses are not weighted.
    """
    if weight is None:
        return None
    weights = np.ones(n_rows)
    weights[train] = np.asarray(weight)[train]
    return weights


def _in_precision(X: Any, estimator: Any, n_train: int) -> Any:
    """Return rows in the precision that a network uses for `n_train` rows, so that no fit has to convert them."""
    if not issparse(X):
        X = np.asarray(X)
    dtype = _precision(estimator, n_train)
    return X.tocsr().astype(dtype, copy=False) if issparse(X) else np.ascontiguousarray(X, dtype=dtype)


def _precision(estimator: Any, n_train: int) -> np.dtype:
    return precision(network_of(estimator).dtype, n_train, incremental=False)  # type: ignore[union-attr]
