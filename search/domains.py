"""Domains of a search's options: a test of a value, and its description in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np


class Domain(NamedTuple):
    """The allowed values of an option: a test, a description in words, and a type for type checkers.

    `own` describes objects of the user's, which only `BPSearchCV` accepts.
    """

    holds: Callable[[Any], bool]
    allowed: str
    annotation: str
    own: str = ""


def whole(low: int, high: int | None = None) -> Domain:
    """Return the domain of integers from `low` to `high`; booleans are excluded."""
    allowed = f"whole numbers from {low}" + ("" if high is None else f" to {high}")
    return Domain(
        lambda value: _is_number(Integral, value) and low <= value <= (value if high is None else high), allowed, "int"
    )


def named(table: Mapping[str, Any], is_own: Callable[[Any], bool], own: str, annotation: str) -> Domain:
    """Return the domain of a table's names, and of the user's own objects."""
    return Domain(
        lambda value: value in table if isinstance(value, str) else is_own(value),
        ", ".join(table),
        f"str | {annotation}",
        own,
    )


def _is_number(kind: type, value: Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def instance_of(*kinds: type) -> Callable[[Any], bool]:
    """Return a test for instances of classes or protocols.

    A class itself fails, even if it has a protocol's methods.
    """
    return lambda value: isinstance(value, kinds) and not isinstance(value, type)


def is_error_score(value: Any) -> bool:
    return value == "raise" if isinstance(value, str) else _is_number(Real, value)


def is_space(value: Any) -> bool:
    several = isinstance(value, list | tuple) and len(value) > 0 and all(isinstance(part, Mapping) for part in value)
    return several or isinstance(value, Mapping) or (isinstance(value, str) and value == "default")


def are_points(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(point, Mapping) for point in value)


def as_in_scikit_learn(annotation: str) -> Domain:
    """Return a domain that scikit-learn validates."""
    return Domain(lambda value: True, "as in scikit-learn", annotation)


TRUTH = Domain(lambda value: isinstance(value, bool | np.bool_), "true and false", "bool")
NUMBER = Domain(lambda value: _is_number(Real, value) and not np.isnan(value), "numbers", "float")
SECONDS = Domain(lambda value: _is_number(Real, value) and value > 0, "numbers above 0, in seconds", "float")
JOBS = Domain(
    lambda value: _is_number(Integral, value) and value != 0,
    "whole numbers other than 0; -1 means all cores, -2 all but one",
    "int",
)
TEXT = Domain(lambda value: isinstance(value, str), "texts", "str")
VERBOSITY = Domain(lambda value: isinstance(value, Integral), "whole numbers", "int")
