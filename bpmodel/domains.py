"""Domains of hyperparameters: what is allowed, in words and as a type."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sized
from numbers import Integral, Real
from typing import Any

import numpy as np

from bpmodel.names import hints
from bpmodel.names.short import short

MANY = 2**31 - 1
"""The most that a whole number may be where it only counts or compares: compiled code has 64 bits for sums and products."""

MOST_UNITS, MOST_LAYERS, MOST_EPOCHS, MOST_JOBS = 1_000_000, 1000, 10_000_000, 1024
"""Bounds far above what anybody trains; `bpmodel.network.sizes` counts what a network takes."""


class InvalidParameterError(ValueError, TypeError):
    """A hyperparameter is outside its domain."""


class Domain(ABC):
    """A set of allowed values: `value in domain` tests one, `str(domain)` puts it in words, ``|`` joins two.

    `annotation` is the type for type checkers. `hint` is for messages: it tells how to add to the domain. `elements` is what
    the elements of a list may be, or None. `names` are the texts in it, if they can be listed.

    Examples
    --------
    >>> either = AT_LEAST_ONE | NONE
    >>> 3 in either, None in either, 0 in either
    (True, True, False)
    >>> print(either, "|", either.annotation)
    a whole number >= 1 and <= 2147483647 or None | int | None
    """

    annotation = "Any"
    hint = ""
    elements: Domain | None = None
    names: Collection[str] = ()

    @abstractmethod
    def __contains__(self, value: object) -> bool: ...

    def __or__(self, other: Domain) -> Domain:
        return AnyOf(*self.domains, *other.domains)

    @property
    def domains(self) -> tuple[Domain, ...]:
        """The domains that this one joins."""
        return (self,)


class AnyOf(Domain):
    """Values in at least one of several domains."""

    def __init__(self, *domains: Domain) -> None:
        self._domains = domains
        self.annotation = " | ".join(dict.fromkeys(domain.annotation for domain in domains))
        self.elements = next((domain.elements for domain in domains if domain.elements), None)

    def __contains__(self, value: object) -> bool:
        return any(value in domain for domain in self._domains)

    def __str__(self) -> str:
        return " or ".join(map(str, self._domains))

    @property
    def domains(self) -> tuple[Domain, ...]:
        return self._domains

    @property
    def names(self) -> list[str]:  # type: ignore[override]
        return [name for domain in self._domains for name in domain.names]

    @property
    def hint(self) -> str:  # type: ignore[override]
        return next((domain.hint for domain in self._domains if domain.hint), "")


class Kind(Domain):
    """Values that pass a test."""

    def __init__(self, words: str, annotation: str, test: Callable[[Any], bool]) -> None:
        self._words, self.annotation, self._test = words, annotation, test

    def __contains__(self, value: object) -> bool:
        return self._test(value)

    def __str__(self) -> str:
        return self._words


class Interval(Domain):
    """Integers (`kind` Integral) or real numbers (Real) between two bounds; None is no bound.

    `closed` names the bounds that belong to it: left, right, both or neither. Booleans, NaN and infinity never do, nor do
    whole numbers and fractions beyond the largest float.

    Examples
    --------
    >>> rate = Interval(Real, 0, None, "left")
    >>> [value in rate for value in (0, 2.5, -1, float("inf"), 10**400, True)]
    [True, True, False, False, False, False]
    >>> print(rate, "|", Interval(Integral, 2, 5, "both"))
    a number >= 0 | a whole number >= 2 and <= 5
    """

    def __init__(self, kind: type, low: float | None, high: float | None, closed: str) -> None:
        self.kind, self.low, self.high = kind, low, high
        self._left, self._right = closed in ("left", "both"), closed in ("right", "both")
        self.annotation = "int" if kind is Integral else "float"

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, self.kind) or isinstance(value, bool):
            return False
        number: Any = value
        if self.kind is Real and not _is_float(number):
            return False
        inside = (-np.inf if self.low is None else self.low) < number < (np.inf if self.high is None else self.high)
        return bool(inside or (self._left and number == self.low) or (self._right and number == self.high))

    def __str__(self) -> str:
        bounds = [] if self.low is None else [f"{'>=' if self._left else '>'} {self._shown(self.low)}"]
        bounds += [] if self.high is None else [f"{'<=' if self._right else '<'} {self._shown(self.high)}"]
        return f"{'a whole number' if self.kind is Integral else 'a number'} {' and '.join(bounds)}"

    def _shown(self, bound: float) -> str:
        return str(bound) if self.kind is Integral else f"{bound:g}"


class Names(Domain):
    """The names of a table's rows at the time of the check, or a fixed set of names.

    >>> print(Names(["auto"]), "|", Names(["float32", "float64"]))
    'auto' | one of float32, float64
    """

    annotation = "str"

    def __init__(self, names: Collection[str]) -> None:
        self.names = names

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and value in self.names

    def __str__(self) -> str:
        return repr(*self.names) if len(self.names) == 1 else "one of " + ", ".join(sorted(self.names))

    @property
    def hint(self) -> str:  # type: ignore[override]
        return getattr(self.names, "hint", "").rstrip("; ")


class ListOf(Domain):
    """Lists and arrays, and anything else with a length but texts and mappings; of at most `most` elements, if that is given.

    The elements are not checked here but where the list is read: only there it is known how many there must be.
    """

    def __init__(self, words: str, elements: Domain, most: int | None = None) -> None:
        self._words, self.elements, self._most = words, elements, most
        self.annotation = f"Sequence[{elements.annotation}] | NDArray[Any]"

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, Sized) or isinstance(value, str | bytes | Mapping) or getattr(value, "ndim", 1) == 0:
            return False
        return self._most is None or len(value) <= self._most

    def __str__(self) -> str:
        return self._words


def _is_float(number: Any) -> bool:
    """Return whether a number is within the range of floats; `isfinite` raises for whole numbers and fractions beyond it."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def whole(low: int, high: int) -> Interval:
    """Return an interval of whole numbers, both bounds included.

    >>> print(whole(1, 8))
    a whole number >= 1 and <= 8
    """
    return Interval(Integral, low, high, "both")


def real(low: float | None, high: float | None, closed: str) -> Interval:
    """Return an interval of real numbers."""
    return Interval(Real, low, high, closed)


def instance_of(kind: type) -> Kind:
    """Return the domain of a class's instances."""
    return Kind(f"an instance of {kind.__name__}", kind.__name__, lambda value: isinstance(value, kind))


def _is_seed(value: Any) -> bool:
    whole = value in WHOLE and 0 <= value < 2**32
    return whole or value is None or isinstance(value, np.random.RandomState)


AT_LEAST_ONE = whole(1, MANY)
UNITS, EPOCHS = whole(1, MOST_UNITS), whole(1, MOST_EPOCHS)
JOBS = whole(-MOST_JOBS, MOST_JOBS)
NONE = Kind("None", "None", lambda value: value is None)
TRUTH = Kind("true or false", "bool", lambda value: isinstance(value, bool | np.bool_))
VERBOSITY = TRUTH | whole(0, MANY)
SEED = Kind(f"a whole number >= 0 and <= {2**32 - 1}, a RandomState or None", "int | RandomState | None", _is_seed)
INFINITY = Kind("inf", "float", lambda value: isinstance(value, Real) and value == np.inf)
TEXT = Kind("a text", "str", lambda value: isinstance(value, str))
CLASS_WEIGHTS = Kind("a dict from classes to weights", "dict[Any, float]", lambda value: isinstance(value, dict))
WHOLE = Kind("a whole number", "int", lambda value: isinstance(value, Integral) and not isinstance(value, bool))


def check(owner: str, name: str, value: Any, domain: Domain) -> None:
    """Raise InvalidParameterError if a value is outside its domain; the message is in scikit-learn's form.

    >>> check("BPRegressor", "alpha", -1, real(0, None, "left"))
    Traceback (most recent call last):
    bpmodel.domains.InvalidParameterError: The 'alpha' parameter of BPRegressor must be a number >= 0. Got -1 instead.
    >>> check("Net", "solver", "LM", Names(["lm"]))
    Traceback (most recent call last):
    bpmodel.domains.InvalidParameterError: The 'solver' parameter of Net must be 'lm'. Got 'LM' instead (did you mean 'lm'?).
    """
    if value not in domain:
        more = f" ({domain.hint})" if domain.hint else ""
        meant = hints.of_value(name, value, domain.names)
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must be {domain}{more}. Got {short(value)} instead{meant}."
        )
