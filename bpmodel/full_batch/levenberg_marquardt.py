"""Levenberg-Marquardt for squared errors (Hagan & Menhaj, 1994): Gauss-Newton steps, damped until they lower the loss.

    ((J^T J + alpha P) / n + mu I) d = gradient,    move by -d

J is the Jacobian of the errors, P selects the weights, n is the total weight of the rows, and mu is the damping. If a step lowers
the objective, mu is multiplied by `MU_DECREASE`. Otherwise mu is multiplied by `MU_INCREASE` and the step is tried again within
the same iteration. The constants come from MATLAB's trainlm, which damps a sum of squares as this code damps a mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve

from bpmodel.full_batch.solver import End, Limits, Linear, Objective, Point, flat

MU, MU_DECREASE, MU_INCREASE = 1e-3, 0.1, 10.0
MU_LEAST, MU_MOST = 1e-20, 1e10

MOST_PARAMETERS = 3000
"""At this size J^T J takes 72 MB, and its factorization a quarter of a second."""


class State(NamedTuple):
    """`effective_parameters` is NaN unless the regularization is Bayesian."""

    point: Point
    end: End | None
    linear: Linear
    mu: float
    alpha: float
    effective_parameters: float = np.nan


def start(objective: Objective, parameters: NDArray, limits: Limits) -> State:
    return at(objective, parameters, objective.linearize(parameters), MU, objective.alpha, limits)


def step(objective: Objective, state: State, limits: Limits) -> State:
    """Take one step that lowers the objective; raise the damping mu until one does."""
    point, alpha, mu = state.point, state.alpha, state.mu
    hessian = penalized(objective, state.linear, alpha) / objective.total_weight
    while mu <= MU_MOST:
        move = _damped(hessian, mu, point.gradient)
        if move is not None:
            parameters = point.parameters - move
            if objective.value(parameters, alpha) < point.value:
                mu = max(mu * MU_DECREASE, MU_LEAST)
                return at(objective, parameters, objective.linearize(parameters), mu, alpha, limits)
        mu *= MU_INCREASE
    return state._replace(end=End(True, f"converged: no step lowers the loss, up to mu={MU_MOST:.0e}"))


def at(objective: Objective, parameters: NDArray, linear: Linear, mu: float, alpha: float, limits: Limits) -> State:
    """Return the state at a point whose second-order model is known."""
    point = objective.point(parameters, linear.half_squares, linear.slope, alpha)
    return State(point, flat(point, limits), linear, mu, alpha)


def penalized(objective: Objective, linear: Linear, alpha: float) -> NDArray:
    """Return J^T J + alpha P."""
    hessian = linear.normal.copy()
    hessian.flat[: objective.n_weights * (len(hessian) + 1) : len(hessian) + 1] += alpha
    return hessian


def _damped(hessian: NDArray, mu: float, gradient: NDArray) -> NDArray | None:
    damped = hessian.copy()
    damped.flat[:: len(damped) + 1] += mu
    try:
        factor = np.linalg.cholesky(damped)  # NumPy's version releases the interpreter lock, SciPy's does not
    except np.linalg.LinAlgError:
        return None
    return cho_solve((factor, True), gradient, check_finite=False)
