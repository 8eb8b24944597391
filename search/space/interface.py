"""The interface of all dimensions: list grid points, validate values, and map numbers in [0, 1) to values.

Samplers see axes: dimensions whose values have no parts. A parameter has one axis, or several if its value is made of
parts.
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
        Conditions: other parts of the parameter, and the labels of the values with which this part exists.
    shared : bool
        Whether other parts use the same axis, so that it cannot be changed for one part alone.
    """

    axis: Axis
    when: Mapping[str, frozenset[str]] = {}
    shared: bool = False


class Dimension(ABC):
    """The set of values of a parameter."""

    @property
    def n_values(self) -> float:
        """The number of values; infinite unless they can be listed."""
        return math.inf

    @property
    def conditions(self) -> Mapping[str, Any]:
        """Conditions for its existence: other parameters, each with the value or list of values that it must have."""
        return {}

    @abstractmethod
    def grid(self) -> list[Any]:
        """Return the values on a grid."""

    @abstractmethod
    def middle(self) -> Any:
        """Return a value in the middle."""

    @abstractmethod
    def extremes(self) -> list[Any]:
        """Return extreme values: if these are allowed, so are all others."""

    @abstractmethod
    def check(self, value: Any) -> Any:
        """Validate a value written by the user and convert it to the dimension's type.

        Raises
        ------
        ValueError
            If it does not lie in the dimension; the message continues a sentence that begins with the parameter's name.
        """

    @abstractmethod
    def describe(self) -> Any:
        """Return the dimension as JSON."""

    @abstractmethod
    def parts(self) -> dict[str, Part]:
        """Return the axes by part name; if the value has no parts, the name of its only axis is empty."""

    @abstractmethod
    def split(self, value: Any) -> dict[str, Any]:
        """Split a value into its parts, without those that do not exist."""

    @abstractmethod
    def join(self, parts: Mapping[str, Any]) -> Any:
        """Join parts into a value: the inverse of `split`."""

    def allows(self, value: Any) -> bool:
        """Return whether a value lies in the dimension."""
        try:
            self.check(value)
        except ValueError:
            return False
        return True


class Axis(Dimension):
    """A dimension whose values have no parts."""

    @property
    def listed(self) -> Sequence[Any] | None:
        """All values, so that other parameters can depend on them; None if they cannot be listed."""
        return None

    @abstractmethod
    def at(self, u: float) -> Any:
        """Map a number in [0, 1) to a value."""

    @abstractmethod
    def place(self, value: Any) -> float:
        """Return the midpoint of the interval that `at` maps to this value."""

    @abstractmethod
    def encode(self, value: Any) -> str | float:
        """Return a string or number that represents a value in a journal."""

    @abstractmethod
    def decode(self, code: Any) -> Any:
        """Return the value of a code: the inverse of `encode`."""

    def middle(self) -> Any:
        return self.at(0.5)

    def parts(self) -> dict[str, Part]:
        return {"": Part(self)}

    def split(self, value: Any) -> dict[str, Any]:
        return {"": value}

    def join(self, parts: Mapping[str, Any]) -> Any:
        return parts[""]
