"""Regularization of weights: L1 and L2 penalties, weight decay, max-norm constraint and weight averaging."""

from __future__ import annotations

from bpmodel.compiler.arithmetic import ONE, ZERO
from bpmodel.compiler.kernels import inner
from bpmodel.compiler.views import matrix
from bpmodel.functions.columns import multiply_columns, norms_of_columns


@inner
def add_penalties(parameters, gradient, weights, settings, total_weight):
    """Add the gradients of the L2 and L1 penalties to the gradient; return the penalty and the gradient's sum of squares.

    The penalty of a minibatch of n rows is ``(l2 / 2 sum W^2 + l1 sum |W|) / n``, as in scikit-learn's MLP.
    """
    number = gradient.dtype.type
    l2, l1 = number(settings.l2 / total_weight), number(settings.l1 / total_weight)
    squared_weights, absolute_weights, squared_gradient = number(0), number(0), number(0)
    for i in range(weights):
        p = parameters[i]
        g = gradient[i] + l2 * p
        gradient[i] = g
        squared_weights += p * p
        squared_gradient += g * g
    if l1 > ZERO:
        squared_gradient = number(0)
        for i in range(weights):
            p = parameters[i]
            g = gradient[i]
            if p != ZERO:
                g += l1 if p > ZERO else -l1
            gradient[i] = g
            absolute_weights += p if p > ZERO else -p
            squared_gradient += g * g
    for i in range(weights, gradient.size):
        squared_gradient += gradient[i] * gradient[i]
    return 0.5 * l2 * squared_weights + l1 * absolute_weights, squared_gradient


@inner
def decay_weights(parameters, weights, factor):
    """Decoupled weight decay (Loshchilov & Hutter, 2019): shrink the weights before the step, independently of the gradient"""
    for i in range(weights):
        parameters[i] *= factor


@inner
def limit_norms(network, most):
    """Shorten the incoming weights of every hidden unit to a norm of at most `most` (Srivastava et al., 2014)"""
    units, parameters = network.units, network.parameters
    start = 0
    for layer in range(units.size - 2):
        fan_in, fan_out = units[layer], units[layer + 1]
        w = matrix(parameters, start, fan_in, fan_out)
        factors = norms_of_columns(w)
        for j in range(fan_out):
            factors[j] = most / factors[j] if factors[j] > most else ONE
        multiply_columns(w, factors)
        start += fan_in * fan_out


@inner
def average(mean, parameters, decay, step):
    """Exponential moving average of the parameters; decay is at most (1 + step) / (10 + step), so it starts over few steps"""
    share = mean.dtype.type(1.0 - min(decay, (1.0 + step) / (10.0 + step)))
    for i in range(mean.size):
        mean[i] += share * (parameters[i] - mean[i])
