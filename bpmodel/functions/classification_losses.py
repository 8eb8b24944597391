"""Losses of classifications: log losses and focal losses, of a softmax or of logistic outputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpmodel.compiler.arithmetic import exp
from bpmodel.compiler.kernels import kernel
from bpmodel.functions.activations import logistic, softplus
from bpmodel.functions.loss import Loss

ZERO, HALF, ONE = np.float32(0), np.float32(0.5), np.float32(1)


# ------------------------------------------------------------------------------------------------- binary log loss


@kernel
def logistic_link(z):
    rows, outputs = z.shape
    for i in range(rows):
        for j in range(outputs):
            z[i, j] = logistic(z[i, j])


@kernel
def binary_log_loss(z, y, w, scale, number):
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


def binary_log_loss_baseline(mean: NDArray, mean_square: NDArray, number: float) -> float:
    """Entropy of the label frequencies, in nats."""
    return float(_entropy(mean).sum() + _entropy(1 - mean).sum())


@kernel
def binary_focal(z, y, w, scale, number):
    """-y (1 - p)^number log(p) - (1 - y) p^number log(1 - p), summed over the outputs (Lin et al., 2017)"""
    rows, outputs = z.shape
    total = 0.0
    for i in range(rows):
        row = ZERO
        for j in range(outputs):
            value, target = z[i, j], y[i, j]
            p, q = logistic(value), logistic(-value)
            log_p, log_q = -softplus(-value), -softplus(value)
            up, down = target * q**number, (ONE - target) * p**number
            row -= up * log_p + down * log_q
            z[i, j] = scale * w[i] * (up * (number * p * log_p - q) - down * (number * q * log_q - p))
        total += w[i] * row
    return total


def binary_focal_baseline(mean: NDArray, mean_square: NDArray, number: float) -> float:
    """Focal loss of the label frequencies."""
    return float((_entropy(mean) * (1 - mean) ** number + _entropy(1 - mean) * mean**number).sum())


def log_frequencies(mean: NDArray) -> NDArray:
    return np.log(np.maximum(mean, 1e-12))


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
            z[i, j] = exp(z[i, j] - peak)
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


CLASSIFICATION: dict[str, Loss] = {
    row.name: row
    for row in (
        Loss(
            "log_loss",
            "the log loss, with a softmax",
            "softmax",
            softmax_link,
            log_loss,
            wrong_classes,
            all_rows,
            log_loss_baseline,
            log_frequencies,
        ),
        Loss(
            "focal",
            "the log loss times (1 - p)^focal_gamma: less for rows that are easy",
            "softmax",
            softmax_link,
            focal,
            wrong_classes,
            all_rows,
            focal_baseline,
            log_frequencies,
            option="focal_gamma",
        ),
    )
}

BINARY: dict[str, Loss] = {
    row.name: row
    for row in (
        Loss(
            "binary_log_loss",
            "the log loss of each output",
            "logistic",
            logistic_link,
            binary_log_loss,
            wrong_signs,
            all_rows,
            binary_log_loss_baseline,
            log_odds,
        ),
        Loss(
            "binary_focal",
            "the focal loss of each output",
            "logistic",
            logistic_link,
            binary_focal,
            wrong_signs,
            all_rows,
            binary_focal_baseline,
            log_odds,
            option="focal_gamma",
        ),
    )
}
"""Row for row what `CLASSIFICATION` has for several classes, for two classes and for several labels."""
