"""The axes of a space as coordinates: each value of a trial as a number from 0 to 1, with labels beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from search import formatting
from search.plots.labels import choice
from search.space.dimensions import Choice, Draws, Quantile, Range, is_number, label
from search.space.interface import Axis
from search.space.spaces import ALTERNATIVE, Leaf

MOST_LABELS = 9
"""Labels beside a coordinate: of more choices, some have none."""

RATES = ("learning_rate_init", "learning_rate", "eta0", "eta")
"""Parameters that are learning rates: their last part, the surest first."""


@dataclass(frozen=True)
class Coordinate:
    """An axis of the space.

    Attributes
    ----------
    name : str
    places : dict of int to float
        From 0 to 1, for each trial that has a value.
    labels : list of (float, str)
        Places that are labelled.
    low, high : float
        The values at 0 and 1; the places of the first and the last choice, if it has no numbers.
    log, numeric : bool
    values : dict of int to any
    ordered : bool
        Whether the values are numbers, of a choice also.
    shared : bool
        Whether it is like another one: the width of a further layer.
    """

    name: str
    places: Mapping[int, float]
    labels: Sequence[tuple[float, str]]
    low: float
    high: float
    log: bool
    numeric: bool
    values: Mapping[int, Any]
    ordered: bool = False
    shared: bool = False

    def at(self, place: Any) -> Any:
        """Return the number at a place."""
        return self.low * (self.high / self.low) ** place if self.log else self.low + place * (self.high - self.low)


def coordinates(axes: Mapping[str, Leaf], leaves: Mapping[int, Mapping[str, Any]]) -> dict[str, Coordinate]:
    """Return the axes of a space that some trial has a value of; those that alternative spaces have alike are one.

    Parameters
    ----------
    axes : dict of str to Leaf
    leaves : dict of int to dict
        The values of the axes for each trial.
    """
    found = {}
    for name, alike in _merged(axes).items():
        leaf = axes[alike[0]]
        values = {number: own[axis] for number, own in leaves.items() for axis in alike if axis in own}
        if values:
            made = COORDINATES[type(leaf.dimension)](name, leaf.dimension, values)
            ordered = made.numeric or getattr(leaf.dimension, "ordered", False)
            found[name] = replace(made, ordered=ordered, shared=leaf.shared and not name.endswith("width_1"))
    return found


def _merged(axes: Mapping[str, Leaf]) -> dict[str, list[str]]:
    """Return the axes by the name of the parameter alone, where all alternative spaces have the same values of it."""
    if ALTERNATIVE not in axes:
        return {name: [name] for name in axes}
    groups: dict[str, list[str]] = {}
    for name in axes:
        groups.setdefault(name.partition(": ")[2] or name, []).append(name)
    found: dict[str, list[str]] = {}
    for short, names in groups.items():
        alike = all(axes[name].dimension == axes[names[0]].dimension for name in names)
        found |= {short: names} if alike else {name: [name] for name in names}
    return found


def learning_rate(found: Mapping[str, Coordinate]) -> Coordinate | None:
    """Return the coordinate that is a learning rate, if it is searched."""
    for rate in RATES:
        for name, one in found.items():
            if name.rpartition("__")[2].rpartition(": ")[2] == rate and one.numeric and one.high > one.low:
                return one
    return None


def _numbers(name: str, low: float, high: float, log: bool, values: Mapping[int, Any]) -> Coordinate:
    scaled = (lambda value: np.log(value / low)) if log else (lambda value: value - low)
    whole = float(scaled(high)) or 1.0
    places = {number: float(scaled(value)) / whole for number, value in values.items()}
    labels = [(float(scaled(value)) / whole, formatting.number(value)) for value in _round(low, high, log)]
    return Coordinate(name, places, labels, float(low), float(high), log, True, values)


def _round(low: float, high: float, log: bool) -> list[Any]:
    """Return both ends and a number in the middle."""
    middle = (low * high) ** 0.5 if log else (low + high) / 2
    return [low, float(f"{middle:.2g}"), high] if high > low else [low]


def _of_range(name: str, dimension: Range, values: Mapping[int, Any]) -> Coordinate:
    return _numbers(name, dimension.low, dimension.high, dimension.log, values)


def _of_data(name: str, dimension: Axis, values: Mapping[int, Any]) -> Coordinate:
    """Return the coordinate of numbers from a distribution, which may have no ends: those of the trials."""
    known = [float(value) for value in values.values()]
    low, high = min(known), max(known)
    return _numbers(name, low, high, low > 0 and high / low > 100, values)


def _of_choice(name: str, dimension: Choice, values: Mapping[int, Any]) -> Coordinate:
    if dimension.ordered and len(dimension.values) > MOST_LABELS:
        return _of_data(name, dimension, values)
    order = sorted(dimension.values) if dimension.ordered else dimension.values
    return _of_labels(name, [label(value) for value in order], values)


def _of_labels(name: str, texts: Sequence[str], values: Mapping[int, Any]) -> Coordinate:
    steps = max(len(texts) - 1, 1)
    at = {text: (i / steps if len(texts) > 1 else 0.5) for i, text in enumerate(texts)}
    places = {number: at[label(value)] for number, value in values.items()}
    kept = list(at)[:: -(-len(at) // MOST_LABELS)]
    return Coordinate(
        name, places, [(at[text], choice(text)) for text in kept], 0.0, float(steps), False, False, values
    )


def _of_draws(name: str, dimension: Draws, values: Mapping[int, Any]) -> Coordinate:
    if all(is_number(value) for value in values.values()):
        return _of_data(name, dimension, values)
    return _of_labels(name, list(dict.fromkeys(label(value) for value in values.values())), values)


COORDINATES: dict[type[Axis], Callable[[str, Any, Mapping[int, Any]], Coordinate]] = {
    Choice: _of_choice,
    Range: _of_range,
    Quantile: _of_data,
    Draws: _of_draws,
}
"""The coordinate of each kind of axis."""
