"""Parsing of dimensions: the notations allowed in a study file or in Python, one table row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from bpmodel.names import hints
from bpmodel.names.short import short
from search.space.dimensions import (
    GRID_POINTS,
    MOST_CHOICES,
    Choice,
    Conditional,
    Draws,
    Layers,
    Quantile,
    Range,
    is_number,
    label,
)
from search.space.interface import Dimension

RANGE_KEYS = ("low", "high", "log", "integer", "points")
LAYERS_KEYS = ("layers", "width")


def dimension(given: Any) -> Dimension:
    """Parse a dimension from a study file's value or a Python object.

    Lists are choices; a value that is listed twice counts once. ``{"low": …, "high": …, "log": …, "integer": …,
    "points": …}`` and tuples ``(low, high)``, ``(low, high, "log")`` are ranges, of integers if both ends are integers.
    Optuna distributions, frozen `scipy.stats` distributions and, for random search, other objects with ``rvs`` are
    accepted as they are. ``{"layers": …, "width": …}``
    is a list of layers: their number and each width are searched. A table with ``when``, which maps parameters to
    required values, is a conditional dimension: ``{"low": 0.5, "high": 0.99, "when": {"solver": "sgd"}}``, or
    ``{"values": …, "when": …}`` around any other notation.

    Raises
    ------
    ValueError
        If it is none of these; the message continues a sentence that begins with the parameter's name.

    Examples
    --------
    >>> dimension((1e-4, 1.0, "log")).grid()
    [0.0001, 0.001, 0.01, 0.1, 1.0]
    >>> dimension({"low": 1, "high": 3}).grid()
    [1, 2, 3]
    >>> dimension(["relu", "tanh"])
    Choice(values=('relu', 'tanh'))
    >>> dimension({"layers": (1, 2), "width": [16, 64]}).grid()
    [[16], [64], [16, 16], [64, 64]]
    """
    if isinstance(given, Dimension):
        return given
    if not isinstance(given, Mapping):
        return _first_that_fits(given, FORMS)
    table = dict(given)
    when = table.pop("when", None)
    plain = _first_that_fits(table, TABLES)
    if when is None:
        return plain
    if not isinstance(when, Mapping) or not when:
        raise ValueError(
            f"has when = {short(when)}; allowed is a table that maps parameters to the values they must have"
        )
    return Conditional(plain, dict(when))


IN_PYTHON = "a list of choices, a range (low, high) or (low, high, 'log')"
IN_STUDY_FILES = "a list of choices, a range { low = …, high = …, log = true }, or a fixed value under [model]"
"""The notations that are told to a user, in the language in which the space was written."""


class UnknownNotationError(ValueError):
    """A value that is no dimension in any notation."""

    def __init__(self, given: Any, allowed: str = IN_PYTHON) -> None:
        super().__init__(f"is {short(given)}; allowed are {allowed}")
        self.given = given


class Form(NamedTuple):
    """One notation for a dimension.

    Attributes
    ----------
    fits : callable
        Returns whether a value uses this notation.
    read : callable
        Parses the dimension; raises ValueError if it is invalid.
    """

    fits: Callable[[Any], bool]
    read: Callable[[Any], Dimension]


def _first_that_fits(given: Any, forms: Sequence[Form]) -> Dimension:
    for form in forms:
        if form.fits(given):
            return form.read(given)
    raise UnknownNotationError(given)


def _values(table: Mapping[str, Any]) -> Dimension:
    _check_keys(table, ("values",), "beside values")
    plain = dimension(table["values"])
    if plain.conditions:
        raise ValueError("has a when inside its values; allowed is one next to them")
    return plain


def _layers(table: Mapping[str, Any]) -> Layers:
    _check_keys(table, LAYERS_KEYS, "in layers")
    return Layers(*(_part(table, key) for key in LAYERS_KEYS))


def _part(table: Mapping[str, Any], key: str) -> Choice | Range:
    if key not in table:
        raise ValueError(f"has no {key}; a list of layers needs {' and '.join(LAYERS_KEYS)}")
    try:
        part = dimension(table[key])
    except ValueError as error:
        raise ValueError(f"has {key}, which {error}") from None
    if not isinstance(part, Choice | Range):
        raise ValueError(f"has {key} = {short(table[key])}; allowed are a list of whole numbers and a range of them")
    return part


def _is_pair(given: Any) -> bool:
    return isinstance(given, tuple) and 2 <= len(given) <= 3 and all(is_number(v) for v in given[:2])


def _range_from_pair(given: tuple[Any, ...]) -> Range:
    if len(given) == 3 and given[2] != "log":
        raise ValueError(
            f"is {short(given)}; a tuple that begins with two numbers is a range, whose third value can only be 'log'; "
            f"write choices as a list: {short(list(given))}"
        )
    return _range(given[0], given[1], log=len(given) == 3)


def _from_optuna(given: Any) -> Dimension:
    if given.step is None or (isinstance(given.step, int) and given.step == 1):
        return _range(given.low, given.high, log=given.log)
    n = Fraction(given.high - given.low) / Fraction(given.step) + 1  # of whole numbers of any size
    if n > MOST_CHOICES:
        raise ValueError(f"has {short(int(n))} steps; allowed are up to {MOST_CHOICES:,}")
    steps = np.arange(round(n))
    return Choice(tuple((given.low + given.step * steps).tolist()))


def _is_list(given: Any) -> bool:
    return isinstance(given, Sequence | np.ndarray) and not isinstance(given, str)


def _choices(given: Sequence[Any]) -> Choice:
    """Return a choice of values, each of them once: `np.linspace(1, 4, 9).astype(int)` has some twice."""
    found: dict[str, Any] = {}
    try:
        for value in given:
            found.setdefault(label(value), value)
    except (ValueError, RecursionError):  # Python does not write whole numbers of thousands of digits
        return Choice(tuple(given))  # which says so
    return Choice(tuple(found.values()))


def _range_from_table(table: Mapping[str, Any]) -> Range:
    _check_keys(table, RANGE_KEYS, "in a range")
    for key in ("low", "high"):
        if not is_number(table.get(key)):
            raise ValueError(f"has {key} = {short(table.get(key))}; a range needs a number there")
    for key in ("log", "integer"):
        if not isinstance(table.get(key, False), bool):
            raise ValueError(f"has {key} = {short(table[key])}; allowed are true and false")
    points = table.get("points", GRID_POINTS)
    if isinstance(points, bool) or not isinstance(points, int):
        raise ValueError(f"has points = {short(points)}; a grid needs a whole number")
    return _range(table["low"], table["high"], table.get("log", False), table.get("integer"), points)


def _range(low: float, high: float, log: bool = False, integer: bool | None = None, points: int = GRID_POINTS) -> Range:
    low, high = (v.item() if isinstance(v, np.generic) else v for v in (low, high))
    if integer is None:
        integer = isinstance(low, int) and isinstance(high, int)
    return Range(low, high, bool(log), integer, points)


def _check_keys(table: Mapping[str, Any], allowed: Sequence[str], where: str) -> None:
    for key in table:
        if key not in allowed:
            meant = hints.of_key(key, (*allowed, "when"))
            raise ValueError(f"has a key {short(key)}{meant}; allowed {where} are {', '.join((*allowed, 'when'))}")


TABLES = (
    Form(lambda table: "values" in table, _values),
    Form(lambda table: "layers" in table or "width" in table, _layers),
    Form(lambda table: True, _range_from_table),
)
"""Notations as a table, without ``when``; the first that fits is used."""

FORMS = (
    Form(_is_pair, _range_from_pair),
    Form(lambda given: hasattr(given, "ppf") and hasattr(given, "dist"), Quantile),  # a frozen distribution of SciPy
    Form(lambda given: hasattr(given, "rvs"), Draws),
    Form(lambda given: hasattr(given, "choices"), lambda given: Choice(tuple(given.choices))),  # these two: Optuna
    Form(lambda given: hasattr(given, "low") and hasattr(given, "high"), _from_optuna),
    Form(_is_list, lambda given: _choices(given.tolist() if isinstance(given, np.ndarray) else given)),
)
"""All other notations; the first that fits is used."""
