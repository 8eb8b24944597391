"""Rows of any kind of table: arrays, lists, sparse matrices, and tables of pandas, polars or pyarrow.

scikit-learn has the same functions, but private. These use its public ones only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import get_tags, indexable
from sklearn.utils.validation import validate_data

Rows = NDArray[np.integer]


def take(X: Any, rows: Rows) -> Any:
    """Return the rows with these numbers, as what X is.

    Examples
    --------
    >>> take(["a", "b", "c"], np.array([2, 0]))
    ['c', 'a']
    >>> take(np.eye(3), np.array([1])).tolist()
    [[0.0, 1.0, 0.0]]
    """
    if hasattr(X, "iloc") or hasattr(X, "to_pylist"):  # of pandas, of pyarrow
        return X.take(rows)
    return X[rows] if hasattr(X, "shape") else [X[row] for row in rows]


def split(estimator: Any, X: Any, y: Any, rows: Rows, train: Rows) -> tuple[Any, Any]:
    """Return these rows of X and y; from a kernel matrix, if the estimator needs one, also the columns of the training rows."""
    pairwise = get_tags(estimator).input_tags.pairwise
    return np.asarray(X)[np.ix_(rows, train)] if pairwise else take(X, rows), None if y is None else take(y, rows)


def params_of(X: Any, params: Mapping[str, Any], rows: Rows) -> dict[str, Any]:
    """Return arguments of a method for some rows of X: those with a value for each row are cut to these rows.

    >>> params_of([[1], [2]], {"weight": [3, 4], "name": "ab", "more": [5]}, np.array([1]))
    {'weight': [4], 'name': 'ab', 'more': [5]}
    """
    found = dict(params)
    for name, value in params.items():
        if length(value) == length(X):
            found[name] = take(indexable(value)[0], rows)
    return found


def feature_names(X: Any) -> NDArray[np.object_] | None:
    """Return the names of a table's columns; None for arrays.

    Raises
    ------
    TypeError
        If some names are texts and others are not.
    """
    seen = BaseEstimator()
    validate_data(seen, X, skip_check_array=True)
    return getattr(seen, "feature_names_in_", None)


def length(values: Any) -> int:
    """Return the number of rows; -1 for what has none, such as numbers, texts and dicts."""
    if isinstance(values, str | bytes | Mapping) or values is None:
        return -1
    if hasattr(values, "shape"):
        return int(values.shape[0]) if len(values.shape) else -1
    return len(values) if hasattr(values, "__len__") else -1
