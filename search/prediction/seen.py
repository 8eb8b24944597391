"""Whether a model was trained on given rows: a small sample of its training rows' hashes tells."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from bpmodel.preprocessing import by_columns
from search.trials import nesting
from search.trials.prepared import steps

KEPT = 1000
"""Hashes that are kept, the smallest: as a random sample of the rows."""

FACTOR = np.uint64(0x9E3779B97F4A7C15)


def sketch(pipeline: Any, X: Any) -> dict[str, Any]:
    """Return a sample of the rows that a pipeline was trained on, in JSON.

    It holds the smallest hashes of what the network sees of each row (bottom-k sketch: Cohen and Kaplan, 2007, Summarizing data
    using bottom-k sketches). It does not hold the rows themselves.
    """
    hashes = np.unique(_hashes(pipeline, X))[:KEPT]
    return {"complete": bool(len(hashes) < KEPT), "hashes": base64.b64encode(hashes.astype("<u8").tobytes()).decode()}


def share(pipeline: Any, X: Any, sketched: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many rows have the features of a training row, and of how many rows that is known.

    Known is it of rows whose hashes are not greater than the greatest of the sketch.

    Examples
    --------
    >>> from sklearn.dummy import DummyRegressor
    >>> model = DummyRegressor().fit([[0.0]], [0.0])
    >>> share(model, np.array([[1.0], [2.0], [7.0]]), sketch(model, np.array([[1.0], [7.0]])))
    (2, 3)
    """
    known = np.frombuffer(base64.b64decode(sketched["hashes"]), dtype="<u8")
    hashes = _hashes(pipeline, X)
    if not sketched["complete"]:
        hashes = hashes[hashes <= known[-1]]
    return int(np.isin(hashes, known).sum()), len(hashes)


def _hashes(pipeline: Any, X: Any) -> NDArray[np.uint64]:
    """Return a hash of each row as the network sees it."""
    if not steps.take_pieces(pipeline, X, {}):
        return _hashes_of(pipeline, X)
    whole = X.iloc if hasattr(X, "iloc") else X
    return by_columns.in_pieces(lambda rows: _hashes_of(pipeline, whole[rows]), *X.shape)


def _hashes_of(pipeline: Any, X: Any) -> NDArray[np.uint64]:
    rows = nesting.transform_rows(pipeline, X)
    rows = np.asarray(rows.toarray() if issparse(rows) else rows)
    numbers = rows.astype(np.float32) + np.float32(0.0)  # -0.0 becomes 0.0
    found = np.zeros(len(numbers), dtype=np.uint64)
    for column in np.ascontiguousarray(numbers.T).view(np.uint32):  # the arithmetic is modulo 2^64
        found = (found ^ column.astype(np.uint64)) * FACTOR
        found ^= found >> np.uint64(29)
    return found
