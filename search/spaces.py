"""The search space: one definition serves grid, random and Bayesian search.

A space is a dict from parameter names to dimensions. A dimension is inert data that can list its grid points and turn a number
in [0, 1) into a value; nothing here knows how proposals are made. ``encode`` turns a value into a text or number that can be
stored, ``decode`` turns that back.
"""

from __future__ import annotations

import itertools
import json
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from search.errors import StudyError

DEFAULT = """\
hidden_layer_sizes = [[32], [64], [128], [64, 32]]
activation = ["relu", "tanh", "logistic"]
learning_rate_init = { low = 1e-4, high = 0.1, log = true }
alpha = { low = 1e-4, high = 10.0, log = true }
batch_size = [32, 64, 128]
"""
"""A space to start from, as in a study file."""

GRID_POINTS = 5
"""Points of a range on a grid, unless the range says otherwise."""


@dataclass(frozen=True)
class Choice:
    """One of several values, of any type."""

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("is an empty list; a list of choices needs at least one value")
        if len(set(self.labels)) < len(self.values):
            raise ValueError("lists a value twice")

    @property
    def labels(self) -> tuple[str, ...]:
        """A text for each value, unique, the same in every process."""
        return tuple(label(value) for value in self.values)

    def grid(self) -> list[Any]:
        return list(self.values)

    def at(self, u: float) -> Any:
        return self.values[min(int(u * len(self.values)), len(self.values) - 1)]

    def encode(self, value: Any) -> str:
        return label(value)

    def decode(self, code: str) -> Any:
        return self.values[self.labels.index(code)]

    def describe(self) -> Any:
        return list(self.labels)


@dataclass(frozen=True)
class Range:
    """A range of numbers, both ends included: real or `integer`, linear or `log`, with `points` on a grid."""

    low: float
    high: float
    log: bool = False
    integer: bool = False
    points: int = GRID_POINTS

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"has low = {self.low} and high = {self.high}; low must be below high")
        if self.log and self.low <= 0:
            raise ValueError(f"has low = {self.low} and log = true; a logarithmic range must start above 0")
        if self.integer and not (float(self.low).is_integer() and float(self.high).is_integer()):
            raise ValueError(f"has low = {self.low} and high = {self.high}; a range of integers needs whole numbers")
        if self.points < 2:
            raise ValueError(f"has points = {self.points}; a grid needs at least 2")

    def grid(self) -> list[float]:
        return list(dict.fromkeys(self._number(u) for u in np.linspace(0, 1, self.points)))

    def at(self, u: float) -> float:
        # an integer range is cut into equal pieces around its integers, so that the ends are as likely as the others
        return self._number(u, margin=0.5 if self.integer else 0.0)

    def _number(self, u: float, margin: float = 0.0) -> float:
        low, high = self.low - margin, self.high + margin
        value = low * (high / low) ** u if self.log else low + u * (high - low)
        value = min(max(float(f"{value:.12g}"), self.low), self.high)
        return round(value) if self.integer else value

    def encode(self, value: float) -> float:
        return int(value) if self.integer else float(value)

    decode = encode

    def describe(self) -> Any:
        return {"low": self.low, "high": self.high, "log": self.log, "integer": self.integer}


@dataclass(frozen=True)
class Quantile:
    """A frozen `scipy.stats` distribution, by its quantile function."""

    distribution: Any
    points: int = GRID_POINTS

    def grid(self) -> list[float]:
        return list(dict.fromkeys(self.at(u) for u in (np.arange(self.points) + 0.5) / self.points))

    def at(self, u: float) -> float:
        value = self.distribution.ppf(min(max(u, 1e-9), 1 - 1e-9))
        discrete = not hasattr(self.distribution.dist, "pdf")
        return int(value) if discrete else float(value)

    def encode(self, value: float) -> float:
        return float(self.distribution.cdf(value))

    def decode(self, code: float) -> float:
        return self.at(code)

    def describe(self) -> Any:
        frozen = self.distribution
        return [frozen.dist.name, list(map(float, frozen.args)), {k: float(v) for k, v in sorted(frozen.kwds.items())}]


Dimension = Choice | Range | Quantile
Space = dict[str, Dimension]


def label(value: Any) -> str:
    """Return a short text that stands for a value: JSON where that exists, otherwise its ``repr``."""
    if isinstance(value, np.generic):
        value = value.item()
    try:
        return value if isinstance(value, str) else json.dumps(value)
    except (TypeError, ValueError):
        return repr(value)


def dimension(given: Any) -> Dimension:
    """Return the dimension that a value of a study file or of a Python dict stands for.

    Lists are choices; ``{"low": …, "high": …, "log": …, "integer": …, "points": …}`` and tuples ``(low, high)``,
    ``(low, high, "log")`` are ranges, of integers if both ends are; Optuna distributions and frozen `scipy.stats`
    distributions stand for themselves.

    Raises
    ------
    ValueError
        If it is none of these; the message goes on after the parameter's name.

    Examples
    --------
    >>> dimension((1e-4, 1.0, "log")).grid()
    [0.0001, 0.001, 0.01, 0.1, 1.0]
    >>> dimension({"low": 1, "high": 3}).grid()
    [1, 2, 3]
    >>> dimension(["relu", "tanh"])
    Choice(values=('relu', 'tanh'))
    """
    if isinstance(given, Choice | Range | Quantile):
        return given
    if isinstance(given, Mapping):
        return _range_from_table(given)
    if isinstance(given, tuple) and 2 <= len(given) <= 3 and all(_is_number(v) for v in given[:2]):
        if len(given) == 3 and given[2] != "log":
            raise ValueError(f"is {given!r}; the third value of a range can only be 'log'")
        return _range(given[0], given[1], log=len(given) == 3)
    if hasattr(given, "ppf"):
        return Quantile(given)
    if hasattr(given, "choices"):
        return Choice(tuple(given.choices))
    if hasattr(given, "low") and hasattr(given, "high"):
        step = getattr(given, "step", None)
        if step not in (None, 1):
            return Choice(tuple(np.arange(given.low, given.high + step / 2, step).tolist()))
        return _range(given.low, given.high, log=given.log)
    if isinstance(given, Sequence | np.ndarray) and not isinstance(given, str):
        return Choice(tuple(given.tolist() if isinstance(given, np.ndarray) else given))
    raise ValueError(
        f"is {given!r}; allowed are a list of choices, a range {{ low = …, high = …, log = true }}, "
        "or a fixed value under [model]"
    )


def build(given: Mapping[str, Any], where: str = "space") -> Space:
    """Return the space of a dict of dimensions; errors name `where` and the key."""
    space: Space = {}
    for name, value in given.items():
        try:
            space[name] = dimension(value)
        except ValueError as error:
            raise StudyError(f"{where}: {name} {error}") from None
    if not space:
        raise StudyError(f"{where} is empty: nothing to search; name at least one hyperparameter")
    return space


def default(prefix: str = "") -> Space:
    """Return the space to start from, parameter names with a prefix."""
    return build({prefix + name: value for name, value in tomllib.loads(DEFAULT).items()})


def grid_size(space: Space) -> int:
    """Return the number of points of the grid."""
    return math.prod(len(d.grid()) for d in space.values())


def grid_points(space: Space) -> Iterator[dict[str, Any]]:
    """Yield the points of the grid; the last parameter changes fastest."""
    for values in itertools.product(*(d.grid() for d in space.values())):
        yield dict(zip(space, values, strict=True))


def random_point(space: Space, seed: int, number: int) -> dict[str, Any]:
    """Return random point `number`: a pure function of space, seed and number."""
    numbers = np.random.default_rng([seed, number]).random(len(space))
    return {name: d.at(u) for (name, d), u in zip(space.items(), numbers, strict=True)}


def describe(space: Space) -> dict[str, Any]:
    """Return the space as JSON, to compare spaces and to store them."""
    return {name: d.describe() for name, d in space.items()}


def describe_grid(space: Space) -> dict[str, list[str]]:
    """Return the values of each parameter on the grid, as texts."""
    return {name: [label(value) for value in d.grid()] for name, d in space.items()}


def check_values(space: Space, check: Callable[[str, Any], None]) -> None:
    """Call `check` with name and value for all choices and for both ends of all ranges."""
    for name, d in space.items():
        values = d.values if isinstance(d, Choice) else (d.at(0.0), d.at(1.0))
        for value in values:
            check(name, value)


def _range_from_table(table: Mapping[str, Any]) -> Range:
    allowed = ("low", "high", "log", "integer", "points")
    for key in table:
        if key not in allowed:
            raise ValueError(f"has a key {key!r}; allowed in a range are {', '.join(allowed)}")
    for key in ("low", "high"):
        if not _is_number(table.get(key)):
            raise ValueError(f"has {key} = {table.get(key)!r}; a range needs a number there")
    for key in ("log", "integer"):
        if not isinstance(table.get(key, False), bool):
            raise ValueError(f"has {key} = {table[key]!r}; allowed are true and false")
    points = table.get("points", GRID_POINTS)
    if isinstance(points, bool) or not isinstance(points, int):
        raise ValueError(f"has points = {points!r}; a grid needs a whole number")
    return _range(table["low"], table["high"], table.get("log", False), table.get("integer"), points)


def _range(low: float, high: float, log: bool = False, integer: bool | None = None, points: int = GRID_POINTS) -> Range:
    if integer is None:
        integer = all(isinstance(v, int | np.integer) for v in (low, high))
    return Range(low, high, bool(log), integer, points)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)
