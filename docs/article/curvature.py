"""The largest curvature of the loss at the initial weights, and the longest step that it allows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bpmodel import BPRegressor

ITERATIONS = 20
NUDGE = 1e-4


def largest_curvature(network: BPRegressor, X: NDArray, y: NDArray) -> float:
    """Return the largest eigenvalue, in absolute value, of the Hessian of the loss at the initial weights.

    The loss is that of all rows. Power iteration; the product of the Hessian and a vector v is a difference of gradients,
    ``(g(w + e v) - g(w - e v)) / 2e``.
    """
    options = network.get_params() | {"solver": "lbfgs", "on_divergence": "ignore", "max_iter": 1}
    training = BPRegressor(**options).begin_fit(X, y)
    objective, weights = training._objective, training.network.parameters.copy()
    direction = np.random.default_rng(0).normal(size=weights.size)
    size = 0.0
    for _ in range(ITERATIONS):
        nudge = NUDGE * direction / np.linalg.norm(direction)
        ahead, behind = objective.evaluate(weights + nudge).gradient, objective.evaluate(weights - nudge).gradient
        direction = (ahead - behind) / (2 * NUDGE)
        size = float(np.linalg.norm(direction))
        if not 0 < size < np.inf:
            break
    return size


def longest_stable_step(momentum: float, nesterov: bool) -> float:
    """Return the largest product of learning rate and curvature with which descent on a parabola converges.

    It is 2 without momentum, 2 (1 + b) with momentum b, and (2 + 2 b) / (1 + 2 b) with Nesterov's momentum.

    >>> longest_stable_step(0.0, True), longest_stable_step(0.9, False), round(longest_stable_step(0.9, True), 2)
    (2.0, 3.8, 1.36)
    """
    return (2 + 2 * momentum) / (1 + 2 * momentum if nesterov else 1)


def step_number(network: BPRegressor, X: NDArray, y: NDArray) -> float:
    """Return the learning rate over the largest stable one at the initial weights; above 1 the step is too long."""
    longest = longest_stable_step(network.momentum, network.nesterovs_momentum)
    return network.learning_rate_init * largest_curvature(network, X, y) / longest
