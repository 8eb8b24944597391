"""The network: packed parameters, forward pass, backward pass.

All parameters lie in one vector, first the weights of every layer, then the biases of every layer, then the scales of the
normalised hidden layers, so an update rule is one loop and weight decay is a prefix of it. Layer l maps ``units[l]`` inputs to
``units[l + 1]`` outputs:

    z_l = a_l W_l + b_l,    a_{l+1} = activation_l(z_l),    a_0 = the rows of a minibatch

With normalisation a hidden layer computes ``z_l = scale_l * normalised(a_l W_l) + b_l`` instead.

Shapes: W_l is (units[l], units[l + 1]), b_l and scale_l are (units[l + 1],), a_l is (rows, units[l]).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse

from bpmodel.activations import ACTIVATIONS, Activation
from bpmodel.blas import single_thread
from bpmodel.compiled import choose, entry_point, inner
from bpmodel.losses import LOSSES
from bpmodel.noise import drop, undrop
from bpmodel.normalization import NORMALIZATIONS

PREDICTION_ROWS = 32
"""Most rows that are predicted together."""

SMALL_PRODUCT = 2**19
"""Multiplications up to which OpenBLAS computes a product without packing it first; where it counts, twice as fast."""


class Network(NamedTuple):
    """A network as compiled code sees it."""

    parameters: NDArray
    """(n_weights + n_biases + n_scales,)"""
    running: NDArray
    """(2, hidden units): means and variances of batch normalisation; (2, 0) without"""
    units: NDArray[np.int64]
    """(n_layers + 1,), from the inputs to the outputs"""
    activations: NDArray[np.int64]
    """(hidden layers,), rows of ACTIVATIONS"""
    normalization: int
    """row of NORMALIZATIONS"""
    loss: int
    """row of LOSSES"""
    loss_number: float
    """the loss's own number, in the precision of the parameters"""


class Sparse(NamedTuple):
    """Rows in compressed sparse row format, as in SciPy; an empty `indptr` stands for dense rows."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray


class Batch(NamedTuple):
    """The rows that go through the network together: `order` says which, where they are sparse."""

    rows: int
    order: NDArray[np.int64]
    sparse: Sparse


class Workspace(NamedTuple):
    """Room for one minibatch, allocated once per fit."""

    x: NDArray
    """(rows * units[0],): a_0, the inputs; empty if they are sparse"""
    layers: NDArray
    """(rows * sum(units[1:]),): a_1, a_2, … one after the other"""
    inputs: NDArray
    """like layers, the z_l that slopes are computed from; empty if they all follow from a_l"""
    normalized: NDArray
    """like layers, what normalisation makes of a_l W_l; empty without"""
    spread: NDArray
    """(layers, max(rows, units)): inverse standard deviations of normalised layers"""
    deltas: NDArray
    """(2, rows * max(units[1:])): derivatives with respect to z of two neighbouring layers"""
    gradient: NDArray
    """like Network.parameters"""


class Mode(NamedTuple):
    """What differs between a training step and everything else."""

    training: bool
    dropout: float
    key: int | np.int64
    """of the dropout masks"""


def build(
    units: Sequence[int],
    activations: Sequence[str],
    loss: str,
    dtype: np.dtype,
    *,
    normalization: str = "none",
    loss_number: float = 0.0,
) -> Network:
    """Return a network with all weights and biases zero, and all scales one."""
    hidden = sum(units[1:-1]) if normalization != "none" else 0
    parameters = np.zeros(n_weights(units) + sum(units[1:]) + hidden, dtype=dtype)
    parameters[parameters.size - hidden :] = 1
    running = np.zeros((2, hidden), dtype=dtype)
    running[1] = 1
    return assemble(parameters, running, units, activations, loss, normalization, loss_number)


def assemble(
    parameters: NDArray,
    running: NDArray,
    units: Sequence[int],
    activations: Sequence[str],
    loss: str,
    normalization: str = "none",
    loss_number: float = 0.0,
) -> Network:
    """Return a network around its arrays, which it shares."""
    return Network(
        parameters,
        running,
        np.asarray(units, dtype=np.int64),
        np.array([list(ACTIVATIONS).index(name) for name in activations], dtype=np.int64),
        list(NORMALIZATIONS).index(normalization),
        list(LOSSES).index(loss),
        parameters.dtype.type(loss_number),
    )


def workspace(network: Network, rows: int, *, gradient: bool = True, sparse: bool = False) -> Workspace:
    """Return room for `rows` rows; without `gradient`, for the forward pass only."""
    dtype = network.parameters.dtype
    inputs, *units = network.units.tolist()
    size = rows * sum(units)
    keeps_inputs = gradient and not all(list(ACTIVATIONS.values())[i].from_output for i in network.activations)
    normalizes = network.normalization > 0
    widest = max(units)
    return Workspace(
        x=np.zeros(0 if sparse else rows * inputs, dtype=dtype),
        layers=np.zeros(size, dtype=dtype),
        inputs=np.zeros(size if keeps_inputs else 0, dtype=dtype),
        normalized=np.zeros(size if normalizes and gradient else 0, dtype=dtype),
        spread=np.zeros((len(units) if normalizes else 0, max(rows, widest)), dtype=dtype),
        deltas=np.zeros((2, rows * widest if gradient else 0), dtype=dtype),
        gradient=np.zeros(network.parameters.size if gradient else 0, dtype=dtype),
    )


def n_weights(units: Sequence[int]) -> int:
    """Return how many of the parameters are weights, not biases."""
    return int(sum(a * b for a, b in pairwise(units)))


def unpack(parameters: NDArray, units: Sequence[int]) -> tuple[list[NDArray], list[NDArray]]:
    """Return views: weights, each (fan_in, fan_out), and biases, each (fan_out,)."""
    weights, biases = [], []
    weight, bias = 0, n_weights(units)
    for fan_in, fan_out in pairwise(units):
        weights.append(parameters[weight : weight + fan_in * fan_out].reshape(fan_in, fan_out))
        biases.append(parameters[bias : bias + fan_out])
        weight, bias = weight + fan_in * fan_out, bias + fan_out
    return weights, biases


# ----------------------------------------------------------------------------------------- one layer, every activation


def _add_bias_and_activate(activation: Activation):
    value = activation.value
    if activation.from_output:

        @inner
        def apply(z, bias, inputs):
            for i in range(z.shape[0]):
                for j in range(z.shape[1]):
                    z[i, j] = value(z[i, j] + bias[j])

    else:

        @inner
        def apply(z, bias, inputs):
            for i in range(z.shape[0]):
                for j in range(z.shape[1]):
                    inputs[i, j] = z[i, j] + bias[j]
                    z[i, j] = value(inputs[i, j])

    return apply


def _multiply_by_slope(activation: Activation):
    slope = activation.slope
    if activation.from_output:

        @inner
        def apply(delta, a, inputs):
            for i in range(delta.shape[0]):
                for j in range(delta.shape[1]):
                    delta[i, j] *= slope(a[i, j], a[i, j])

    else:

        @inner
        def apply(delta, a, inputs):
            for i in range(delta.shape[0]):
                for j in range(delta.shape[1]):
                    delta[i, j] *= slope(a[i, j], inputs[i, j])

    return apply


add_bias_and_activate = choose([_add_bias_and_activate(row) for row in ACTIVATIONS.values()])
multiply_by_slope = choose([_multiply_by_slope(row) for row in ACTIVATIONS.values()])
normalize = choose([row.forward for row in NORMALIZATIONS.values()])
normalize_backward = choose([row.backward for row in NORMALIZATIONS.values()])
evaluate_loss = choose([row.evaluate for row in LOSSES.values()])
apply_link = choose([row.link for row in LOSSES.values()])


@inner
def add_bias(z, bias):
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[i, j] += bias[j]


@inner
def multiply_columns(z, scale):
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[i, j] *= scale[j]


@inner
def sum_columns(delta, out):
    for j in range(out.size):
        out[j] = 0
    for i in range(delta.shape[0]):
        for j in range(delta.shape[1]):
            out[j] += delta[i, j]


@inner
def sum_product_columns(delta, n, out):
    for j in range(out.size):
        out[j] = 0
    for i in range(delta.shape[0]):
        for j in range(delta.shape[1]):
            out[j] += delta[i, j] * n[i, j]


# ----------------------------------------------------------------------------------------------------------- passes


@inner
def copy(source, target):
    for i in range(source.size):
        target[i] = source[i]


@inner
def count_weights(units):
    total = 0
    for layer in range(units.size - 1):
        total += units[layer] * units[layer + 1]
    return total


@inner
def multiply_sparse(batch, weights, z):
    """z = X W, a row of W for each value that is there"""
    indptr, indices, values = batch.sparse.indptr, batch.sparse.indices, batch.sparse.values
    for i in range(batch.rows):
        row = batch.order[i]
        for j in range(z.shape[1]):
            z[i, j] = 0
        for k in range(indptr[row], indptr[row + 1]):
            value, w = values[k], weights[indices[k]]
            for j in range(z.shape[1]):
                z[i, j] += value * w[j]


@inner
def multiply_sparse_transposed(batch, delta, out):
    """out = X^T delta"""
    indptr, indices, values = batch.sparse.indptr, batch.sparse.indices, batch.sparse.values
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = 0
    for i in range(batch.rows):
        row = batch.order[i]
        for k in range(indptr[row], indptr[row + 1]):
            value, g = values[k], out[indices[k]]
            for j in range(out.shape[1]):
                g[j] += value * delta[i, j]


@inner
def forward(network, work, batch, mode):
    """Fill ``work.layers`` from the batch, whose dense rows lie in ``work.x``; return the last z, of shape (rows, outputs)."""
    units, parameters, layers, rows = network.units, network.parameters, work.layers, batch.rows
    last = units.size - 2
    capacity = layers.size // units[1:].sum()
    weight, bias, start, unit = 0, count_weights(units), 0, 0
    scale = bias + units[1:].sum()
    a = work.x[: rows * units[0]].reshape(rows, units[0]) if work.x.size > 0 else layers[:0].reshape(0, 0)
    for layer in range(last + 1):
        fan_in, fan_out = units[layer], units[layer + 1]
        stop = start + rows * fan_out
        z = layers[start:stop].reshape(rows, fan_out)
        w = parameters[weight : weight + fan_in * fan_out].reshape(fan_in, fan_out)
        if layer == 0 and batch.sparse.indptr.size > 0:
            multiply_sparse(batch, w, z)
        else:
            np.dot(a, w, z)
        b = parameters[bias : bias + fan_out]
        if layer < last:
            if network.normalization > 0:
                running = network.running[:, unit : unit + fan_out]
                normalize(network.normalization, z, work.spread[layer], running, mode.training)
                if work.normalized.size > 0:
                    copy(layers[start:stop], work.normalized[start:stop])
                multiply_columns(z, parameters[scale + unit : scale + unit + fan_out])
                unit += fan_out
            kept = work.inputs[start:stop].reshape(rows, fan_out) if work.inputs.size > 0 else z
            add_bias_and_activate(network.activations[layer], z, b, kept)
            if mode.dropout > 0:
                drop(z, mode.dropout, mode.key + layer)
        else:
            add_bias(z, b)
        weight, bias, start = weight + fan_in * fan_out, bias + fan_out, start + capacity * fan_out
        a = z
    return a


@inner
def backward(network, work, batch, mode):
    """Fill ``work.gradient`` from the layers, where the last block holds d loss / d z of the outputs."""
    units, parameters, layers, gradient = network.units, network.parameters, work.layers, work.gradient
    rows, last = batch.rows, units.size - 2
    capacity = layers.size // units[1:].sum()
    weight, start = count_weights(units), layers.size - capacity * units[-1]
    bias, scale = weight + units[1:].sum(), parameters.size
    delta = layers[start : start + rows * units[-1]].reshape(rows, units[-1])
    for layer in range(last, -1, -1):
        fan_in, fan_out = units[layer], units[layer + 1]
        weight, bias = weight - fan_in * fan_out, bias - fan_out
        sum_columns(delta, gradient[bias : bias + fan_out])
        if layer < last and network.normalization > 0:
            scale -= fan_out
            n = work.normalized[start : start + rows * fan_out].reshape(rows, fan_out)
            sum_product_columns(delta, n, gradient[scale : scale + fan_out])
            multiply_columns(delta, parameters[scale : scale + fan_out])
            normalize_backward(network.normalization, delta, n, work.spread[layer])
        push = gradient[weight : weight + fan_in * fan_out].reshape(fan_in, fan_out)
        if layer == 0:
            if batch.sparse.indptr.size > 0:
                multiply_sparse_transposed(batch, delta, push)
            else:
                np.dot(work.x[: rows * fan_in].reshape(rows, fan_in).T, delta, push)
        else:
            start -= capacity * fan_in
            stop = start + rows * fan_in
            a = layers[start:stop].reshape(rows, fan_in)
            np.dot(a.T, delta, push)
            below = work.deltas[layer % 2, : rows * fan_in].reshape(rows, fan_in)
            np.dot(delta, parameters[weight : weight + fan_in * fan_out].reshape(fan_in, fan_out).T, below)
            if mode.dropout > 0:
                undrop(below, a, mode.dropout, mode.key + layer - 1)
            kept = work.inputs[start:stop].reshape(rows, fan_in) if work.inputs.size > 0 else a
            multiply_by_slope(network.activations[layer - 1], below, a, kept)
            delta = below


# ------------------------------------------------------------------------------------------ what Python calls


@entry_point
def predict_into(network, work, X, sparse, out):
    """Write the predictions for X, of shape (n, units[0]), or for as many sparse rows, into out, of shape (n, units[-1]).

    Rows go through the network together as many as `work` has room for, the last ones with some that do not count.
    """
    n, features = out.shape[0], network.units[0]
    together = work.layers.size // network.units[1:].sum()
    mode = Mode(False, 0.0, 0)
    order = np.zeros(together, np.int64)
    for start in range(0, n, together):
        rows = min(together, n - start)
        if work.x.size > 0:
            block = work.x[: together * features].reshape(together, features)
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


@entry_point
def loss_and_gradient(network, work, X, sparse, y, w, mode):
    """Return the mean loss of a batch of ``len(y)`` rows, dense or sparse, and leave its gradient in ``work.gradient``."""
    rows, features = y.shape[0], network.units[0]
    if sparse.indptr.size == 0:
        block = work.x[: rows * features].reshape(rows, features)
        for i in range(rows):
            for j in range(features):
                block[i, j] = X[i, j]
    batch = Batch(rows, np.arange(rows), sparse)
    z = forward(network, work, batch, mode)
    total_weight = w.sum()
    scale = w.dtype.type(1 / total_weight)
    loss = evaluate_loss(network.loss, z, y, w, scale, network.loss_number) / total_weight
    backward(network, work, batch, mode)
    return loss


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
    """Return how many rows a network predicts together.

    It depends on the network alone, so that a row's prediction does not depend on its company: as many, up to
    `PREDICTION_ROWS`, as keep the largest product small, unless these would be too few.

    >>> rows_together([64, 100, 10]), rows_together([30, 256, 256, 1]), rows_together([30, 512, 512, 1])
    (32, 8, 32)
    """
    largest = max(a * b for a, b in pairwise(units))
    fitting = SMALL_PRODUCT // largest
    return min(PREDICTION_ROWS, 2 ** (fitting.bit_length() - 1)) if fitting >= 4 else PREDICTION_ROWS


def split_sparse(X: Any, dtype: np.dtype) -> tuple[NDArray, Sparse]:
    """Return X as dense rows and as sparse rows, one of which is empty; nothing is copied that has the right type already."""
    if not issparse(X):
        return read_only(X, dtype), _no_sparse_rows(dtype)
    X = X.tocsr()
    return read_only(np.zeros((0, X.shape[1])), dtype), _sparse(X.indptr, X.indices, X.data, dtype)


@cache
def _no_sparse_rows(dtype: Any) -> Sparse:
    return _sparse(np.zeros(0), np.zeros(0), np.zeros(0), dtype)


def _sparse(indptr: NDArray, indices: NDArray, values: NDArray, dtype: np.dtype) -> Sparse:
    kinds = np.dtype(np.int64), np.dtype(np.int32), dtype
    return Sparse(*(read_only(part, kind) for part, kind in zip((indptr, indices, values), kinds, strict=True)))


def read_only(values: ArrayLike, dtype: np.dtype) -> NDArray:
    """Return a C-contiguous array that may not be written to: the array itself if its type is right, as a view.

    To compiled code read-only arrays are a type of their own; there is one kernel for both if all are passed as such.
    """
    view = np.ascontiguousarray(values, dtype=dtype).view()
    view.flags.writeable = False
    return view
