"""Activation functions of the hidden layers: one row each, two scalar formulas.

`value` maps the pre-activation z to the output a. `slope` is the derivative da/dz written in terms of a, so that the
backward pass needs no second array per layer.

The slopes of the saturating functions have their maximum at z = 0 and vanish for large \\|z\\|: 1 for tanh, 1/4 for the
logistic function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bpmodel.compiled import exp, kernel

ZERO, ONE, TWO = np.float32(0), np.float32(1), np.float32(2)


class Activation(NamedTuple):
    """One activation function; `init_factor` is the f of the Glorot bound sqrt(f / (fan_in + fan_out))."""

    name: str
    value: Callable[[float], float]
    slope: Callable[[float], float]
    init_factor: float = 6.0


@kernel
def identity(z):
    return z


@kernel
def identity_slope(a):
    return ONE


@kernel
def logistic(z):
    """1 / (1 + exp(-z))"""
    return ONE / (ONE + exp(-z))


@kernel
def logistic_slope(a):
    """a (1 - a), at most 1/4"""
    return a * (ONE - a)


@kernel
def tanh(z):
    """1 - 2 / (exp(2 z) + 1); absolute error below 3e-7 in single precision"""
    return ONE - TWO / (exp(TWO * z) + ONE)


@kernel
def tanh_slope(a):
    """1 - a^2, at most 1"""
    return ONE - a * a


@kernel
def relu(z):
    # a NaN must stay one: max(0, NaN) would hide it
    return ZERO if z < ZERO else z


@kernel
def relu_slope(a):
    return ZERO if a <= ZERO else ONE


ACTIVATIONS: dict[str, Activation] = {
    row.name: row
    for row in (
        Activation("identity", identity, identity_slope),
        Activation("logistic", logistic, logistic_slope, init_factor=2.0),
        Activation("tanh", tanh, tanh_slope),
        Activation("relu", relu, relu_slope),
    )
}
