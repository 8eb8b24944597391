"""Classification losses: log loss and focal loss, for softmax outputs or logistic outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpmodel.compiler.arithmetic import HALF, ONE, ZERO, exp
from bpmodel.compiler.kernels import formula, kernel
from bpmodel.functions.activations import logistic, softplus
from bpmodel.functions.loss import Loss, elementwise, log_of_mean

# ------------------------------------------------------------------------------------------------- binary log loss


@kernel
def logistic_link(z):
    rows, outputs = z.shape
    for i in range(rows):
        for j in range(outputs):
            z[i, j] = logistic(z[i, j])


@formula
def binary_log_loss(z, y, number):
    """log(1 + exp(z)) - y z"""
    magnitude = -z if z < ZERO else z
    value = (z if z > ZERO else z * ZERO) - z * y + np.log1p(exp(-magnitude))
    return value, logistic(z) - y


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


def binary_log_loss_baseline(mean: NDArray, mean_square: NDArray, number: float) -> float:
    """Entropy of the label frequencies, in nats."""
    return float(_entropy(mean).sum() + _entropy(1 - mean).sum())


@formula
def binary_focal(z, y, number):
    """-y (1 - p)^number log(p) - (1 - y) p^number log(1 - p) (Lin et al., 2017)"""
    p, q = logistic(z), logistic(-z)
    log_p, log_q = -softplus(-z), -softplus(z)
    up, down = y * q**number, (ONE - y) * p**number
    return -(up * log_p + down * log_q), up * (number * p * log_p - q) - down * (number * q * log_q - p)


def binary_focal_baseline(mean: NDArray, mean_square: NDArray, number: float) -> float:
    """Focal loss of the label frequencies."""
    return float((_entropy(mean) * (1 - mean) ** number + _entropy(1 - mean) * mean**number).sum())


def log_odds(mean: NDArray) -> NDArray:
    p = np.clip(mean, 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


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
            z[i, j] = ONE if z[i, j] == peak else exp(z[i, j] - peak)  # the peak may be infinite
            total += z[i, j]
        for j in range(outputs):
            z[i, j] /= total


@kernel
def log_loss(z, y, w, scale, number):
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
def focal(z, y, w, scale, number):
    """-sum_j y_j (1 - p_j)^number log(p_j) with p = softmax(z) (Lin et al., 2017)"""
    rows, outputs = z.shape
    total = 0.0
    for i in range(rows):
        peak = z[i, 0]
        for j in range(1, outputs):
            peak = max(peak, z[i, j])
        sum_exp = ZERO
        for j in range(outputs):
            sum_exp += exp(z[i, j] - peak)
        log_sum, pull, row = np.log(sum_exp), ZERO, ZERO
        for j in range(outputs):
            if y[i, j] != ZERO:
                log_p = z[i, j] - peak - log_sum
                p = exp(log_p)
                q = max(ONE - p, np.float32(1e-7))
                row -= y[i, j] * q**number * log_p
                pull += y[i, j] * q**number * (number * p * log_p / q - ONE)
        for j in range(outputs):
            log_p = z[i, j] - peak - log_sum
            p = exp(log_p)
            own = ZERO
            if y[i, j] != ZERO:
                q = max(ONE - p, np.float32(1e-7))
                own = y[i, j] * q**number * (number * p * log_p / q - ONE)
            z[i, j] = scale * w[i] * (own - p * pull)
        total += w[i] * row
    return total


def focal_baseline(mean: NDArray, mean_square: NDArray, number: float) -> float:
    """Focal loss of the class frequencies."""
    return float((_entropy(mean) * (1 - mean) ** number).sum())


@kernel
def wrong_classes(z, y, w, tally):
    for i in range(z.shape[0]):
        predicted = 0
        for j in range(1, z.shape[1]):
            if z[i, j] > z[i, predicted]:
                predicted = j
        if y[i, predicted] <= HALF:
            tally[0] += w[i]


def log_loss_baseline(mean: NDArray, mean_square: NDArray, number: float) -> float:
    """Entropy of the class frequencies, in nats."""
    return float(_entropy(mean).sum())


def _entropy(p: NDArray) -> NDArray:
    return -np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0)


_OF_CLASSES: dict[str, Any] = {
    "kind": "classification",
    "output": "softmax",
    "link": softmax_link,
    "tally": wrong_classes,
    "reference": all_rows,
    "constant": log_of_mean,
}

_OF_LABELS: dict[str, Any] = {
    "kind": "binary",
    "output": "logistic",
    "link": logistic_link,
    "tally": wrong_signs,
    "reference": all_rows,
    "constant": log_odds,
}

CLASSIFICATION_ROWS = (
    Loss(
        name="log_loss",
        meaning="the log loss, with softmax outputs",
        evaluate=log_loss,
        baseline=log_loss_baseline,
        binary="binary_log_loss",
        **_OF_CLASSES,
    ),
    Loss(
        name="focal",
        meaning="the log loss times (1 - p)^focal_gamma, which down-weights easy rows",
        evaluate=focal,
        baseline=focal_baseline,
        option="focal_gamma",
        binary="binary_focal",
        **_OF_CLASSES,
    ),
    Loss(
        name="binary_log_loss",
        meaning="the log loss of each output",
        evaluate=elementwise(binary_log_loss),
        baseline=binary_log_loss_baseline,
        **_OF_LABELS,
    ),
    Loss(
        name="binary_focal",
        meaning="the focal loss of each output",
        evaluate=elementwise(binary_focal),
        baseline=binary_focal_baseline,
        option="focal_gamma",
        **_OF_LABELS,
    ),
)
