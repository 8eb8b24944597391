"""Forward and backward pass: the arithmetic of the network.

    z_l = a_l W_l + b_l,    a_{l+1} = activation_l(z_l),    a_0 = the rows of a minibatch

With normalization a hidden layer computes ``z_l = scale_l * normalized(a_l W_l) + b_l`` instead. `parameters` has the shapes.
"""

from __future__ import annotations

import math
from operator import attrgetter

import numpy as np

from bpmodel.compiler.kernels import choose, entry_point, inner
from bpmodel.compiler.views import flat, matrix
from bpmodel.functions.activations import ACTIVATIONS, Activation
from bpmodel.functions.columns import multiply_columns
from bpmodel.functions.losses import LOSSES
from bpmodel.functions.normalization import NORMALIZATIONS
from bpmodel.functions.random import drop, undrop
from bpmodel.network.parameters import Batch, Network

SAFE_LEAST, SAFE_MOST = 1e-30, 1e30
"""A sum of squares within these bounds is exact enough in single precision: no underflow, no overflow."""

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


add_bias_and_activate = choose(ACTIVATIONS, _add_bias_and_activate)
multiply_by_slope = choose(ACTIVATIONS, _multiply_by_slope)
normalize = choose(NORMALIZATIONS, attrgetter("forward"))
normalize_backward = choose(NORMALIZATIONS, attrgetter("backward"))
evaluate_loss = choose(LOSSES, attrgetter("evaluate"))
apply_link = choose(LOSSES, attrgetter("link"))


@inner
def add_bias(z, bias):
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[i, j] += bias[j]


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
def norm(values):
    """Return the Euclidean norm"""
    total = values.dtype.type(0)
    for i in range(values.size):
        total += values[i] * values[i]
    if SAFE_LEAST < total < SAFE_MOST:
        return math.sqrt(total)
    exact = 0.0
    for i in range(values.size):
        value = np.float64(values[i])
        exact += value * value
    return math.sqrt(exact)


@inner
def distance(values, others):
    """Return the Euclidean distance"""
    total = values.dtype.type(0)
    for i in range(values.size):
        difference = values[i] - others[i]
        total += difference * difference
    if SAFE_LEAST < total < SAFE_MOST:
        return math.sqrt(total)
    exact = 0.0
    for i in range(values.size):
        difference = np.float64(values[i]) - np.float64(others[i])
        exact += difference * difference
    return math.sqrt(exact)


@inner
def count_weights(units):
    total = 0
    for layer in range(units.size - 1):
        total += units[layer] * units[layer + 1]
    return total


@inner
def with_parameters(network, parameters, running):
    """Return the same network around other parameters and running moments."""
    return Network(
        parameters,
        running,
        network.units,
        network.activations,
        network.normalization,
        network.loss,
        network.loss_number,
    )


@inner
def multiply_sparse(batch, weights, z):
    """z = X W; reads one row of W for each stored value of X"""
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
    """Forward pass: fill ``work.layers``; return the pre-activations z of the output layer, of shape (rows, outputs).

    Dense rows of the batch are read from ``work.x``.
    """
    units, parameters, layers, rows = network.units, network.parameters, work.layers, batch.rows
    last = units.size - 2
    capacity = layers.size // units[1:].sum()
    weight, bias, start, unit = 0, count_weights(units), 0, 0
    scale = bias + units[1:].sum()
    a = matrix(work.x, 0, rows, units[0]) if work.x.size > 0 else matrix(layers, 0, 0, 0)
    for layer in range(last + 1):
        fan_in, fan_out = units[layer], units[layer + 1]
        z = matrix(layers, start, rows, fan_out)
        w = matrix(parameters, weight, fan_in, fan_out)
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
                    stop = start + rows * fan_out
                    copy(layers[start:stop], work.normalized[start:stop])
                multiply_columns(z, parameters[scale + unit : scale + unit + fan_out])
                unit += fan_out
            kept = matrix(work.inputs, start, rows, fan_out) if work.inputs.size > 0 else z
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
    """Backward pass: fill ``work.gradient``; on entry the last block of ``work.layers`` holds d loss / d z of the outputs."""
    units, parameters, layers, gradient = network.units, network.parameters, work.layers, work.gradient
    rows, last = batch.rows, units.size - 2
    capacity = layers.size // units[1:].sum()
    weight, start = count_weights(units), layers.size - capacity * units[-1]
    bias, scale = weight + units[1:].sum(), parameters.size
    delta = matrix(layers, start, rows, units[-1])
    for layer in range(last, -1, -1):
        fan_in, fan_out = units[layer], units[layer + 1]
        weight, bias = weight - fan_in * fan_out, bias - fan_out
        if mode.measured:
            work.delta_norm[layer] = norm(flat(delta))
        sum_columns(delta, gradient[bias : bias + fan_out])
        if layer < last and network.normalization > 0:
            scale -= fan_out
            n = matrix(work.normalized, start, rows, fan_out)
            sum_product_columns(delta, n, gradient[scale : scale + fan_out])
            multiply_columns(delta, parameters[scale : scale + fan_out])
            normalize_backward(network.normalization, delta, n, work.spread[layer])
        push = matrix(gradient, weight, fan_in, fan_out)
        if layer == 0:
            if batch.sparse.indptr.size > 0:
                multiply_sparse_transposed(batch, delta, push)
            else:
                np.dot(matrix(work.x, 0, rows, fan_in).T, delta, push)
        else:
            start -= capacity * fan_in
            a = matrix(layers, start, rows, fan_in)
            np.dot(a.T, delta, push)
            below = matrix(work.deltas[layer % 2], 0, rows, fan_in)
            np.dot(delta, matrix(parameters, weight, fan_in, fan_out).T, below)
            if mode.dropout > 0:
                undrop(below, a, mode.dropout, mode.key + layer - 1)
            kept = matrix(work.inputs, start, rows, fan_in) if work.inputs.size > 0 else a
            multiply_by_slope(network.activations[layer - 1], below, a, kept)
            delta = below


@entry_point
def loss_and_gradient(network, work, X, sparse, y, w, mode):
    """Return the mean loss of a batch of ``len(y)`` rows, dense or sparse, and leave its gradient in ``work.gradient``."""
    rows, features = y.shape[0], network.units[0]
    if sparse.indptr.size == 0:
        block = matrix(work.x, 0, rows, features)
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
