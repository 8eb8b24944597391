"""Losses of regressions: squared error, robust errors, deviances."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from bpmodel.compiler.arithmetic import exp, like, log1p_unit
from bpmodel.compiler.kernels import kernel
from bpmodel.functions.activations import tanh
from bpmodel.functions.loss import Loss

ZERO, HALF, ONE, TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)


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
