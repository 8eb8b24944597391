"""Rows of a data set, which several fits may share, and how they are gathered into a minibatch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpmodel.compiler.kernels import inner
from bpmodel.compiler.views import matrix
from bpmodel.network.parameters import Batch, Sparse, read_only


class Rows(NamedTuple):
    """Rows of a data set: `order` picks them from arrays that several fits may share."""

    X: NDArray
    """(n, inputs), C-contiguous; (0, inputs) if the rows are sparse; like all fields except `order`, read-only"""
    sparse: Sparse
    y: NDArray
    """(n, outputs)"""
    weight: NDArray
    """(n,) sample weights, or empty if all rows have equal weight"""
    numbers: NDArray[np.int32]
    """(rows,), row numbers of X; int32, because two such arrays are kept per fold and fit"""
    order: NDArray[np.int32]
    """(rows,), the same numbers in the order of the current epoch; writable"""

    def picked(self, index: NDArray[np.integer]) -> Rows:
        """Return other rows of the same arrays."""
        numbers = read_only(index, np.dtype(np.int32))
        return self._replace(numbers=numbers, order=numbers.copy())

    def weights(self) -> NDArray[np.float64]:
        """Return the weight of each row of the order."""
        if self.weight.size == 0:
            return np.broadcast_to(1.0, self.order.shape)
        return self.weight[self.order].astype(np.float64)


@inner
def gather(rows, start, count, work):
    """Copy `count` rows, from position `start` of the order, to the workspace; return the batch and its total weight."""
    features, y, w = rows.X.shape[1], work.y, work.w
    total = 0.0
    order = rows.order[start : start + count]
    if rows.sparse.indptr.size == 0:
        a = matrix(work.x, 0, count, features)
        for i in range(count):
            x = rows.X[order[i]]
            for j in range(features):
                a[i, j] = x[j]
    for i in range(count):
        row = order[i]
        for j in range(y.shape[1]):
            y[i, j] = rows.y[row, j]
        w[i] = rows.weight[row] if rows.weight.size > 0 else 1
        total += w[i]
    return Batch(count, order, rows.sparse), total
