"""Update rules: one row each, a kernel that moves the packed parameters one step along their gradient.

An `update` takes the parameters, their gradient, its own memory of shape (slots, parameters), the numbers of the rule and
the rate; it writes parameters and memory in place. `step` counts from 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bpmodel.compiled import kernel

ONE = np.float32(1)


class Optimizer(NamedTuple):
    """One update rule; `slots` is how many numbers it remembers per parameter."""

    name: str
    slots: int
    update: Callable


@kernel
def sgd(parameters, gradient, memory, rule, rate, step):
    """v <- momentum v - rate g; move by v, or by momentum v - rate g (Nesterov, 1983, as Sutskever et al., 2013)"""
    velocity = memory[0]
    momentum = rule.momentum
    if rule.nesterovs_momentum:
        for i in range(parameters.size):
            push = rate * gradient[i]
            velocity[i] = momentum * velocity[i] - push
            parameters[i] += momentum * velocity[i] - push
    else:
        for i in range(parameters.size):
            velocity[i] = momentum * velocity[i] - rate * gradient[i]
            parameters[i] += velocity[i]


@kernel
def adam(parameters, gradient, memory, rule, rate, step):
    """Adam (Kingma & Ba, 2015) with the bias corrections folded into the rate, as in section 2 of the paper"""
    mean, square = memory[0], memory[1]
    beta_1, beta_2, epsilon = rule.beta_1, rule.beta_2, rule.epsilon
    correction = np.sqrt(1.0 - float(beta_2) ** step) / (1.0 - float(beta_1) ** step)
    corrected = parameters.dtype.type(rate * correction)
    for i in range(parameters.size):
        g = gradient[i]
        mean[i] = beta_1 * mean[i] + (ONE - beta_1) * g
        square[i] = beta_2 * square[i] + (ONE - beta_2) * g * g
        parameters[i] -= corrected * mean[i] / (np.sqrt(square[i]) + epsilon)


OPTIMIZERS: dict[str, Optimizer] = {
    row.name: row
    for row in (
        Optimizer("sgd", 1, sgd),
        Optimizer("adam", 2, adam),
    )
}
