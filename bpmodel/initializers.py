"""Starting values of weights and biases."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bpmodel.activations import ACTIVATIONS


def glorot_uniform(
    units: Sequence[int], activation: str, random_state: np.random.RandomState
) -> tuple[list[NDArray], list[NDArray]]:
    """Draw weights and biases from U(-b, b) with b = sqrt(f / (fan_in + fan_out)).

    f is 2 for the logistic function and 6 otherwise (Glorot & Bengio, 2010). The draws come in scikit-learn's order, so
    the same seed gives the same start as its MLP.

    Parameters
    ----------
    units : sequence of int
        Layer sizes from the inputs to the outputs.

    Returns
    -------
    weights : list of ndarray of shape (fan_in, fan_out)
    biases : list of ndarray of shape (fan_out,)
    """
    factor = ACTIVATIONS[activation].init_factor
    weights, biases = [], []
    for fan_in, fan_out in pairwise(units):
        bound = np.sqrt(factor / (fan_in + fan_out))
        weights.append(random_state.uniform(-bound, bound, (fan_in, fan_out)))
        biases.append(random_state.uniform(-bound, bound, fan_out))
    return weights, biases
