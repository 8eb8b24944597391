"""Scaled conjugate gradients (Moller, 1993): conjugate directions with a step length that needs no line search.

The curvature along the direction p comes from a second gradient, ``s = (E'(w + sigma p) - E'(w)) / sigma``. As in
Levenberg-Marquardt a scale lambda is added to it. Lambda is raised until the curvature is positive, and adapted to how well the
parabola predicted the last step. If a step would raise the loss, the iteration does not move and raises lambda. Steps are
numbered as in the paper, and the constants are the paper's. One departure: lambda stays within `LAMBDAS`, and the solver ends at
the upper bound.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpmodel.full_batch.solver import End, Limits, Objective, Point, flat

SIGMA = 5e-5
LAMBDA = 5e-7
LAMBDAS = 1e-15, 1e15


class State(NamedTuple):
    """`scale` and `raised` are the paper's lambda and lambda with a bar, `curvature` its delta before scaling."""

    point: Point
    end: End | None
    direction: NDArray
    scale: float = LAMBDA
    raised: float = 0.0
    curvature: float | None = None
    """None if it must be measured, because the last step succeeded"""
    successes: int = 0


def start(objective: Objective, parameters: NDArray, limits: Limits) -> State:
    point = objective.evaluate(parameters)
    return State(point, flat(point, limits), -point.gradient)


def step(objective: Objective, state: State, limits: Limits) -> State:
    point, p, scale, raised = state.point, state.direction, state.scale, state.raised
    length = float(p @ p)
    curvature = state.curvature
    if curvature is None:  # step 2
        sigma = SIGMA / np.sqrt(length)
        beside = objective.evaluate(point.parameters + sigma * p)
        curvature = float(p @ (beside.gradient - point.gradient)) / sigma
    curvature += (scale - raised) * length  # step 3
    if curvature <= 0:  # step 4
        raised = 2 * (scale - curvature / length)
        curvature = scale * length - curvature
        scale = raised
    descent = -float(p @ point.gradient)  # step 5
    rate = descent / curvature
    trial = objective.evaluate(point.parameters + rate * p)
    comparison = 2 * (point.value - trial.value) / descent * (curvature / descent)  # step 6
    succeeded = bool(comparison >= 0 and np.isfinite(trial.value))
    comparison = comparison if np.isfinite(comparison) else -1.0
    measured: float | None = curvature
    successes = state.successes
    if succeeded:  # step 7
        measured, raised, successes = None, 0.0, successes + 1
        p = _conjugate(point, trial, p, descent, restart=successes % p.size == 0)
    else:
        raised = scale
    if comparison >= 0.75:
        scale /= 4
    if comparison < 0.25:  # step 8
        scale += curvature * (1 - comparison) / length
    end = flat(trial, limits) if succeeded else None
    if scale > LAMBDAS[1]:
        end = end or End(True, "converged: no step along the gradient lowers the loss")
    return State(trial if succeeded else point, end, p, max(scale, LAMBDAS[0]), raised, measured, successes)


def _conjugate(before: Point, after: Point, p: NDArray, descent: float, *, restart: bool) -> NDArray:
    """Return the next direction: Hestenes & Stiefel's, or the negative gradient if that is not a descent direction."""
    share = float(after.gradient @ (after.gradient - before.gradient)) / descent
    direction = share * p - after.gradient
    if restart or direction @ after.gradient >= 0:
        return -after.gradient
    return direction
