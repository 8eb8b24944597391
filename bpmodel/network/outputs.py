"""Whether a network's outputs are finite: a bound on them often decides, otherwise they are computed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from bpmodel.functions.activations import ACTIVATIONS
from bpmodel.functions.losses import LOSSES
from bpmodel.functions.normalization import EPSILON
from bpmodel.network.minibatch import Rows
from bpmodel.network.parameters import Network, unpack
from bpmodel.network.prediction import predict

BLOCK_ROWS = 8192


def are_finite(network: Network, rows: Rows) -> bool:
    """Return whether the network's outputs for the rows are finite, in the network's precision."""
    if not _has_finite_weights(network):
        return False
    if _bound(network, rows) < _limit(network):
        return True
    for start in range(0, len(rows.order), BLOCK_ROWS):
        order = rows.order[start : start + BLOCK_ROWS]
        if not np.isfinite(predict(network, _picked(rows, order, int(network.units[0])))).all():
            return False
    return True


def _has_finite_weights(network: Network) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):  # finite numbers may have no finite sum
        return all(np.isfinite(a.sum()) or bool(np.isfinite(a).all()) for a in (network.parameters, network.running))


def _picked(rows: Rows, order: NDArray[np.int32], inputs: int) -> NDArray | csr_array:
    if rows.sparse.indptr.size == 0:
        return rows.X[order]
    n = rows.sparse.indptr.size - 1
    return csr_array((rows.sparse.values, rows.sparse.indices, rows.sparse.indptr), shape=(n, inputs))[order]


def _limit(network: Network) -> float:
    """Return the largest pre-activation of an output for which the output is certainly finite."""
    largest = float(np.finfo(network.parameters.dtype).max) / 10
    return float(np.log(largest)) if LOSSES[list(LOSSES)[network.loss]].output == "exp" else largest


def _bound(network: Network, rows: Rows) -> float:
    """Return a bound on all numbers of the forward pass, from the largest input and the columns' sums of absolute weights.

    The built-in activations are at most 2 |z| + 2. For others there is no bound.
    """
    added = {ACTIVATIONS.code(row.name) for row in ACTIVATIONS.added}
    if added.intersection(network.activations.tolist()):
        return np.inf
    values = rows.sparse.values if rows.sparse.indptr.size else rows.X
    bound = max(1.0, float(values.max(initial=0)), -float(values.min(initial=0)))
    stretch = 1.0
    if network.normalization > 0:
        scales = network.parameters[network.parameters.size - network.running.shape[1] :]
        stretch = float(np.abs(scales).max(initial=0)) / EPSILON**0.5
        bound += float(np.abs(network.running[0]).max(initial=0))
    with np.errstate(over="ignore"):
        for weights, bias in zip(*unpack(network.parameters, network.units.tolist()), strict=True):
            sums = float(np.abs(weights).sum(axis=0, dtype=np.float64).max())
            bound = 2 * max(stretch, 1.0) * (bound * sums + float(np.abs(bias).max())) + 2
    return bound
