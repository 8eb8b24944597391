"""Gradient clipping methods: one row each, with a kernel that shortens a gradient before the update.

`clip(network, gradient, norm, threshold, recent)` changes the gradient in place. `norm` is its Euclidean norm. `recent` holds the
norms of the last steps: ``recent[0]`` counts them, then comes a ring buffer, then the same norms sorted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpmodel.compiler.arithmetic import ONE
from bpmodel.compiler.kernels import kernel
from bpmodel.compiler.tables import Table
from bpmodel.compiler.views import matrix
from bpmodel.functions.columns import multiply_columns, norms_of_columns

RECENT = 64
"""Number of last steps whose median norm `median` uses."""

WARM = 8
SMALLEST_UNIT = np.float32(1e-3)
"""Lower bound for a unit's weight norm (Brock et al., 2021); without it zero weights could never move."""


class Clipping(NamedTuple):
    """One clipping method; `threshold` is its default threshold."""

    name: str
    meaning: str
    clip: Callable
    threshold: float


@kernel
def leave(network, gradient, norm, threshold, recent):
    pass


@kernel
def scale(gradient, factor):
    factor = gradient.dtype.type(factor)
    for i in range(gradient.size):
        gradient[i] *= factor


@kernel
def by_value(network, gradient, norm, threshold, recent):
    limit = gradient.dtype.type(threshold)
    for i in range(gradient.size):
        g = gradient[i]
        g = limit if g > limit else g
        gradient[i] = -limit if g < -limit else g


@kernel
def by_norm(network, gradient, norm, threshold, recent):
    """Pascanu et al. (2013)"""
    if norm > threshold:
        scale(gradient, threshold / norm)


@kernel
def by_unit(network, gradient, norm, threshold, recent):
    """Adaptive gradient clipping: each unit's incoming weights (Brock et al., 2021)"""
    units, parameters = network.units, network.parameters
    limit = gradient.dtype.type(threshold)
    start = 0
    for layer in range(units.size - 1):
        fan_in, fan_out = units[layer], units[layer + 1]
        weights = matrix(parameters, start, fan_in, fan_out)
        pushes = matrix(gradient, start, fan_in, fan_out)
        lengths, factors = norms_of_columns(weights), norms_of_columns(pushes)
        for unit in range(fan_out):
            most = limit * max(lengths[unit], SMALLEST_UNIT)
            factors[unit] = most / factors[unit] if factors[unit] > most else ONE
        multiply_columns(pushes, factors)
        start += fan_in * fan_out


@kernel
def by_median(network, gradient, norm, threshold, recent):
    """At most `threshold` times the median norm of the last steps, once there are a few; `recent` stores norms after clipping"""
    if not np.isfinite(norm):
        return
    count = int(recent[0])
    kept = min(count, RECENT)
    ring, ordered = recent[1 : 1 + RECENT], recent[1 + RECENT :]
    if count >= WARM:
        most = threshold * ordered[kept // 2]
        if norm > most:
            scale(gradient, most / norm)
            norm = most
    if count >= RECENT:  # remove the oldest norm from the sorted part
        oldest, place = ring[count % RECENT], 0
        while ordered[place] != oldest:
            place += 1
        for i in range(place, RECENT - 1):
            ordered[i] = ordered[i + 1]
        kept -= 1
    place = kept
    while place > 0 and ordered[place - 1] > norm:
        ordered[place] = ordered[place - 1]
        place -= 1
    ordered[place] = norm
    ring[count % RECENT] = norm
    recent[0] = count + 1


CLIPPINGS = Table(
    "clipping",
    (
        Clipping("none", "no clipping", leave, np.inf),
        Clipping("value", "each component is clipped to +-clip_threshold", by_value, 10.0),
        Clipping("norm", "the whole gradient is rescaled to a norm of at most clip_threshold", by_norm, 1.0),
        Clipping(
            "adaptive",
            "the gradient of each unit is rescaled to a norm of at most clip_threshold times the norm of its weights",
            by_unit,
            0.1,
        ),
        Clipping(
            "median",
            "the whole gradient is rescaled to a norm of at most clip_threshold times the median norm of the last 64 steps",
            by_median,
            3.0,
        ),
    ),
)


def new_recent() -> NDArray[np.float64]:
    """Return an empty record of gradient norms."""
    return np.zeros(1 + 2 * RECENT)
