"""The folds of a study after preprocessing: made once for all trials with the same parameters there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse, vstack
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from bpmodel.settings import precision
from search.nesting import final_step
from search.problem import Problem
from search.spaces import label


@dataclass(frozen=True)
class Prepared:
    """One fold after preprocessing: the numbers of its training and validation rows in X and y.

    Folds that are preprocessed have arrays of their own; where there is nothing to preprocess they all share the study's.
    """

    X: Any
    y: NDArray[Any]
    train: NDArray[np.integer]
    validation: NDArray[np.integer]

    @property
    def X_train(self) -> Any:  # noqa: N802 - the field's name
        return _safe_indexing(self.X, self.train)

    @property
    def y_train(self) -> NDArray[Any]:
        return self.y[self.train]

    @property
    def X_validation(self) -> Any:  # noqa: N802
        return _safe_indexing(self.X, self.validation)

    @property
    def y_validation(self) -> NDArray[Any]:
        return self.y[self.validation]


def prepare(problem: Problem, params: Mapping[str, Any] | None = None) -> list[Prepared]:
    """Return the preprocessed folds, fitted on training rows only; kept for trials with the same parameters there."""
    params = params or {}
    key = repr(sorted((name, label(value)) for name, value in params.items()))
    return problem.prepared.get(key, lambda: _prepare(problem, params))


def _prepare(problem: Problem, params: Mapping[str, Any]) -> list[Prepared]:
    if not isinstance(problem.pipeline, Pipeline) or len(problem.pipeline) == 1:
        X = _in_precision(problem.X, problem.pipeline)
        return [Prepared(X, problem.y, *split) for split in problem.folds.splits]
    return [_preprocess(problem, params, *split) for split in problem.folds.splits]


def _preprocess(problem: Problem, params: Mapping[str, Any], train: NDArray, validation: NDArray) -> Prepared:
    pipeline = clone(problem.pipeline).set_params(**params)
    X_train = fit_transform(pipeline, _safe_indexing(problem.X, train), problem.y[train])
    X_validation = _in_precision(pipeline[:-1].transform(_safe_indexing(problem.X, validation)), pipeline)
    X = vstack([X_train, X_validation], "csr") if issparse(X_train) else np.concatenate([X_train, X_validation])
    y = np.concatenate([problem.y[train], problem.y[validation]])
    return Prepared(X, y, np.arange(len(train)), np.arange(len(train), len(y)))


def fit_transform(pipeline: Pipeline, X: Any, y: NDArray[Any]) -> Any:
    """Fit all steps of the pipeline but the last, in place; return the transformed rows."""
    return _in_precision(pipeline[:-1].fit_transform(X, y), pipeline)


def _in_precision(X: Any, pipeline: Any) -> Any:
    """Return rows in the precision of the network, so that no fit has to convert its own."""
    dtype = precision(final_step(pipeline).dtype, np.shape(X)[0], incremental=False)
    return X.tocsr().astype(dtype, copy=False) if issparse(X) else np.ascontiguousarray(X, dtype=dtype)
