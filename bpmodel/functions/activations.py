"""Activation functions of the hidden layers: one row each, two scalar formulas.

`value` maps the pre-activation z to the output a. `slope(a, z)` is the derivative da/dz. Where it can be written in terms of
a alone, the row has ``from_output=True``; `slope` then receives a for both arguments, and the pre-activations are not stored.

The slopes of the saturating functions have their maximum at z = 0 and vanish for large \\|z\\|: 1 for tanh, 1/4 for the
logistic function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bpmodel.compiler.arithmetic import HALF, ONE, TWO, ZERO, exp, like, log1p_unit, normal_cdf
from bpmodel.compiler.kernels import kernel
from bpmodel.compiler.tables import Table

LEAK = 0.01
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
"""The fixed point of the mean and variance of a layer's outputs is (0, 1) (Klambauer et al., 2017)."""


class Activation(NamedTuple):
    """One activation function; `meaning` is its formula, `init` the row of `INITIALIZERS` that fits it."""

    name: str
    meaning: str
    value: Callable[[float], float]
    slope: Callable[[float, float], float]
    init: str
    from_output: bool = True


@kernel
def identity(z):
    return z


@kernel
def identity_slope(a, z):
    return ONE


@kernel
def logistic(z):
    return ONE / (ONE + exp(-z))


@kernel
def logistic_slope(a, z):
    return a * (ONE - a)


@kernel
def tanh(z):
    """1 - 2 / (exp(2 z) + 1); absolute error below 3e-7 in single precision"""
    return ONE - TWO / (exp(TWO * z) + ONE)


@kernel
def tanh_slope(a, z):
    return ONE - a * a


@kernel
def relu(z):
    # NaN must stay NaN: max(0, NaN) would hide it
    return ZERO if z < ZERO else z


@kernel
def relu_slope(a, z):
    return ZERO if a <= ZERO else ONE


@kernel
def leaky_relu(z):
    return like(z, LEAK) * z if z < ZERO else z


@kernel
def leaky_relu_slope(a, z):
    return like(a, LEAK) if a <= ZERO else ONE


@kernel
def elu(z):
    below = exp(z if z < ZERO else ZERO) - ONE
    return below if z < ZERO else z


@kernel
def elu_slope(a, z):
    return a + ONE if a <= ZERO else ONE


@kernel
def selu(z):
    below = like(z, SELU_SCALE * SELU_ALPHA) * (exp(z if z < ZERO else ZERO) - ONE)
    return below if z < ZERO else like(z, SELU_SCALE) * z


@kernel
def selu_slope(a, z):
    return a + like(a, SELU_SCALE * SELU_ALPHA) if a <= ZERO else like(a, SELU_SCALE)


@kernel
def gelu(z):
    return z * normal_cdf(z)


@kernel
def gelu_slope(a, z):
    return normal_cdf(z) + z * like(z, 0.3989422804014327) * exp(-HALF * z * z)


@kernel
def silu(z):
    return z * logistic(z)


@kernel
def silu_slope(a, z):
    p = logistic(z)
    return p + z * p * (ONE - p)


@kernel
def mish(z):
    """With e = exp(z), tanh(log(1 + e)) = n / (n + 2) for n = e (e + 2); beyond 20 that is 1 in either precision"""
    e = exp(z if z < like(z, 20.0) else like(z, 20.0))
    n = e * (e + TWO)
    return z * n / (n + TWO)


@kernel
def mish_slope(a, z):
    """e (4 (z + 1) + 4 e^2 + e^3 + e (4 z + 6)) / (e^2 + 2 e + 2)^2 (Misra, 2019), from one exponential"""
    x = z if z < like(z, 20.0) else like(z, 20.0)
    e = exp(x)
    four, six = np.float32(4), np.float32(6)
    above = e * (four * (x + ONE) + e * (four * x + six + e * (four + e)))
    below = e * (e + TWO) + TWO
    return above / (below * below)


@kernel
def softplus(z):
    magnitude = -z if z < ZERO else z
    return (ZERO if z < ZERO else z) + log1p_unit(exp(-magnitude))


@kernel
def softplus_slope(a, z):
    return logistic(z)


ACTIVATIONS = Table(
    "activation",
    (
        Activation("identity", "z", identity, identity_slope, "glorot_uniform"),
        Activation("logistic", "1 / (1 + exp(-z))", logistic, logistic_slope, "glorot_uniform"),
        Activation("tanh", "tanh(z)", tanh, tanh_slope, "glorot_uniform"),
        Activation("relu", "max(0, z)", relu, relu_slope, "glorot_uniform"),
        Activation("leaky_relu", "max(0.01 z, z)", leaky_relu, leaky_relu_slope, "he_uniform"),
        Activation("elu", "z if z > 0 else exp(z) - 1", elu, elu_slope, "he_uniform"),
        Activation("selu", "1.0507 (z if z > 0 else 1.6733 (exp(z) - 1))", selu, selu_slope, "lecun_normal"),
        Activation(
            "gelu",
            "z Phi(z), with the standard normal distribution function Phi",
            gelu,
            gelu_slope,
            "he_uniform",
            False,
        ),
        Activation("silu", "z / (1 + exp(-z))", silu, silu_slope, "he_uniform", False),
        Activation("mish", "z tanh(log(1 + exp(z)))", mish, mish_slope, "he_uniform", False),
        Activation("softplus", "log(1 + exp(z))", softplus, softplus_slope, "he_uniform", False),
    ),
    register="register_activation",
)
