"""Domains of a search's options: those of a network's options, in the words of a search's messages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from numbers import Real
from typing import Any

import numpy as np

from bpmodel.domains import JOBS as THREADS
from bpmodel.domains import MANY, MOST_JOBS, WHOLE, Kind
from bpmodel.domains import SEED as SEEDS
from bpmodel.domains import TEXT as TEXTS
from bpmodel.domains import TRUTH as TRUTHS


class Domain(Kind):
    """The allowed values of an option, in words that follow "allowed are".

    `own` describes objects of the user's, which only `BPSearchCV` accepts. `names` are the texts that can be listed. `none` says
    whether None is allowed where it is not the default.
    """

    def __init__(
        self,
        words: str,
        annotation: str,
        test: Callable[[Any], bool],
        own: str = "",
        names: Collection[str] = (),
        none: bool = False,
    ) -> None:
        super().__init__(words, annotation, test)
        self.own, self.names, self.none = own, names, none


def whole(low: int, high: int) -> Domain:
    """Return the domain of integers from `low` to `high`; booleans are excluded."""
    return Domain(f"whole numbers from {low} to {high}", "int", lambda value: value in WHOLE and low <= value <= high)


def named(table: Mapping[str, Any], is_own: Callable[[Any], bool], own: str, annotation: str) -> Domain:
    """Return the domain of a table's names, and of the user's own objects."""
    return Domain(
        ", ".join(table),
        f"str | {annotation}",
        lambda value: value in table if isinstance(value, str) else is_own(value),
        own,
        table,
    )


def one_of(table: Mapping[str, Any]) -> Domain:
    """Return the domain of a table's names."""
    return Domain(", ".join(table), "str", lambda value: isinstance(value, str) and value in table, names=table)


def is_number(value: Any) -> bool:
    """Return whether a value is a number that a float can hold, infinity and NaN among them; booleans are not."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        float(value)
    except OverflowError:  # whole numbers and fractions beyond the largest float
        return False
    return True


def instance_of(*kinds: type) -> Callable[[Any], bool]:
    """Return a test for instances of classes or protocols.

    A class itself fails, even if it has a protocol's methods.
    """
    return lambda value: isinstance(value, kinds) and not isinstance(value, type)


def is_error_score(value: Any) -> bool:
    return value == "raise" if isinstance(value, str) else is_number(value)


def is_space(value: Any) -> bool:
    several = isinstance(value, list | tuple) and len(value) > 0 and all(isinstance(part, Mapping) for part in value)
    return several or isinstance(value, Mapping) or (isinstance(value, str) and value == "default")


def are_points(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(point, Mapping) for point in value)


def as_in_scikit_learn(annotation: str, *, none: bool = False) -> Domain:
    """Return a domain that scikit-learn validates."""
    return Domain("as in scikit-learn", annotation, lambda value: True, none=none)


SPACE = Domain(
    "a dict, a list of dicts and 'default'", "Mapping[str, Any] | Sequence[Mapping[str, Any]] | str", is_space
)
POINTS = Domain(
    "lists of configurations, each a mapping from names to values", "Sequence[Mapping[str, Any]]", are_points
)
TRUTH = Domain("true and false", "bool", TRUTHS.__contains__)
NUMBER = Domain("numbers", "float", lambda value: is_number(value) and not np.isnan(value))
SHARE = Domain("numbers above 0, up to 1", "float", lambda value: is_number(value) and 0 < value <= 1)
SECONDS = Domain("numbers above 0, in seconds", "float", lambda value: is_number(value) and value > 0)
JOBS = Domain(
    f"whole numbers from -{MOST_JOBS} to {MOST_JOBS}, but not 0; -1 means all cores, -2 all but one",
    "int",
    lambda value: value in THREADS and value != 0,
)
TEXT = Domain("texts", "str", TEXTS.__contains__)
REFIT = Domain(
    "true, false, names of metrics and callables",
    "bool | str | Callable[[dict[str, Any]], int]",
    lambda value: value in TRUTHS or isinstance(value, str) or callable(value),
)
VERBOSITY = Domain(
    f"whole numbers up to {MANY}", "int", lambda value: value in TRUTHS or (value in WHOLE and -MANY <= value <= MANY)
)
RANDOM_STATE = Domain(
    f"whole numbers from 0 to {2**32 - 1} and RandomState instances",
    "Any",
    lambda value: value in SEEDS or not isinstance(value, Real),  # of others, scikit-learn says what is wrong
    none=True,
)
