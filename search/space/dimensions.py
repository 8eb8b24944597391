"""The kinds of dimension of a search space, one class each.

A new kind needs a class here and a row in each consumer's table, keyed by the class. A test names the tables that lack
a row (`tests/search/space/test_every_dimension.py`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from bpmodel.domains import MOST_LAYERS, MOST_UNITS
from bpmodel.names import hints
from bpmodel.names.short import short
from search.space.interface import Axis, Dimension, Part

GRID_POINTS = 5
"""Default number of grid points of a range."""

MOST_POINTS = MOST_CHOICES = 10_000
"""The most points and choices of a dimension: methods that learn look at all of them in each trial."""

LARGEST, SMALLEST, LARGEST_WHOLE = 1e150, 1e-150, 2**53
"""Bounds of the ends of a range, so that their difference and ratio are floats, and whole numbers are exact."""


@dataclass(frozen=True)
class Choice(Axis):
    """One of several values, of any type."""

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("is an empty list; a list of choices needs at least one value")
        if len(self.values) > MOST_CHOICES:
            raise ValueError(f"lists {len(self.values):,} values; allowed are up to {MOST_CHOICES:,}")
        try:
            different = len(set(self.labels))
        except (ValueError, RecursionError):  # Python does not write whole numbers of thousands of digits
            raise ValueError(f"is {short(list(self.values))}; allowed are values that can be written") from None
        if different < len(self.values):
            raise ValueError("lists a value twice")

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """A text for each value: unique, and the same in every process."""
        return tuple(label(value) for value in self.values)

    @property
    def ordered(self) -> bool:
        """Whether all values are numbers."""
        return all(is_number(value) for value in self.values)

    @property
    def n_values(self) -> float:
        return len(self.values)

    @property
    def listed(self) -> Sequence[Any]:
        return self.values

    def grid(self) -> list[Any]:
        return list(self.values)

    def middle(self) -> Any:
        """Return the middle one of numbers, the lower one of two; otherwise the first value: others have no order."""
        return sorted(self.values)[(len(self.values) - 1) // 2] if self.ordered else self.values[0]

    def extremes(self) -> list[Any]:
        return list(self.values)

    def at(self, u: float) -> Any:
        return self.values[min(int(u * len(self.values)), len(self.values) - 1)]

    def place(self, value: Any) -> float:
        return (self.labels.index(label(value)) + 0.5) / len(self.values)

    def check(self, value: Any) -> Any:
        for allowed in self.values:
            if label(allowed) == label(value) or (is_number(allowed) and is_number(value) and allowed == value):
                return allowed
        meant = hints.of_name(value, self.labels) if isinstance(value, str) else ""
        raise ValueError(f"is {short(value)}{meant}; allowed are {', '.join(self.labels)}")

    def encode(self, value: Any) -> str:
        return label(value)

    def decode(self, code: str) -> Any:
        return self.values[self.labels.index(code)]

    def describe(self) -> Any:
        return list(self.labels)


@dataclass(frozen=True)
class Range(Axis):
    """A range of numbers, both ends included: real or `integer`, linear or `log`, with `points` grid points."""

    low: float
    high: float
    log: bool = False
    integer: bool = False
    points: int = GRID_POINTS

    def __post_init__(self) -> None:
        largest, kind = (LARGEST_WHOLE, "whole numbers") if self.integer else (LARGEST, "numbers")
        for key, value in (("low", self.low), ("high", self.high)):
            if not -largest <= value <= largest:
                raise ValueError(f"has {key} = {short(value)}; allowed are {kind} from -{largest} to {largest}")
        if not self.low < self.high:
            raise ValueError(f"has low = {self.low} and high = {self.high}; low must be below high")
        if self.log and self.low <= 0:
            raise ValueError(f"has low = {self.low} and log = true; a logarithmic range must start above 0")
        if self.log and self.low < SMALLEST:
            raise ValueError(f"has low = {self.low} and log = true; allowed are numbers from {SMALLEST:g}")
        if self.integer and not (float(self.low).is_integer() and float(self.high).is_integer()):
            raise ValueError(f"has low = {self.low} and high = {self.high}; a range of integers needs whole numbers")
        if self.points < 2:
            raise ValueError(f"has points = {self.points}; a grid needs at least 2")
        if self.points > MOST_POINTS:
            raise ValueError(f"has points = {short(self.points)}; allowed are up to {MOST_POINTS}")

    @property
    def listed(self) -> Sequence[Any] | None:
        return range(int(self.low), int(self.high) + 1) if self.integer else None

    @property
    def _margin(self) -> float:
        """Widening of an integer range at both ends, which gives each integer an interval of the same width."""
        return 0.5 if self.integer else 0.0

    def grid(self) -> list[Any]:
        return list(dict.fromkeys(self._number(u) for u in np.linspace(0, 1, self.points)))

    def extremes(self) -> list[Any]:
        return [self.at(0.0), self.at(1.0)]

    def at(self, u: float) -> float:
        return self._number(u, self._margin)

    def place(self, value: float) -> float:
        low, high = self.low - self._margin, self.high + self._margin
        return math.log(value / low) / math.log(high / low) if self.log else (value - low) / (high - low)

    def _number(self, u: float, margin: float = 0.0) -> float:
        low, high = self.low - margin, self.high + margin
        value = low * (high / low) ** u if self.log else low + u * (high - low)
        value = min(max(float(f"{value:.12g}"), self.low), self.high)
        return round(value) if self.integer else value

    def check(self, value: Any) -> float:
        if not is_number(value) or not self.low <= value <= self.high or (self.integer and value != round(value)):
            kind = "whole numbers" if self.integer else "numbers"
            raise ValueError(f"is {short(value)}; allowed are {kind} from {self.low} to {self.high}")
        return self.encode(value)

    def encode(self, value: float) -> float:
        return int(value) if self.integer else float(value)

    def decode(self, code: float) -> float:
        return self.encode(code)

    def describe(self) -> Any:
        return {"low": self.low, "high": self.high, "log": self.log, "integer": self.integer}


@dataclass(frozen=True)
class Quantile(Axis):
    """A frozen `scipy.stats` distribution, searched through its quantile function."""

    distribution: Any
    points: int = GRID_POINTS

    @property
    def integer(self) -> bool:
        """Whether the distribution is discrete."""
        return not hasattr(self.distribution.dist, "pdf")

    def grid(self) -> list[Any]:
        return list(dict.fromkeys(self.at(u) for u in (np.arange(self.points) + 0.5) / self.points))

    def extremes(self) -> list[Any]:
        return [self.at(0.0), self.at(1.0)]

    def at(self, u: float) -> float:
        value = self.distribution.ppf(min(max(u, 1e-9), 1 - 1e-9))
        return int(value) if self.integer else float(value)

    def place(self, value: float) -> float:
        below = self.distribution.cdf(value - 1) if self.integer else self.distribution.cdf(value)
        return float(below + self.distribution.cdf(value)) / 2

    def check(self, value: Any) -> float:
        low, high = self.distribution.support()
        if not is_number(value) or not low <= value <= high or (self.integer and value != round(value)):
            kind = "whole numbers" if self.integer else "numbers"
            raise ValueError(f"is {short(value)}; allowed are {kind} from {low} to {high}")
        return int(value) if self.integer else float(value)

    def encode(self, value: float) -> float:
        return self.place(value)

    def decode(self, code: float) -> float:
        return self.at(code)

    def describe(self) -> Any:
        frozen = self.distribution
        return [frozen.dist.name, list(map(float, frozen.args)), {k: float(v) for k, v in sorted(frozen.kwds.items())}]


@dataclass(frozen=True)
class Draws(Axis):
    """Values of any type that an object draws by ``rvs(random_state=…)``, as in `RandomizedSearchCV`.

    There is no more to know of them: a number in [0, 1) is the seed of a draw, and a value is found again if it was drawn.
    """

    distribution: Any
    drawn: dict[str, float] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        try:
            self.at(0.5)
        except Exception as error:
            raise ValueError(f"is {self.distribution!r}, whose rvs fails: {type(error).__name__}: {error}") from error

    def grid(self) -> list[Any]:
        return [self.at((i + 0.5) / GRID_POINTS) for i in range(GRID_POINTS)]

    def extremes(self) -> list[Any]:
        return [self.at(0.0), self.at(1.0)]

    def at(self, u: float) -> Any:
        value = self.distribution.rvs(random_state=np.random.RandomState(min(int(u * 2**32), 2**32 - 1)))
        value = value.item() if isinstance(value, np.generic) else value
        self.drawn.setdefault(label(value), u)
        return value

    def place(self, value: Any) -> float:
        return self.drawn[label(value)]

    def check(self, value: Any) -> Any:
        if label(value) not in self.drawn:
            raise ValueError(f"is {short(value)}; allowed are values that {type(self.distribution).__name__} has drawn")
        return value

    def encode(self, value: Any) -> float:
        return self.place(value)

    def decode(self, code: float) -> Any:
        return self.at(code)

    def describe(self) -> Any:
        return [type(self.distribution).__name__]


@dataclass(frozen=True)
class Layers(Dimension):
    """Lists of integers: the number of `layers`, and the `width` of each layer."""

    layers: Choice | Range
    width: Choice | Range

    def __post_init__(self) -> None:
        for key, part, least, most in (("layers", self.layers, 0, MOST_LAYERS), ("width", self.width, 1, MOST_UNITS)):
            if not all(isinstance(value, int) and least <= value <= most for value in part.extremes()):
                raise ValueError(
                    f"has {key} = {short(part.describe())}; allowed are whole numbers from {least} to {most}"
                )
        n_points = len(self.layers.grid()) * len(self.width.grid())
        if n_points > MOST_POINTS:
            raise ValueError(
                f"has {n_points:,} grid points; allowed are up to {MOST_POINTS:,}: lower points, or list fewer values"
            )

    def parts(self) -> dict[str, Part]:
        """Return the number of layers, and a width for each possible layer.

        A width exists if there are enough layers.
        """
        numbers = {n: label(n) for n in self.layers.listed or ()}
        found = {"layers": Part(self.layers)}
        for i in range(1, max(numbers) + 1):
            enough = frozenset(text for n, text in numbers.items() if n >= i)
            found[f"width_{i}"] = Part(self.width, {"layers": enough}, shared=True)
        return found

    def split(self, value: list[int]) -> dict[str, Any]:
        return {"layers": len(value)} | {f"width_{i}": width for i, width in enumerate(value, start=1)}

    def join(self, parts: Mapping[str, Any]) -> list[int]:
        return [parts[f"width_{i}"] for i in range(1, parts["layers"] + 1)]

    def grid(self) -> list[list[int]]:
        """Return lists with equal widths only: all lists would be too many."""
        return _distinct([[width] * n for n in self.layers.grid() for width in self.width.grid()])

    def middle(self) -> list[int]:
        return [self.width.middle()] * self.layers.middle()

    def extremes(self) -> list[list[int]]:
        return _distinct([[width] * n for n in self.layers.extremes() for width in self.width.extremes()])

    def check(self, value: Any) -> list[int]:
        if not isinstance(value, list | tuple):
            raise ValueError(f"is {short(value)}; allowed are lists of whole numbers, one for each layer")
        for key, part, numbers in (("layers", self.layers, [len(value)]), ("width", self.width, value)):
            for number in numbers:
                try:
                    part.check(number)
                except ValueError as error:
                    raise ValueError(f"is {short(value)}: its {key} {error}") from None
        return list(value)

    def describe(self) -> Any:
        return {"layers": self.layers.describe(), "width": self.width.describe()}


@dataclass(frozen=True)
class Conditional(Dimension):
    """A dimension that exists only if each parameter of `when` has one of the values listed there."""

    dimension: Dimension
    when: dict[str, Any]

    @property
    def n_values(self) -> float:
        return self.dimension.n_values

    @property
    def conditions(self) -> Mapping[str, Any]:
        return self.when

    def grid(self) -> list[Any]:
        return self.dimension.grid()

    def middle(self) -> Any:
        return self.dimension.middle()

    def extremes(self) -> list[Any]:
        return self.dimension.extremes()

    def check(self, value: Any) -> Any:
        return self.dimension.check(value)

    def describe(self) -> Any:
        return {"values": self.dimension.describe(), "when": {k: label(v) for k, v in self.when.items()}}

    def parts(self) -> dict[str, Part]:
        return self.dimension.parts()

    def split(self, value: Any) -> dict[str, Any]:
        return self.dimension.split(value)

    def join(self, parts: Mapping[str, Any]) -> Any:
        return self.dimension.join(parts)


def label(value: Any) -> str:
    """Return a short text that identifies a value: JSON if possible, otherwise its ``repr``."""
    if isinstance(value, np.generic):
        value = value.item()
    try:
        return value if isinstance(value, str) else json.dumps(value)
    except (TypeError, ValueError):
        return repr(value)


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number, or a whole number of any size; booleans are not."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return False
    return isinstance(value, int) or math.isfinite(value)  # which fails for whole numbers beyond the largest float


def _distinct(lists: list[list[int]]) -> list[list[int]]:
    return [list(key) for key in dict.fromkeys(map(tuple, lists))]
