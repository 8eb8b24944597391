"""Regression losses: squared error, robust losses, deviances."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpmodel.compiler.arithmetic import HALF, ONE, TWO, ZERO, exp, like, log1p_unit
from bpmodel.compiler.kernels import formula, kernel
from bpmodel.functions.activations import tanh
from bpmodel.functions.loss import Loss, elementwise, log_of_mean

# ------------------------------------------------------------------------------------------------- squared error


@kernel
def identity_link(z):
    pass


@formula
def squared_error(z, y, number):
    """(z - y)^2; the loss is half its mean, the derivative is that of half its sum, as in scikit-learn's MLP"""
    e = z - y
    return e * e, e


@kernel
def squared_deviations(z, y, w, tally):
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            tally[j] += w[i] * (z[i, j] - y[i, j]) ** 2


def target_deviations(y: NDArray, w: NDArray) -> NDArray[np.float64]:
    """Squared deviations of each output from its mean, shape (outputs,); exactly 0 if all targets are the same.

    The mean of equal numbers differs from them by rounding, which depends on the machine.
    """
    y = np.asarray(y, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        deviations = w @ (y - (w / w.sum()) @ y) ** 2
    return np.where((y == y[:1]).all(axis=0), 0.0, deviations)


def squared_error_baseline(mean: NDArray, mean_square: NDArray, number: float) -> float:
    """Half the variance of the target."""
    return float(0.5 * _variance(mean, mean_square).mean())


def _variance(mean: NDArray, mean_square: NDArray) -> NDArray:
    with np.errstate(over="ignore", invalid="ignore"):
        variance = np.maximum(mean_square - mean**2, 0)
    return np.where(np.isinf(mean_square), np.inf, variance)


def mean_itself(mean: NDArray) -> NDArray:
    return mean


# ------------------------------------------------------------------------------------------------- robust regression


@formula
def absolute_error(z, y, number):
    e = z - y
    size = -e if e < ZERO else e
    # written so that NaN stays NaN
    return size, e / size if e != ZERO else e


@formula
def huber(z, y, number):
    """e^2 / 2 up to |e| = number, number (|e| - number / 2) beyond (Huber, 1964)"""
    e = z - y
    size = -e if e < ZERO else e
    clipped = number if e > number else e
    return (
        HALF * e * e if size <= number else number * (size - HALF * number),
        -number if clipped < -number else clipped,
    )


@formula
def log_cosh(z, y, number):
    """log(cosh(e)), as |e| + log(1 + exp(-2 |e|)) - log(2)"""
    e = z - y
    size = -e if e < ZERO else e
    return size + log1p_unit(exp(-TWO * size)) - like(e, 0.6931471805599453), tanh(e)


@formula
def quantile(z, y, number):
    """number (y - z) where the prediction is too low, (1 - number) (z - y) where it is too high (Koenker & Bassett, 1978)"""
    e = z - y
    slope = ONE - number if e > ZERO else (-number if e < ZERO else e)
    return (ONE - number) * e if e > ZERO else -number * e, slope


def _in_normal_target(loss: Callable[[float, float], float]) -> Callable[[NDArray, NDArray, float], float]:
    """Return a baseline: the loss of the best constant prediction of a normal target with the given standard deviation.

    It only serves the divergence check, with a factor of ten. For this the first two moments of the target are enough.
    """

    def baseline(mean: NDArray, mean_square: NDArray, number: float) -> float:
        return float(sum(loss(float(std), number) for std in np.sqrt(_variance(mean, mean_square))))

    return baseline


def _normal_absolute(std: float, number: float) -> float:
    return std * math.sqrt(2 / math.pi)


def _normal_huber(std: float, number: float) -> float:
    return min(
        std * std / 2, number * _normal_absolute(std, number)
    )  # a product that is too large is inf, a power raises


def _normal_log_cosh(std: float, number: float) -> float:
    return min(std * std / 2, _normal_absolute(std, number))


def _normal_quantile(std: float, number: float) -> float:
    return std * NormalDist().pdf(NormalDist().inv_cdf(number))


# ------------------------------------------------------------------------------------------------- deviances


@kernel
def exponential_link(z):
    rows, outputs = z.shape
    for i in range(rows):
        for j in range(outputs):
            z[i, j] = exp(z[i, j])


@formula
def poisson(z, y, number):
    """Half the Poisson deviance, exp(z) - y z + y log(y) - y"""
    prediction = exp(z)
    constant = np.float64(y * np.log(y)) if y > ZERO else 0.0  # keeps the sum in double precision
    return (prediction - y * z - y) + constant, prediction - y


@formula
def gamma(z, y, number):
    """Half the gamma deviance, y exp(-z) - 1 + z - log(y)"""
    ratio = y * exp(-z)
    return np.float64(ratio - ONE + z - np.log(y)), ONE - ratio


@kernel
def squared_deviations_of_exp(z, y, w, tally):
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            tally[j] += w[i] * (exp(z[i, j]) - y[i, j]) ** 2


def poisson_baseline(mean: NDArray, mean_square: NDArray, number: float) -> float:
    """Half the deviance of the mean target, to second order in its spread."""
    return _deviance(mean, mean_square, 1)


def gamma_baseline(mean: NDArray, mean_square: NDArray, number: float) -> float:
    """Half the deviance of the mean target, to second order in its spread."""
    return _deviance(mean, mean_square, 2)


def _deviance(mean: NDArray, mean_square: NDArray, power: int) -> float:
    """Half the sum of the variances over a power of the means; infinite where the squares of the targets are."""
    variance, size = _variance(mean, mean_square), np.maximum(mean, 1e-12)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(power):
            variance = np.where(np.isinf(variance), np.inf, variance / size)
        return float(0.5 * variance.sum())


OF_ERROR: dict[str, Any] = {
    "kind": "regression",
    "output": "identity",
    "link": identity_link,
    "tally": squared_deviations,
    "reference": target_deviations,
    "constant": mean_itself,
}
"""The fields that all losses of the error z - y share."""

DEVIANCE: dict[str, Any] = {
    "kind": "regression",
    "output": "exp",
    "link": exponential_link,
    "tally": squared_deviations_of_exp,
    "reference": target_deviations,
    "constant": log_of_mean,
}

REGRESSION_ROWS = (
    Loss(
        name="squared_error",
        meaning="half the squared error",
        evaluate=elementwise(squared_error, half_mean=True),
        baseline=squared_error_baseline,
        averages_outputs=True,
        **OF_ERROR,
    ),
    Loss(
        name="absolute_error",
        meaning="the absolute error",
        evaluate=elementwise(absolute_error),
        baseline=_in_normal_target(_normal_absolute),
        **OF_ERROR,
    ),
    Loss(
        name="huber",
        meaning="quadratic for errors up to huber_delta, linear beyond",
        evaluate=elementwise(huber),
        baseline=_in_normal_target(_normal_huber),
        option="huber_delta",
        **OF_ERROR,
    ),
    Loss(
        name="log_cosh",
        meaning="the logarithm of the hyperbolic cosine of the error",
        evaluate=elementwise(log_cosh),
        baseline=_in_normal_target(_normal_log_cosh),
        **OF_ERROR,
    ),
    Loss(
        name="quantile",
        meaning="the pinball loss, which is minimized by the quantile",
        evaluate=elementwise(quantile),
        baseline=_in_normal_target(_normal_quantile),
        option="quantile",
        **OF_ERROR,
    ),
    Loss(
        name="poisson",
        meaning="half the Poisson deviance, for targets >= 0; predicts exp(z)",
        evaluate=elementwise(poisson),
        baseline=poisson_baseline,
        least=(0.0, True),
        **DEVIANCE,
    ),
    Loss(
        name="gamma",
        meaning="half the gamma deviance, for targets > 0; predicts exp(z)",
        evaluate=elementwise(gamma),
        baseline=gamma_baseline,
        least=(0.0, False),
        **DEVIANCE,
    ),
)
