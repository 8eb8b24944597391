"""What a fit takes, counted before it begins: a network that cannot fit into memory is refused by name, not killed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bpmodel.names.amounts import bytes_told
from bpmodel.network.fit import History
from bpmodel.network.machine import memory
from bpmodel.network.parameters import n_weights

COPIES = 6
"""Vectors as long as the parameters that a fit holds besides the update rule's: the parameters, the gradient, the best weights,
those before the epoch, and two of the probes."""


OF_LAYERS = sum(name.startswith("layer_") for name in History._fields)
OF_FITS = len(History._fields) - OF_LAYERS
"""Curves that have a value for each layer, and those that have one."""


class Demand(NamedTuple):
    """The bytes of a fit, by what asks for them."""

    parameters: int
    """weights, biases and scales"""
    weights: float
    """bytes of the parameters and of all that is as long"""
    outputs: float
    """bytes of the outputs of all units for a minibatch"""
    history: float
    """bytes of the curves"""

    @property
    def total(self) -> float:
        return self.weights + self.outputs + self.history


def demand(
    units: Sequence[int], item: int, slots: int = 0, batch: int = 1, epochs: int = 1, *, normalized: bool = False
) -> Demand:
    """Return what a fit takes.

    Parameters
    ----------
    units : sequence of int
        Units of each layer, inputs and outputs included.
    item : int
        Bytes of a number.
    slots : int
        Vectors that the update rule keeps.
    batch : int
        Rows of a minibatch.
    epochs : int
        The most epochs; their curves are allocated at the start.
    normalized : bool
        Whether hidden units have a scale.

    Examples
    --------
    >>> demand([10, 100, 1], 4, slots=2).parameters
    1201
    """
    parameters = n_weights(units) + sum(units[1:]) + (sum(units[1:-1]) if normalized else 0)
    layers = len(units) - 1
    columns = OF_FITS + OF_LAYERS * layers
    return Demand(
        parameters,
        item * (COPIES + slots) * parameters,
        item * batch * (sum(units) + 2 * max(units[1:])),
        8 * epochs * columns,
    )


def too_large(size: float) -> str:
    """Return how much memory a number of bytes is, and what is allowed, if this process cannot have it; otherwise nothing.

    >>> too_large(1e30)[:30], too_large(1)
    ('take 1,000,000,000,000,000,000', '')
    """
    limit = memory()
    if size <= limit:
        return ""
    return f"take {bytes_told(size)} of memory; allowed are {bytes_told(limit)}, which this process can have"


def check(found: Demand, settings: Callable[[], dict[str, str]]) -> None:
    """Check that a fit can have the memory that it takes.

    Parameters
    ----------
    found : Demand
    settings : callable
        Returns the option that asks for each field of `found`, and its value, as a message has it.

    Raises
    ------
    ValueError
        With the option, its value, what it asks for, and what there is.
    """
    if not (lacking := too_large(found.total)):
        return
    most = max(("weights", "outputs", "history"), key=lambda name: getattr(found, name))
    told = {
        "weights": f"a fit of a network with {found.parameters:,} weights and biases",
        "outputs": "a fit with the outputs of all units for a minibatch",
        "history": "a fit with the curves of all epochs",
    }[most]
    raise ValueError(f"{settings()[most]}: {told} would {lacking}")
