"""The network: packed parameters, forward pass, backward pass.

All parameters lie in one vector, first the weights of every layer and then the biases of every layer, so an update rule is
one loop and L2 regularisation is a prefix of it. Layer l maps ``units[l]`` inputs to ``units[l + 1]`` outputs:

    z_l = a_l W_l + b_l,    a_{l+1} = activation(z_l),    a_0 = the rows of a minibatch

Shapes: W_l is (units[l], units[l + 1]), b_l is (units[l + 1],), a_l is (rows, units[l]).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bpmodel.activations import ACTIVATIONS, Activation
from bpmodel.blas import single_thread
from bpmodel.compiled import choose, entry_point, kernel
from bpmodel.losses import LOSSES

PREDICTION_ROWS = 32
"""Rows predicted together. Always the same number, padded, so that a row's prediction does not depend on its company."""


class Network(NamedTuple):
    """A network as compiled code sees it."""

    parameters: NDArray
    """(n_weights + n_biases,)"""
    units: NDArray[np.int64]
    """(n_layers + 1,), from the inputs to the outputs"""
    activation: int
    """row of ACTIVATIONS"""
    loss: int
    """row of LOSSES"""


class Workspace(NamedTuple):
    """Room for one minibatch, allocated once per fit."""

    layers: NDArray
    """(rows * sum(units),): a_0, a_1, … one after the other"""
    deltas: NDArray
    """(2, rows * max(units)): derivatives with respect to z of two neighbouring layers"""
    gradient: NDArray
    """like Network.parameters"""


def build(units: Sequence[int], activation: str, loss: str, dtype: np.dtype) -> Network:
    """Return a network with all parameters zero."""
    return Network(
        np.zeros(n_weights(units) + sum(units[1:]), dtype=dtype),
        np.asarray(units, dtype=np.int64),
        list(ACTIVATIONS).index(activation),
        list(LOSSES).index(loss),
    )


def workspace(network: Network, rows: int, *, gradient: bool = True) -> Workspace:
    """Return room for `rows` rows; without `gradient`, for the forward pass only."""
    dtype, units = network.parameters.dtype, network.units
    return Workspace(
        np.zeros(rows * int(units.sum()), dtype=dtype),
        np.zeros((2, rows * int(units.max()) if gradient else 0), dtype=dtype),
        np.zeros(network.parameters.size if gradient else 0, dtype=dtype),
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

    @kernel
    def apply(z, bias):
        for i in range(z.shape[0]):
            for j in range(z.shape[1]):
                z[i, j] = value(z[i, j] + bias[j])

    return apply


def _multiply_by_slope(activation: Activation):
    slope = activation.slope

    @kernel
    def apply(delta, a):
        for i in range(delta.shape[0]):
            for j in range(delta.shape[1]):
                delta[i, j] *= slope(a[i, j])

    return apply


add_bias_and_activate = choose([_add_bias_and_activate(row) for row in ACTIVATIONS.values()])
multiply_by_slope = choose([_multiply_by_slope(row) for row in ACTIVATIONS.values()])
evaluate_loss = choose([row.evaluate for row in LOSSES.values()])
apply_link = choose([row.link for row in LOSSES.values()])


@kernel
def add_bias(z, bias):
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[i, j] += bias[j]


@kernel
def sum_columns(delta, out):
    for j in range(out.size):
        out[j] = 0
    for i in range(delta.shape[0]):
        for j in range(delta.shape[1]):
            out[j] += delta[i, j]


# ----------------------------------------------------------------------------------------------------------- passes


@kernel
def count_weights(units):
    total = 0
    for layer in range(units.size - 1):
        total += units[layer] * units[layer + 1]
    return total


@kernel
def forward(network, layers, rows):
    """Fill `layers` from its first block, the `rows` input rows; return the last z, of shape (rows, outputs)."""
    units, parameters = network.units, network.parameters
    last = units.size - 2
    capacity = layers.size // units.sum()
    weight, bias, start = 0, count_weights(units), 0
    a = layers[: rows * units[0]].reshape(rows, units[0])
    for layer in range(last + 1):
        fan_in, fan_out = units[layer], units[layer + 1]
        start += capacity * fan_in
        z = layers[start : start + rows * fan_out].reshape(rows, fan_out)
        np.dot(a, parameters[weight : weight + fan_in * fan_out].reshape(fan_in, fan_out), z)
        b = parameters[bias : bias + fan_out]
        if layer < last:
            add_bias_and_activate(network.activation, z, b)
        else:
            add_bias(z, b)
        weight, bias = weight + fan_in * fan_out, bias + fan_out
        a = z
    return a


@kernel
def backward(network, work, rows):
    """Fill ``work.gradient`` from the layers, where the last block holds d loss / d z of the outputs."""
    units, parameters, layers, gradient = network.units, network.parameters, work.layers, work.gradient
    capacity = layers.size // units.sum()
    weight, bias, start = count_weights(units), parameters.size, layers.size - capacity * units[-1]
    delta = layers[start : start + rows * units[-1]].reshape(rows, units[-1])
    for layer in range(units.size - 2, -1, -1):
        fan_in, fan_out = units[layer], units[layer + 1]
        weight, bias, start = weight - fan_in * fan_out, bias - fan_out, start - capacity * fan_in
        a = layers[start : start + rows * fan_in].reshape(rows, fan_in)
        np.dot(a.T, delta, gradient[weight : weight + fan_in * fan_out].reshape(fan_in, fan_out))
        sum_columns(delta, gradient[bias : bias + fan_out])
        if layer > 0:
            below = work.deltas[layer % 2, : rows * fan_in].reshape(rows, fan_in)
            np.dot(delta, parameters[weight : weight + fan_in * fan_out].reshape(fan_in, fan_out).T, below)
            multiply_by_slope(network.activation, below, a)
            delta = below


# ------------------------------------------------------------------------------------------ what Python calls


@entry_point
def predict_into(network, layers, X, out):
    """Write the predictions for X, of shape (n, units[0]), into out, of shape (n, units[-1])."""
    n, features = X.shape
    block = layers[: PREDICTION_ROWS * features].reshape(PREDICTION_ROWS, features)
    for start in range(0, n, PREDICTION_ROWS):
        rows = min(PREDICTION_ROWS, n - start)
        for i in range(PREDICTION_ROWS):
            for j in range(features):
                block[i, j] = X[start + i, j] if i < rows else 0
        z = forward(network, layers, PREDICTION_ROWS)
        apply_link(network.loss, z)
        for i in range(rows):
            for j in range(z.shape[1]):
                out[start + i, j] = z[i, j]


@entry_point
def loss_and_gradient(network, work, X, y, w):
    """Return the mean loss of a batch of ``len(X)`` rows and leave its gradient in ``work.gradient``."""
    rows, features = X.shape
    block = work.layers[: rows * features].reshape(rows, features)
    for i in range(rows):
        for j in range(features):
            block[i, j] = X[i, j]
    z = forward(network, work.layers, rows)
    total_weight = w.sum()
    loss = evaluate_loss(network.loss, z, y, w, w.dtype.type(1 / total_weight)) / total_weight
    backward(network, work, rows)
    return loss


def predict(network: Network, X: NDArray) -> NDArray:
    """Return predictions of shape (n, outputs) for X of shape (n, inputs), in the network's precision."""
    dtype = network.parameters.dtype
    out = np.empty((len(X), int(network.units[-1])), dtype=dtype)
    room = workspace(network, PREDICTION_ROWS, gradient=False)
    with single_thread():
        predict_into(network, room.layers, read_only(X, dtype), out)
    return out


def read_only(values: ArrayLike, dtype: np.dtype) -> NDArray:
    """Return a C-contiguous array that may not be written to: the array itself if its type is right, as a view.

    To compiled code read-only arrays are a type of their own; there is one kernel for both if all are passed as such.
    """
    view = np.ascontiguousarray(values, dtype=dtype).view()
    view.flags.writeable = False
    return view
