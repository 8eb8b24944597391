"""What every kind of dimension can do: list grid points, check values, and map numbers in [0, 1) to values.

Methods of search see axes, the dimensions whose values have no parts. A parameter has one axis, or several where its value is
made of parts.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Part(NamedTuple):
    """One axis of a parameter.

    Attributes
    ----------
    axis : Axis
    when : dict of str to frozenset of str
        Other parts of the parameter, and the labels of the values with which this part exists.
    shared : bool
        Whether other parts have the same axis, so that none can be changed alone.
    """

    axis: Axis
    when: Mapping[str, frozenset[str]] = {}
    shared: bool = False


class Dimension(ABC):
    """The values that a parameter may have."""

    @property
    def n_values(self) -> float:
        """How many values there are; infinite unless they are listed one by one."""
        return math.inf

    @property
    def conditions(self) -> Mapping[str, Any]:
        """The parameters beside which it exists, each with the value or the list of values that it must have."""
        return {}

    @abstractmethod
    def grid(self) -> list[Any]:
        """Return the values that a grid has."""

    @abstractmethod
    def extremes(self) -> list[Any]:
        """Return values such that all others are allowed wherever these are."""

    @abstractmethod
    def check(self, value: Any) -> Any:
        """Return a value that a person wrote, in the type of the dimension.

        Raises
        ------
        ValueError
            If it does not lie in the dimension; the message goes on after the parameter's name.
        """

    @abstractmethod
    def describe(self) -> Any:
        """Return the dimension as JSON."""

    @abstractmethod
    def parts(self) -> dict[str, Part]:
        """Return the axes by the names of the parts; the only axis of a value without parts has an empty name."""

    @abstractmethod
    def split(self, value: Any) -> dict[str, Any]:
        """Return the parts of a value; those that do not exist are left out."""

    @abstractmethod
    def join(self, parts: Mapping[str, Any]) -> Any:
        """Return the value made of its parts: the inverse of `split`."""

    def allows(self, value: Any) -> bool:
        """Say whether a value lies in the dimension."""
        try:
            self.check(value)
        except ValueError:
            return False
        return True


class Axis(Dimension):
    """A dimension whose values have no parts."""

    @property
    def listed(self) -> Sequence[Any] | None:
        """The values one by one, so that other parameters can depend on them; None if they are not single values."""
        return None

    @abstractmethod
    def at(self, u: float) -> Any:
        """Return the value of a number in [0, 1)."""

    @abstractmethod
    def place(self, value: Any) -> float:
        """Return the middle of the interval that `at` maps to a value."""

    @abstractmethod
    def encode(self, value: Any) -> str | float:
        """Return a text or a number that stands for a value in a journal."""

    @abstractmethod
    def decode(self, code: Any) -> Any:
        """Return the value that `encode` stored."""

    def parts(self) -> dict[str, Part]:
        return {"": Part(self)}

    def split(self, value: Any) -> dict[str, Any]:
        return {"": value}

    def join(self, parts: Mapping[str, Any]) -> Any:
        return parts[""]
