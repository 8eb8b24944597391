"""Losses: one row each, with the output function that belongs to it.

`link` turns the last pre-activation z, of shape (rows, outputs), into predictions, in place. `evaluate` takes z, the targets y,
the row weights w and the loss's own number, overwrites z with the derivative ``scale * w * dloss/dz`` and returns the
weighted sum of the rows' losses. With its canonical output function (identity for squared error, logistic for the binary log
loss, softmax for the log loss, exp for the Poisson deviance) a loss has the derivative ``prediction - target``. Log losses are
computed from z, not from clipped probabilities: a diverging network then shows a loss that keeps growing.

`tally` adds to per-output sums the errors that make up a validation score, ``1 - mean(tally / reference)``: squared errors
over the target's squared deviations give R^2, wrong rows over all rows give the accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpmodel.activations import logistic, softplus, tanh
from bpmodel.compiled import exp, kernel, like, log1p_unit

ZERO, HALF, ONE, TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)


class Loss(NamedTuple):
    """One loss.

    `baseline` is the loss of the best constant prediction, `constant` that prediction's z, both from the means of the targets
    and of their squares, each of shape (outputs,); the baseline takes the loss's number, too. `option` is the hyperparameter
    that sets the number; `least` the least target the loss is defined for, and whether that one is allowed. A loss that
    `averages_outputs` is reported as a mean over the outputs, while its derivative is that of the sum.
    """

    name: str
    meaning: str
    output: str
    link: Callable
    evaluate: Callable
    tally: Callable
    reference: Callable[[NDArray, NDArray], NDArray[np.float64]]
    baseline: Callable[[NDArray, NDArray, float], float]
    constant: Callable[[NDArray], NDArray]
    option: str | None = None
    least: tuple[float, bool] | None = None
    averages_outputs: bool = False


# ------------------------------------------------------------------------------------------------- squared error


@kernel
def identity_link(z):
    pass


@kernel
def squared_error(z, y, w, scale, number):
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


def squared_error_baseline(mean: NDArray, mean_square: NDArray, number: float) -> float:
    """Half the variance of the target."""
    return float(0.5 * _variance(mean, mean_square).mean())


def _variance(mean: NDArray, mean_square: NDArray) -> NDArray:
    return np.maximum(mean_square - mean**2, 0)


def mean_itself(mean: NDArray) -> NDArray:
    return mean


# ------------------------------------------------------------------------------------------------- robust regression


def _error_loss(value: Callable, slope: Callable) -> Callable:
    """Return the kernel of a loss of the error z - y, summed over the outputs."""

    @kernel
    def evaluate(z, y, w, scale, number):
        rows, outputs = z.shape
        total = 0.0
        for i in range(rows):
            row = ZERO
            for j in range(outputs):
                error = z[i, j] - y[i, j]
                row += value(error, number)
                z[i, j] = scale * w[i] * slope(error, number)
            total += w[i] * row
        return total

    return evaluate


@kernel
def absolute(e, number):
    return -e if e < ZERO else e


@kernel
def absolute_slope(e, number):
    # not a comparison alone: NaN must stay NaN
    return e / absolute(e, number) if e != ZERO else e


@kernel
def huber(e, number):
    """e^2 / 2 up to |e| = number, number (|e| - number / 2) beyond (Huber, 1964)"""
    size = absolute(e, number)
    return HALF * e * e if size <= number else number * (size - HALF * number)


@kernel
def huber_slope(e, number):
    clipped = number if e > number else e
    return -number if clipped < -number else clipped


@kernel
def log_cosh(e, number):
    """log(cosh(e)), as |e| + log(1 + exp(-2 |e|)) - log(2)"""
    size = absolute(e, number)
    return size + log1p_unit(exp(-TWO * size)) - like(e, 0.6931471805599453)


@kernel
def log_cosh_slope(e, number):
    return tanh(e)


@kernel
def quantile(e, number):
    """number (y - z) where the prediction is too low, (1 - number) (z - y) where it is too high (Koenker & Bassett, 1978)"""
    return (ONE - number) * e if e > ZERO else -number * e


@kernel
def quantile_slope(e, number):
    if e > ZERO:
        return ONE - number
    return -number if e < ZERO else e


def _in_normal_target(loss: Callable[[float, float], float]) -> Callable[[NDArray, NDArray, float], float]:
    """Return a baseline: the loss of the best constant prediction of a normal target with the given standard deviation.

    It is a yardstick for divergence, a factor of ten away: for this the two moments say enough of the target.
    """

    def baseline(mean: NDArray, mean_square: NDArray, number: float) -> float:
        return float(sum(loss(float(std), number) for std in np.sqrt(_variance(mean, mean_square))))

    return baseline


def _normal_absolute(std: float, number: float) -> float:
    return std * math.sqrt(2 / math.pi)


def _normal_huber(std: float, number: float) -> float:
    return min(std**2 / 2, number * _normal_absolute(std, number))


def _normal_log_cosh(std: float, number: float) -> float:
    return min(std**2 / 2, _normal_absolute(std, number))


def _normal_quantile(std: float, number: float) -> float:
    return std * NormalDist().pdf(NormalDist().inv_cdf(number))


# ------------------------------------------------------------------------------------------------- deviances


@kernel
def exponential_link(z):
    rows, outputs = z.shape
    for i in range(rows):
        for j in range(outputs):
            z[i, j] = exp(z[i, j])


@kernel
def poisson(z, y, w, scale, number):
    """Half the Poisson deviance, exp(z) - y z + y log(y) - y, summed over the outputs"""
    rows, outputs = z.shape
    total = 0.0
    for i in range(rows):
        row = 0.0
        for j in range(outputs):
            target, prediction = y[i, j], exp(z[i, j])
            row += prediction - target * z[i, j] - target
            if target > ZERO:
                row += target * np.log(target)
            z[i, j] = scale * w[i] * (prediction - target)
        total += w[i] * row
    return total


@kernel
def gamma(z, y, w, scale, number):
    """Half the gamma deviance, y exp(-z) - 1 + z - log(y), summed over the outputs"""
    rows, outputs = z.shape
    total = 0.0
    for i in range(rows):
        row = 0.0
        for j in range(outputs):
            ratio = y[i, j] * exp(-z[i, j])
            row += ratio - ONE + z[i, j] - np.log(y[i, j])
            z[i, j] = scale * w[i] * (ONE - ratio)
        total += w[i] * row
    return total


@kernel
def squared_deviations_of_exp(z, y, w, tally):
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            tally[j] += w[i] * (exp(z[i, j]) - y[i, j]) ** 2


def poisson_baseline(mean: NDArray, mean_square: NDArray, number: float) -> float:
    """Half the deviance of the mean target, to second order in its spread."""
    return float((0.5 * _variance(mean, mean_square) / np.maximum(mean, 1e-12)).sum())


def gamma_baseline(mean: NDArray, mean_square: NDArray, number: float) -> float:
    """Half the deviance of the mean target, to second order in its spread."""
    return float((0.5 * _variance(mean, mean_square) / np.maximum(mean, 1e-12) ** 2).sum())


def log_of_mean(mean: NDArray) -> NDArray:
    return np.log(np.maximum(mean, 1e-12))


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


REGRESSION: dict[str, Loss] = {
    row.name: row
    for row in (
        Loss(
            "squared_error",
            "half the squared error",
            "identity",
            identity_link,
            squared_error,
            squared_deviations,
            target_deviations,
            squared_error_baseline,
            mean_itself,
            averages_outputs=True,
        ),
        Loss(
            "absolute_error",
            "the absolute error",
            "identity",
            identity_link,
            _error_loss(absolute, absolute_slope),
            squared_deviations,
            target_deviations,
            _in_normal_target(_normal_absolute),
            mean_itself,
        ),
        Loss(
            "huber",
            "quadratic up to huber_delta, linear beyond",
            "identity",
            identity_link,
            _error_loss(huber, huber_slope),
            squared_deviations,
            target_deviations,
            _in_normal_target(_normal_huber),
            mean_itself,
            option="huber_delta",
        ),
        Loss(
            "log_cosh",
            "the logarithm of the error's cosh",
            "identity",
            identity_link,
            _error_loss(log_cosh, log_cosh_slope),
            squared_deviations,
            target_deviations,
            _in_normal_target(_normal_log_cosh),
            mean_itself,
        ),
        Loss(
            "quantile",
            "whose best prediction is the quantile",
            "identity",
            identity_link,
            _error_loss(quantile, quantile_slope),
            squared_deviations,
            target_deviations,
            _in_normal_target(_normal_quantile),
            mean_itself,
            option="quantile",
        ),
        Loss(
            "poisson",
            "half the Poisson deviance, for targets >= 0; predicts exp(z)",
            "exp",
            exponential_link,
            poisson,
            squared_deviations_of_exp,
            target_deviations,
            poisson_baseline,
            log_of_mean,
            least=(0.0, True),
        ),
        Loss(
            "gamma",
            "half the gamma deviance, for targets > 0; predicts exp(z)",
            "exp",
            exponential_link,
            gamma,
            squared_deviations_of_exp,
            target_deviations,
            gamma_baseline,
            log_of_mean,
            least=(0.0, False),
        ),
    )
}

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
            log_of_mean,
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
            log_of_mean,
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

LOSSES: dict[str, Loss] = REGRESSION | CLASSIFICATION | BINARY
