"""Limited-memory BFGS (Liu & Nocedal, 1989), step for step what SciPy's L-BFGS-B does without bounds.

The direction is ``-H g``. H approximates the inverse Hessian: the two-loop recursion starts from ``s^T y / y^T y`` times the
identity and applies the last `MEMORY` pairs (s, y) of parameter and gradient changes. A line search finds the step length. The
solver ends when the gradient is at most `tol`, when the relative improvement is at most `FTOL`, or after `max_fun` evaluations;
these are the criteria of scikit-learn's MLP.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpmodel.full_batch.line_search import Trial, search
from bpmodel.full_batch.solver import End, Limits, Objective, Point, flat

MEMORY = 10
FTOL = 2.220446049250313e-09


class State(NamedTuple):
    """`pairs` holds the last parameter changes with their gradient changes, oldest first."""

    point: Point
    end: End | None
    pairs: tuple[tuple[NDArray, NDArray], ...] = ()
    iteration: int = 0
    evaluations: int = 1


def start(objective: Objective, parameters: NDArray, limits: Limits) -> State:
    point = objective.evaluate(parameters)
    return State(point, flat(point, limits))


def step(objective: Objective, state: State, limits: Limits) -> State:
    """Run one line search; if it fails, clear the memory and repeat it once along the negative gradient."""
    before, pairs, evaluations = state.point, state.pairs, state.evaluations
    while True:
        direction = -multiply(pairs, before.gradient)
        slope = float(direction @ before.gradient)
        found = None
        if slope < 0:
            first = min(1 / float(np.linalg.norm(direction)), 1e10) if state.iteration == 0 else 1.0
            found, trials = _search(objective, before, direction, slope, first)
            evaluations += trials
        if found is not None:
            break
        if not pairs:
            failed = End(False, "the line search found no lower loss")
            return state._replace(end=failed, pairs=pairs, evaluations=evaluations)
        pairs = ()
    after: Point = found.kept
    move, change = after.parameters - before.parameters, after.gradient - before.gradient
    if move @ change > -np.finfo(np.float64).eps * slope * found.step:
        pairs = (*pairs, (move, change))[-MEMORY:]
    end = _spent(evaluations, limits) or flat(after, limits) or _slow(before, after)  # in the order of SciPy
    return State(after, end, pairs, state.iteration + 1, evaluations)


def _search(
    objective: Objective, before: Point, direction: NDArray, slope: float, first: float
) -> tuple[Trial | None, int]:
    def along(length: float) -> Trial:
        point = objective.evaluate(before.parameters + length * direction)
        return Trial(length, point.value, float(point.gradient @ direction), point)

    return search(along, Trial(0.0, before.value, slope, before), first)


def multiply(pairs: tuple[tuple[NDArray, NDArray], ...], gradient: NDArray) -> NDArray:
    """Return the inverse Hessian times the gradient: the two-loop recursion (Nocedal & Wright, 2006, algorithm 7.4)."""
    product = gradient.copy()
    shares = []
    for move, change in reversed(pairs):
        share = (move @ product) / (move @ change)
        product -= share * change
        shares.append(share)
    if pairs:
        move, change = pairs[-1]
        product *= (move @ change) / (change @ change)
    for (move, change), share in zip(pairs, reversed(shares), strict=True):
        product += (share - (change @ product) / (move @ change)) * move
    return product


def _slow(before: Point, after: Point) -> End | None:
    if before.value - after.value <= FTOL * max(abs(before.value), abs(after.value), 1.0):
        return End(True, f"converged: the relative decrease of the loss is at most {FTOL:.1e}")
    return None


def _spent(evaluations: int, limits: Limits) -> End | None:
    if evaluations > limits.max_fun:
        return End(False, f"the loss was evaluated more than max_fun={limits.max_fun} times")
    return None
