"""Normalization of a hidden layer's pre-activations: one row each, with a forward and a backward kernel.

A layer with normalization computes ``a = activation(scale * n + bias)`` from the normalized pre-activations n, with one
scale per unit. `forward(z, spread, running, training)` turns z, of shape (rows, units), into n in place and writes the inverse
standard deviations to `spread`. `backward(delta, n, spread)` turns the gradient with respect to n into the gradient with respect
to z, in place. `running`, of shape (2, units), holds the means and variances that predictions use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bpmodel.compiler.arithmetic import ONE, ZERO, like
from bpmodel.compiler.kernels import kernel
from bpmodel.compiler.tables import Table

EPSILON = 1e-5
MOMENTUM = 0.1
"""Share of the newest batch in the running means and variances."""


class Normalization(NamedTuple):
    """One normalization method."""

    name: str
    meaning: str
    forward: Callable
    backward: Callable


@kernel
def nothing(z, spread, running, training):
    pass


@kernel
def nothing_backward(delta, n, spread):
    pass


@kernel
def layer(z, spread, running, training):
    """Mean 0 and variance 1 over the units of each row (Ba et al., 2016)"""
    rows, units = z.shape
    for i in range(rows):
        mean = ZERO * z[i, 0]
        for j in range(units):
            mean += z[i, j]
        mean /= z.dtype.type(units)
        variance = ZERO * mean
        for j in range(units):
            variance += (z[i, j] - mean) ** 2
        spread[i] = ONE / np.sqrt(variance / z.dtype.type(units) + like(mean, EPSILON))
        for j in range(units):
            z[i, j] = (z[i, j] - mean) * spread[i]


@kernel
def layer_backward(delta, n, spread):
    rows, units = delta.shape
    for i in range(rows):
        mean, product = ZERO * delta[i, 0], ZERO * delta[i, 0]
        for j in range(units):
            mean += delta[i, j]
            product += delta[i, j] * n[i, j]
        mean /= delta.dtype.type(units)
        product /= delta.dtype.type(units)
        for j in range(units):
            delta[i, j] = spread[i] * (delta[i, j] - mean - product * n[i, j])


@kernel
def batch(z, spread, running, training):
    """Mean 0 and variance 1 over the rows of each minibatch (Ioffe & Szegedy, 2015); running ones for predictions"""
    rows, units = z.shape
    number = z.dtype.type
    mean = np.zeros(units, z.dtype)
    variance = np.zeros(units, z.dtype)
    if training:
        for i in range(rows):
            for j in range(units):
                mean[j] += z[i, j]
        for j in range(units):
            mean[j] /= number(rows)
        for i in range(rows):
            for j in range(units):
                variance[j] += (z[i, j] - mean[j]) ** 2
        share = like(z[0, 0], MOMENTUM)
        for j in range(units):
            running[0, j] += share * (mean[j] - running[0, j])
            # the unbiased estimate; a single row has none
            running[1, j] += share * (variance[j] / number(max(rows - 1, 1)) - running[1, j])
            variance[j] /= number(rows)
    else:
        for j in range(units):
            mean[j] = running[0, j]
            variance[j] = running[1, j]
    for j in range(units):
        spread[j] = ONE / np.sqrt(variance[j] + like(z[0, 0], EPSILON))
    for i in range(rows):
        for j in range(units):
            z[i, j] = (z[i, j] - mean[j]) * spread[j]


@kernel
def batch_backward(delta, n, spread):
    rows, units = delta.shape
    number = delta.dtype.type
    mean = np.zeros(units, delta.dtype)
    product = np.zeros(units, delta.dtype)
    for i in range(rows):
        for j in range(units):
            mean[j] += delta[i, j]
            product[j] += delta[i, j] * n[i, j]
    for j in range(units):
        mean[j] /= number(rows)
        product[j] /= number(rows)
    for i in range(rows):
        for j in range(units):
            delta[i, j] = spread[j] * (delta[i, j] - mean[j] - product[j] * n[i, j])


NORMALIZATIONS = Table(
    "normalization",
    (
        Normalization("none", "none", nothing, nothing_backward),
        Normalization("layer", "mean 0 and variance 1 over the units of each row", layer, layer_backward),
        Normalization("batch", "mean 0 and variance 1 over the rows of a minibatch", batch, batch_backward),
    ),
)
