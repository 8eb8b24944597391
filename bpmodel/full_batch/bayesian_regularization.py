"""Levenberg-Marquardt with Bayesian regularization, which finds alpha (MacKay, 1992; Foresee & Hagan, 1997; MATLAB's trainbr).

After each step alpha is set by the fixed-point equation of the evidence, from the number gamma of parameters that the data
determine:

    gamma = p - alpha tr(P (J^T J + alpha P)^-1)
    alpha = (gamma - b) / sum W^2 * sum e^2 / (N - gamma)

with p parameters, b of them biases, N errors, and P the diagonal matrix that selects the weights. This alpha is the ratio of the
paper's alpha and beta; the minimum depends only on the ratio. Departure from trainbr: as in every other solver here, biases are
not penalized; they count as determined by the data.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from bpmodel.full_batch import levenberg_marquardt
from bpmodel.full_batch.levenberg_marquardt import State, at, penalized
from bpmodel.full_batch.solver import Limits, Objective

ALPHAS = 1e-10, 1e10
"""Bounds of alpha; at the upper bound all weights are switched off."""


def start(objective: Objective, parameters: NDArray, limits: Limits) -> State:
    """Return the initial state; as in trainbr, alpha assumes gamma = p, or half the number of errors if that is less."""
    state = levenberg_marquardt.start(objective, parameters, limits)
    return regularized(objective, state, min(float(parameters.size), objective.n_errors / 2), limits)


def step(objective: Objective, state: State, limits: Limits) -> State:
    """Take one step of Levenberg-Marquardt with the current alpha, then update alpha."""
    moved = levenberg_marquardt.step(objective, state, limits)
    if moved.point is state.point:
        return moved
    gamma = effective_parameters(objective, moved)
    if np.isnan(gamma):
        return moved._replace(effective_parameters=state.effective_parameters)
    return regularized(objective, moved, gamma, limits)


def regularized(objective: Objective, state: State, gamma: float, limits: Limits) -> State:
    """Return the same point with the alpha that belongs to this number of effective parameters."""
    parameters, linear = state.point.parameters, state.linear
    weights = parameters[: objective.n_weights]
    determined = max(gamma - (parameters.size - weights.size), 0.0)
    noise = 2 * linear.half_squares / max(objective.n_errors - gamma, 1.0)
    squares = max(float(weights @ weights), 1e-300)
    alpha = float(np.clip(determined * noise / squares, *ALPHAS))
    return at(objective, parameters, linear, state.mu, alpha, limits)._replace(effective_parameters=gamma)


def effective_parameters(objective: Objective, state: State) -> float:
    """Return gamma, or NaN where the Hessian is singular."""
    hessian = penalized(objective, state.linear, state.alpha)
    hessian.flat[:: len(hessian) + 1] += np.finfo(np.float64).eps * hessian.trace()
    try:
        factor = np.linalg.cholesky(hessian)
    except np.linalg.LinAlgError:
        return float("nan")
    root = solve_triangular(factor, np.eye(len(factor), objective.n_weights), lower=True, check_finite=False)
    return len(factor) - state.alpha * float(np.einsum("ij,ij->", root, root))
