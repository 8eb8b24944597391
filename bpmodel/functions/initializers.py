"""Weight initializers: one row each, which draws a layer's weights from its fan-in and fan-out; biases are 0 except for one row.

Each variance keeps the variance of the signals constant from layer to layer: on average of the forward and backward pass, through
rectifiers, or in the forward pass only. A uniform row draws from U(-b, b) with the same variance b^2 / 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from bpmodel.functions.activations import ACTIVATIONS


class Initializer(NamedTuple):
    """One distribution; `weights(fan_in, fan_out, random_state)` draws a matrix of shape (fan_in, fan_out)."""

    name: str
    meaning: str
    weights: Callable[[int, int, RandomState], NDArray]


def _uniform(variance: Callable[[int, int], float]) -> Callable[[int, int, RandomState], NDArray]:
    def weights(fan_in: int, fan_out: int, random_state: RandomState) -> NDArray:
        bound = np.sqrt(3 * variance(fan_in, fan_out))
        return random_state.uniform(-bound, bound, (fan_in, fan_out))

    return weights


def _normal(variance: Callable[[int, int], float]) -> Callable[[int, int, RandomState], NDArray]:
    def weights(fan_in: int, fan_out: int, random_state: RandomState) -> NDArray:
        return random_state.normal(0.0, np.sqrt(variance(fan_in, fan_out)), (fan_in, fan_out))

    return weights


def _orthogonal(fan_in: int, fan_out: int, random_state: RandomState) -> NDArray:
    q, r = np.linalg.qr(random_state.normal(size=(max(fan_in, fan_out), min(fan_in, fan_out))))
    q *= np.sign(np.diag(r))
    return q if fan_in >= fan_out else q.T


VARIANCES: dict[str, tuple[str, Callable[[int, int], float]]] = {
    "glorot": ("2 / (fan_in + fan_out) (Glorot & Bengio, 2010)", lambda fan_in, fan_out: 2.0 / (fan_in + fan_out)),
    "he": ("2 / fan_in (He et al., 2015)", lambda fan_in, fan_out: 2.0 / fan_in),
    "lecun": ("1 / fan_in (LeCun et al., 1998)", lambda fan_in, fan_out: 1.0 / fan_in),
}

INITIALIZERS: dict[str, Initializer] = {
    row.name: row
    for row in (
        *(
            Initializer(f"{name}_{kind}", f"{kind} with variance {words}", family(variance))
            for name, (words, variance) in VARIANCES.items()
            for kind, family in (("uniform", _uniform), ("normal", _normal))
        ),
        Initializer(
            "orthogonal", "orthonormal rows or columns, uniformly distributed (Saxe et al., 2014)", _orthogonal
        ),
    )
}


def draw(
    init: str, units: Sequence[int], activations: Sequence[str], gain: float, random_state: RandomState
) -> tuple[list[NDArray], list[NDArray]]:
    """Draw the weights and biases of a network.

    Parameters
    ----------
    init : str
        A row of `INITIALIZERS`, or ``"auto"``: each layer uses the row that its activation names, and the output layer uses the
        row of the last hidden layer.
    units : sequence of int
        Layer sizes from the inputs to the outputs.
    activations : sequence of str
        One for each hidden layer.
    gain : float
        Factor of the weights.

    Returns
    -------
    weights : list of ndarray of shape (fan_in, fan_out)
    biases : list of ndarray of shape (fan_out,)
        Zero. Exception: under ``"auto"`` with the row ``"glorot_uniform"`` they are drawn like the weights, as in scikit-learn's
        MLP.

    Notes
    -----
    For the activations of scikit-learn's MLP, ``"auto"`` makes the same draws as scikit-learn, so the same seed gives the same
    initial weights. The bound is sqrt(2 / (fan_in + fan_out)) for the logistic function and sqrt(6 / (fan_in + fan_out))
    otherwise.
    """
    names = [*activations, activations[-1]] if activations else ["identity"]
    weights, biases = [], []
    for (fan_in, fan_out), name in zip(pairwise(units), names, strict=True):
        rule = ACTIVATIONS[name].init if init == "auto" else init
        if init == "auto" and rule == "glorot_uniform":
            bound = np.sqrt((2.0 if name == "logistic" else 6.0) / (fan_in + fan_out))
            weights.append(gain * random_state.uniform(-bound, bound, (fan_in, fan_out)))
            biases.append(random_state.uniform(-bound, bound, fan_out))
        else:
            weights.append(gain * INITIALIZERS[rule].weights(fan_in, fan_out, random_state))
            biases.append(np.zeros(fan_out))
    return weights, biases
