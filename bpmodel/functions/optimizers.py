"""Optimizers: one row each, with a kernel that updates the packed parameters by one step.

`update` takes the parameters, their gradient, its own memory of shape (slots, parameters), the hyperparameters of the rule and
the learning rate. It changes parameters and memory in place. `step` counts from 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bpmodel.compiler.arithmetic import ONE, ZERO, like
from bpmodel.compiler.kernels import kernel
from bpmodel.compiler.tables import Table


class Rule(NamedTuple):
    """The hyperparameters of the update rules."""

    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    rho: float
    epsilon: float


class Optimizer(NamedTuple):
    """One update rule.

    `slots` is the number of values it stores per parameter, and `weight_decay` its default weight decay. A `whole` rule uses
    all rows at every step unless the user sets a batch size.
    """

    name: str
    meaning: str
    slots: int
    update: Callable
    weight_decay: float = 0.0
    whole: bool = False


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
def adagrad(parameters, gradient, memory, rule, rate, step):
    """Divide by the root of the sum of all squared gradients (Duchi et al., 2011)"""
    total = memory[0]
    for i in range(parameters.size):
        g = gradient[i]
        total[i] += g * g
        parameters[i] -= rate * g / (np.sqrt(total[i]) + rule.epsilon)


@kernel
def rmsprop(parameters, gradient, memory, rule, rate, step):
    """Divide by the root of a decaying mean of squared gradients (Tieleman & Hinton, 2012)"""
    square = memory[0]
    rho = rule.rho
    for i in range(parameters.size):
        g = gradient[i]
        square[i] = rho * square[i] + (ONE - rho) * g * g
        parameters[i] -= rate * g / (np.sqrt(square[i]) + rule.epsilon)


@kernel
def corrected_rate(parameters, rule, rate, step):
    """The rate times Adam's bias corrections sqrt(1 - beta_2^t) / (1 - beta_1^t)"""
    correction = np.sqrt(1.0 - float(rule.beta_2) ** step) / (1.0 - float(rule.beta_1) ** step)
    return parameters.dtype.type(rate * correction)


@kernel
def adam(parameters, gradient, memory, rule, rate, step):
    """Adam (Kingma & Ba, 2015) with the bias corrections folded into the rate, as in section 2 of the paper"""
    mean, square = memory[0], memory[1]
    beta_1, beta_2, epsilon = rule.beta_1, rule.beta_2, rule.epsilon
    corrected = corrected_rate(parameters, rule, rate, step)
    for i in range(parameters.size):
        g = gradient[i]
        mean[i] = beta_1 * mean[i] + (ONE - beta_1) * g
        square[i] = beta_2 * square[i] + (ONE - beta_2) * g * g
        parameters[i] -= corrected * mean[i] / (np.sqrt(square[i]) + epsilon)


@kernel
def amsgrad(parameters, gradient, memory, rule, rate, step):
    """Adam that divides by the largest mean square so far (Reddi et al., 2018)"""
    mean, square, largest = memory[0], memory[1], memory[2]
    beta_1, beta_2, epsilon = rule.beta_1, rule.beta_2, rule.epsilon
    corrected = corrected_rate(parameters, rule, rate, step)
    for i in range(parameters.size):
        g = gradient[i]
        mean[i] = beta_1 * mean[i] + (ONE - beta_1) * g
        square[i] = beta_2 * square[i] + (ONE - beta_2) * g * g
        largest[i] = largest[i] if largest[i] > square[i] else square[i]
        parameters[i] -= corrected * mean[i] / (np.sqrt(largest[i]) + epsilon)


@kernel
def nadam(parameters, gradient, memory, rule, rate, step):
    """Adam with Nesterov's momentum (Dozat, 2016, algorithm 2 with a constant beta_1)"""
    mean, square = memory[0], memory[1]
    beta_1, beta_2, epsilon = rule.beta_1, rule.beta_2, rule.epsilon
    power = float(beta_1) ** step
    root = np.sqrt(1.0 - float(beta_2) ** step)
    ahead = parameters.dtype.type(rate * root * float(beta_1) / (1.0 - power * float(beta_1)))
    now = parameters.dtype.type(rate * root * (1.0 - float(beta_1)) / (1.0 - power))
    for i in range(parameters.size):
        g = gradient[i]
        mean[i] = beta_1 * mean[i] + (ONE - beta_1) * g
        square[i] = beta_2 * square[i] + (ONE - beta_2) * g * g
        parameters[i] -= (ahead * mean[i] + now * g) / (np.sqrt(square[i]) + epsilon)


@kernel
def rprop(parameters, gradient, memory, rule, rate, step):
    """One step size per parameter, times 1.2 while the gradient keeps its sign, 0.5 when it changes (Riedmiller & Braun, 1993)

    As in iRprop- (Igel & Huesken, 2003), the parameter skips one step after a sign change. Sizes stay in [1e-6, 50].
    """
    before, size = memory[0], memory[1]
    if step == 1:
        for i in range(parameters.size):
            size[i] = rate
    for i in range(parameters.size):
        g = gradient[i]
        agreement = g * before[i]
        longer, shorter = min(size[i] * like(g, 1.2), like(g, 50.0)), max(size[i] * like(g, 0.5), like(g, 1e-6))
        size[i] = longer if agreement > ZERO else (shorter if agreement < ZERO else size[i])
        g = ZERO * g if agreement < ZERO else g
        before[i] = g
        sign = (ONE if g > ZERO else ZERO) - (ONE if g < ZERO else ZERO)
        parameters[i] -= size[i] * sign + ZERO * g  # the last term is 0, or NaN if g is: NaN must not be hidden


OPTIMIZERS = Table(
    "optimizer",
    (
        Optimizer("sgd", "stochastic gradient descent with momentum", 1, sgd),
        Optimizer("adagrad", "divides the gradient by the root of the sum of all squared gradients", 1, adagrad),
        Optimizer("rmsprop", "divides the gradient by the root of a moving average of squared gradients", 1, rmsprop),
        Optimizer("adam", "rmsprop with momentum; both averages are bias-corrected", 2, adam),
        Optimizer(
            "amsgrad", "adam, but divides by the root of the largest average of squared gradients so far", 3, amsgrad
        ),
        Optimizer("adamw", "adam with a default weight_decay of 0.01", 2, adam, weight_decay=0.01),
        Optimizer("nadam", "adam with Nesterov's momentum", 2, nadam),
        Optimizer(
            "rprop",
            "uses only the sign of the gradient, with an adaptive step size per parameter; by default, each step sees all rows",
            2,
            rprop,
            whole=True,
        ),
    ),
    register="register_optimizer",
)
