"""Losses: one row each, with the output function that belongs to it.

Every loss here is paired with its canonical output function (identity for squared error, logistic for the binary log
loss, softmax for the log loss), so the derivative with respect to the last pre-activation z is ``prediction - target``.

`link` turns z of shape (rows, outputs) into predictions, in place. `evaluate` takes z, the targets y and the row weights
w, overwrites z with the derivative ``scale * w * dloss/dz`` and returns the weighted sum of the rows' losses. The log
losses are computed from z, not from clipped probabilities: a diverging network then shows a loss that keeps growing.

`tally` adds to per-output sums the errors that make up a validation score, ``1 - mean(tally / reference)``: squared errors
over the target's squared deviations give R^2, wrong rows over all rows give the accuracy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpmodel.activations import logistic
from bpmodel.compiled import exp, kernel

ZERO, HALF, ONE = np.float32(0), np.float32(0.5), np.float32(1)


class Loss(NamedTuple):
    """One loss; `baseline` gives the dummy predictor's (mean target, or class frequencies) from the target's moments.

    The moments are the means of y and of y^2, each of shape (outputs,).
    """

    name: str
    output: str
    link: Callable
    evaluate: Callable
    tally: Callable
    reference: Callable[[NDArray, NDArray], NDArray[np.float64]]
    baseline: Callable[[NDArray, NDArray], float]


# ------------------------------------------------------------------------------------------------- squared error


@kernel
def identity_link(z):
    pass


@kernel
def squared_error(z, y, w, scale):
    """(z - y)^2 / 2, averaged over the outputs; the derivative is that of the sum, as in scikit-learn's MLP"""
    rows, outputs = z.shape
    total = 0.0
    for i in range(rows):
        row = ZERO
        for j in range(outputs):
            error = z[i, j] - y[i, j]
            row += error * error
            z[i, j] = scale * w[i] * error
        total += w[i] * row
    return total * 0.5 / outputs


@kernel
def squared_deviations(z, y, w, tally):
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            tally[j] += w[i] * (z[i, j] - y[i, j]) ** 2


def target_deviations(y: NDArray, w: NDArray) -> NDArray[np.float64]:
    """Squared deviations of each output from its mean, shape (outputs,)."""
    y = np.asarray(y, dtype=np.float64)
    return w @ (y - np.average(y, axis=0, weights=w)) ** 2


def squared_error_baseline(mean: NDArray, mean_square: NDArray) -> float:
    """Half the variance of the target."""
    return float(0.5 * np.maximum(mean_square - mean**2, 0).mean())


# ------------------------------------------------------------------------------------------------- binary log loss


@kernel
def logistic_link(z):
    rows, outputs = z.shape
    for i in range(rows):
        for j in range(outputs):
            z[i, j] = logistic(z[i, j])


@kernel
def binary_log_loss(z, y, w, scale):
    """log(1 + exp(z)) - y z, summed over the outputs"""
    rows, outputs = z.shape
    total = 0.0
    for i in range(rows):
        row = ZERO
        for j in range(outputs):
            value, target = z[i, j], y[i, j]
            magnitude = -value if value < ZERO else value
            row += (value if value > ZERO else value * ZERO) - value * target + np.log1p(exp(-magnitude))
            z[i, j] = scale * w[i] * (logistic(value) - target)
        total += w[i] * row
    return total


@kernel
def wrong_signs(z, y, w, tally):
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            if (z[i, j] > ZERO) != (y[i, j] > HALF):
                tally[0] += w[i]
                break


def all_rows(y: NDArray, w: NDArray) -> NDArray[np.float64]:
    """Total weight of the rows, shape (1,)."""
    return np.array([w.sum()], dtype=np.float64)


def binary_log_loss_baseline(mean: NDArray, mean_square: NDArray) -> float:
    """Entropy of the label frequencies, in nats."""
    return float(_entropy(mean).sum() + _entropy(1 - mean).sum())


# ------------------------------------------------------------------------------------------------- log loss


@kernel
def softmax_link(z):
    rows, outputs = z.shape
    for i in range(rows):
        peak = z[i, 0]
        for j in range(1, outputs):
            peak = max(peak, z[i, j])
        total = ZERO
        for j in range(outputs):
            z[i, j] = exp(z[i, j] - peak)
            total += z[i, j]
        for j in range(outputs):
            z[i, j] /= total


@kernel
def log_loss(z, y, w, scale):
    """-sum_j y_j log softmax(z)_j, by the log-sum-exp trick"""
    rows, outputs = z.shape
    total = 0.0
    for i in range(rows):
        peak = z[i, 0]
        for j in range(1, outputs):
            peak = max(peak, z[i, j])
        sum_exp, linear, mass = ZERO, ZERO, ZERO
        for j in range(outputs):
            linear += y[i, j] * (z[i, j] - peak)
            mass += y[i, j]
            z[i, j] = exp(z[i, j] - peak)
            sum_exp += z[i, j]
        total += w[i] * (mass * np.log(sum_exp) - linear)
        inverse = ONE / sum_exp
        for j in range(outputs):
            z[i, j] = scale * w[i] * (z[i, j] * inverse - y[i, j])
    return total


@kernel
def wrong_classes(z, y, w, tally):
    for i in range(z.shape[0]):
        predicted = 0
        for j in range(1, z.shape[1]):
            if z[i, j] > z[i, predicted]:
                predicted = j
        if y[i, predicted] <= HALF:
            tally[0] += w[i]


def log_loss_baseline(mean: NDArray, mean_square: NDArray) -> float:
    """Entropy of the class frequencies, in nats."""
    return float(_entropy(mean).sum())


def _entropy(p: NDArray) -> NDArray:
    return -np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0)


LOSSES: dict[str, Loss] = {
    row.name: row
    for row in (
        Loss(
            "squared_error",
            "identity",
            identity_link,
            squared_error,
            squared_deviations,
            target_deviations,
            squared_error_baseline,
        ),
        Loss(
            "binary_log_loss",
            "logistic",
            logistic_link,
            binary_log_loss,
            wrong_signs,
            all_rows,
            binary_log_loss_baseline,
        ),
        Loss("log_loss", "softmax", softmax_link, log_loss, wrong_classes, all_rows, log_loss_baseline),
    )
}
