"""The objective of full-batch solvers: a network's mean loss over all rows plus the penalty, and its derivatives.

    value = (sum_i w_i loss_i + alpha / 2 sum W^2) / n,    n = sum_i w_i

This equals the loss of a minibatch of all rows (`bpmodel.network.step`). Everything is in double precision. Rows go through the
network in blocks, so memory stays bounded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpmodel.compiler.kernels import entry_point, inner
from bpmodel.compiler.views import matrix
from bpmodel.full_batch.solver import Linear, Point
from bpmodel.functions.losses import LOSSES
from bpmodel.network.minibatch import Rows, gather
from bpmodel.network.parameters import Mode, Network, Workspace, n_weights
from bpmodel.network.propagation import backward, count_weights, evaluate_loss, forward, multiply_by_slope

JACOBIAN_NUMBERS = 2**20
"""Maximum number of elements of a block of the Jacobian: 8 MB."""


@entry_point
def add_up(network, work, rows, gradient):
    """Return the sum of the rows' losses, and add its gradient to `gradient` unless that array is empty."""
    total = 0.0
    mode = Mode(False, 0.0, 0, False)
    for start in range(0, rows.order.size, work.w.size):
        count = min(work.w.size, rows.order.size - start)
        batch, _ = gather(rows, start, count, work)
        z = forward(network, work, batch, mode)
        total += evaluate_loss(network.loss, z, work.y[:count], work.w[:count], 1.0, network.loss_number)
        if gradient.size > 0:
            backward(network, work, batch, mode)
            for i in range(gradient.size):
                gradient[i] += work.gradient[i]
    return total


@inner
def fill_jacobian(network, work, batch, root_weight, out):
    """Fill `out` with d z_k / d parameters times the square root of the row's weight; one row of `out` per row and output k.

    Runs the backward pass once per output, without the sum over the rows: ``d z_k / d W_l = a_l delta_{l+1}^T``.
    """
    units, parameters, layers = network.units, network.parameters, work.layers
    rows, outputs, last = batch.rows, units[-1], units.size - 2
    capacity = layers.size // units[1:].sum()
    for k in range(outputs):
        weight, start = count_weights(units), layers.size - capacity * outputs
        bias = weight + units[1:].sum()
        delta = matrix(layers, start, rows, outputs)
        for i in range(rows):
            for j in range(outputs):
                delta[i, j] = root_weight[i] if j == k else 0
        for layer in range(last, -1, -1):
            fan_in, fan_out = units[layer], units[layer + 1]
            weight, bias = weight - fan_in * fan_out, bias - fan_out
            start -= capacity * fan_in
            for i in range(rows):
                line = out[i * outputs + k]
                for j in range(fan_out):
                    line[bias + j] = delta[i, j]
            if layer == 0:
                fill_first_layer(work, batch, delta, k, outputs, out[:, : fan_in * fan_out])
                break
            a = matrix(layers, start, rows, fan_in)
            fill_outer(a, delta, k, outputs, out[:, weight : weight + fan_in * fan_out])
            below = matrix(work.deltas[layer % 2], 0, rows, fan_in)
            np.dot(delta, matrix(parameters, weight, fan_in, fan_out).T, below)
            kept = matrix(work.inputs, start, rows, fan_in) if work.inputs.size > 0 else a
            multiply_by_slope(network.activations[layer - 1], below, a, kept)
            delta = below


@inner
def fill_outer(a, delta, k, outputs, out):
    for i in range(a.shape[0]):
        line = out[i * outputs + k]
        for p in range(a.shape[1]):
            for j in range(delta.shape[1]):
                line[p * delta.shape[1] + j] = a[i, p] * delta[i, j]


@inner
def fill_first_layer(work, batch, delta, k, outputs, out):
    rows, width = delta.shape
    if batch.sparse.indptr.size == 0:
        features = out.shape[1] // width
        fill_outer(matrix(work.x, 0, rows, features), delta, k, outputs, out)
        return
    indptr, indices, values = batch.sparse.indptr, batch.sparse.indices, batch.sparse.values
    for i in range(rows):
        line = out[i * outputs + k]
        for j in range(line.size):
            line[j] = 0
        for v in range(indptr[batch.order[i]], indptr[batch.order[i] + 1]):
            for j in range(width):
                line[indices[v] * width + j] += values[v] * delta[i, j]


@entry_point
def linearize_rows(network, work, rows, start, count, errors, jacobian):
    """Write errors (rows * outputs,) and Jacobian of `count` rows from position `start`, times the root of each row's weight."""
    outputs = network.units[-1]
    batch, _ = gather(rows, start, count, work)
    z = forward(network, work, batch, Mode(False, 0.0, 0, False))
    for i in range(count):
        work.w[i] = np.sqrt(work.w[i])
        for j in range(outputs):
            errors[i * outputs + j] = work.w[i] * (z[i, j] - work.y[i, j])
    fill_jacobian(network, work, batch, work.w, jacobian)


class NetworkObjective:
    """A `solver.Objective` made of a network and rows, both in double precision.

    The network's own parameters and `work` are scratch space.
    """

    def __init__(self, network: Network, work: Workspace, rows: Rows, alpha: float) -> None:
        self._room = network, work, rows
        self._parameters = network.parameters
        outputs = int(network.units[-1])
        self.n_weights = n_weights(network.units.tolist())
        self.total_weight = float(rows.weights().sum())
        self.n_errors = self.total_weight * outputs
        self.alpha = alpha
        self._averaged = outputs if list(LOSSES.values())[network.loss].averages_outputs else 1
        self._block = max(1, min(len(work.w), JACOBIAN_NUMBERS // (self._parameters.size * outputs)))
        self._jacobian, self._product = np.empty((0, 0)), np.empty((0, 0))

    def evaluate(self, parameters: NDArray) -> Point:
        self._parameters[:] = parameters
        gradient = np.zeros_like(self._parameters)
        total = self._averaged * add_up(*self._room, gradient)
        return self.point(parameters, total, gradient, self.alpha)

    def value(self, parameters: NDArray, alpha: float) -> float:
        self._parameters[:] = parameters
        total = self._averaged * add_up(*self._room, np.zeros(0))
        return (total + self._penalty(parameters, alpha)) / self.total_weight

    def linearize(self, parameters: NDArray) -> Linear:
        self._parameters[:] = parameters
        n, outputs = len(self._room[-1].order), self._room[1].y.shape[1]
        if self._product.size == 0:  # allocated once: new memory would take as long as the product
            self._jacobian = np.empty((self._block * outputs, parameters.size))
            self._product = np.empty((parameters.size, parameters.size))
        errors = np.empty(self._block * outputs)
        squares, slope, normal = 0.0, np.zeros(parameters.size), np.zeros((parameters.size, parameters.size))
        for start in range(0, n, self._block):
            count = min(self._block, n - start)
            linearize_rows(*self._room, start, count, errors, self._jacobian)
            e, J = errors[: count * outputs], self._jacobian[: count * outputs]
            squares += float(e @ e)
            slope += e @ J
            normal += np.matmul(J.T, J, out=self._product)  # NumPy detects the transpose and computes only one half
        return Linear(squares / 2, slope, normal)

    def point(self, parameters: NDArray, total: float, slope: NDArray, alpha: float) -> Point:
        penalty = self._penalty(parameters, alpha) / self.total_weight
        gradient = slope / self.total_weight
        gradient[: self.n_weights] += alpha / self.total_weight * parameters[: self.n_weights]
        value = total / self.total_weight
        return Point(parameters, value / self._averaged, penalty, value + penalty, gradient)

    def _penalty(self, parameters: NDArray, alpha: float) -> float:
        weights = parameters[: self.n_weights]
        return alpha / 2 * float(weights @ weights)
