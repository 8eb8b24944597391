"""Predictions: the forward pass over blocks of rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpmodel.compiler.denormals import flush_denormals, restore_denormals
from bpmodel.compiler.kernels import entry_point
from bpmodel.compiler.views import matrix
from bpmodel.network.blas import single_thread
from bpmodel.network.parameters import Batch, Mode, Network, split_sparse, workspace
from bpmodel.network.propagation import apply_link, forward

PREDICTION_ROWS = 32
"""Maximum number of rows in one block."""

SMALL_PRODUCT = 2**19
"""Number of multiplications up to which OpenBLAS skips packing; where that matters, it is twice as fast."""


def predict(network: Network, X: Any) -> NDArray:
    """Return predictions of shape (n, outputs) for X of shape (n, inputs), dense or sparse, in the network's precision."""
    dtype = network.parameters.dtype
    dense, rows = split_sparse(X, dtype)
    out = np.empty((X.shape[0], int(network.units[-1])), dtype=dtype)
    together = rows_together(network.units.tolist())
    room = workspace(network, together, gradient=False, sparse=rows.indptr.size > 0)
    with single_thread():
        predict_into(network, room, dense, rows, out)
    return out


def rows_together(units: Sequence[int]) -> int:
    """Return the number of rows in one block of predictions.

    It depends only on the network. A row's prediction therefore does not depend on the other rows of X. (On some processors the
    summation order depends on the position in the block, which may change the last bit.) The block has as many rows, up to
    `PREDICTION_ROWS`, as keep the largest product small. If these are too few, it has `PREDICTION_ROWS` rows.

    >>> rows_together([64, 100, 10]), rows_together([30, 256, 256, 1]), rows_together([30, 512, 512, 1])
    (32, 8, 32)
    """
    largest = max(a * b for a, b in pairwise(units))
    fitting = SMALL_PRODUCT // largest
    return min(PREDICTION_ROWS, 2 ** (fitting.bit_length() - 1)) if fitting >= 4 else PREDICTION_ROWS


@entry_point
def predict_into(network, work, X, sparse, out):
    """Write the predictions for X, of shape (n, units[0]), or for n sparse rows, into out, of shape (n, units[-1]).

    A block has as many rows as `work` has room for. The last block is filled up with rows whose outputs are ignored.
    """
    denormals = flush_denormals()  # small weights times small inputs may be denormal
    n, features = out.shape[0], network.units[0]
    together = work.layers.size // network.units[1:].sum()
    mode = Mode(False, 0.0, 0, False)
    order = np.zeros(together, np.int32)
    for start in range(0, n, together):
        rows = min(together, n - start)
        if work.x.size > 0:
            block = matrix(work.x, 0, together, features)
            for i in range(together):
                for j in range(features):
                    block[i, j] = X[start + i, j] if i < rows else 0
        for i in range(together):
            order[i] = min(start + i, n - 1)
        z = forward(network, work, Batch(together, order, sparse), mode)
        apply_link(network.loss, z)
        for i in range(rows):
            for j in range(z.shape[1]):
                out[start + i, j] = z[i, j]
    restore_denormals(denormals)
