"""The search space: one definition for every search method.

A space maps parameter names to dimensions. Samplers see its axes: a parameter has one axis, or several if its value is
made of parts (``hidden_layer_sizes.layers``, ``hidden_layer_sizes.width_1``, …). An axis may exist only for certain
values of other axes; values of axes that do not exist are left out. `Space.leaves` splits a configuration into values
of axes, and `Space.assemble` joins them again.

Several spaces may be searched as alternatives (`Alternatives`): one more axis says which of them a configuration
belongs to.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from bpmodel.names import hints
from search.errors import StudyError
from search.space.counting import count
from search.space.dimensions import Choice, label
from search.space.interface import Axis, Dimension
from search.space.parsing import IN_PYTHON, UnknownNotationError, dimension

DEFAULT = """\
hidden_layer_sizes = [[32], [64], [128], [64, 32]]
activation = ["relu", "tanh", "logistic"]
learning_rate_init = { low = 1e-4, high = 0.1, log = true }
alpha = { low = 1e-4, high = 10.0, log = true }
batch_size = [32, 64, 128]
"""
"""A default space, as in a study file."""

MOST_AXES = 2000
"""The most axes of alternatives together: methods that learn look at all of them in each trial."""

ALTERNATIVE = "alternative"
"""Name of the axis that says which of several spaces a configuration belongs to."""


@dataclass(frozen=True)
class Leaf:
    """An axis of a space, and the conditions for its existence.

    Attributes
    ----------
    dimension : Axis
    when : dict of str to frozenset of str
        Other axes by name, each with the labels of the values that it must have.
    shared : bool
        Whether other axes of the same parameter have the same dimension.
    """

    dimension: Axis
    when: dict[str, frozenset[str]] = field(default_factory=dict)
    shared: bool = False

    def exists(self, leaves: Mapping[str, Any]) -> bool:
        """Return whether the axis exists, given the values of the other axes."""
        return all(name in leaves and label(leaves[name]) in labels for name, labels in self.when.items())


class Space(Mapping[str, Dimension]):
    """The search space: a dimension for each parameter.

    Parameters
    ----------
    dimensions : dict of str to Dimension

    Attributes
    ----------
    members : tuple of Space
        The alternative spaces; just this one if there are no alternatives.
    axes : dict of str to Leaf
        The axes, each after the axes that it depends on.

    Raises
    ------
    ValueError
        If a condition names a parameter that is not in the space, or a parameter depends on itself.

    Examples
    --------
    >>> space = build({"momentum": {"low": 0.5, "high": 0.99, "when": {"solver": "sgd"}}, "solver": ["sgd", "adam"]})
    >>> list(space), list(space.axes)
    (['momentum', 'solver'], ['solver', 'momentum'])
    """

    def __init__(self, dimensions: Mapping[str, Dimension]) -> None:
        self._dimensions = dict(dimensions)
        self._names = {name: {part: _axis(name, part) for part in d.parts()} for name, d in dimensions.items()}
        self.members: tuple[Space, ...] = (self,)
        self.axes = self._find_axes()
        self._owners = {axis: name for name, axes in self._names.items() for axis in axes.values()}
        self._first_axes = {self._owners[axis]: leaf for axis, leaf in reversed(self.axes.items())}

    def __getitem__(self, name: str) -> Dimension:
        return self._dimensions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._dimensions)

    def __len__(self) -> int:
        return len(self._dimensions)

    def _find_axes(self) -> dict[str, Leaf]:
        known = {self._names[name][part]: p.axis for name, d in self.items() for part, p in d.parts().items()}
        found = {}
        for name, d in self.items():
            when = {parent: _labels(known, name, parent, values) for parent, values in d.conditions.items()}
            for part, (axis, within, shared) in d.parts().items():
                own = {_axis(name, parent): labels for parent, labels in within.items()}
                found[_axis(name, part)] = Leaf(axis, when | own, shared)
        return _parents_first(found)

    @property
    def parameters(self) -> Mapping[str, Dimension]:
        """The parameters of all members, each under a unique name."""
        return self._dimensions

    def leaves(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Split a configuration into values of axes.

        >>> space = build({"hidden_layer_sizes": {"layers": (1, 3), "width": (8, 64)}})
        >>> space.leaves({"hidden_layer_sizes": [32, 16]})
        {'hidden_layer_sizes.layers': 2, 'hidden_layer_sizes.width_1': 32, 'hidden_layer_sizes.width_2': 16}
        """
        return {
            self._names[name][part]: leaf
            for name, value in params.items()
            for part, leaf in self[name].split(value).items()
        }

    def assemble(self, leaves: Mapping[str, Any]) -> dict[str, Any]:
        """Join values of axes into a configuration, in the order of the space.

        >>> space = build({"hidden_layer_sizes": {"layers": (1, 3), "width": (8, 64)}})
        >>> space.assemble({"hidden_layer_sizes.layers": 1, "hidden_layer_sizes.width_1": 32})
        {'hidden_layer_sizes': [32]}
        """
        params = {}
        for name, d in self.items():
            parts = {part: leaves[axis] for part, axis in self._names[name].items() if axis in leaves}
            if parts:
                params[name] = d.join(parts)
        return params

    def grid_points(self) -> Iterator[dict[str, Any]]:
        """Yield the points of the grid; the last parameter changes fastest, and all layers have equal width.

        >>> space = build({"solver": ["adam", "sgd"], "momentum": {"values": [0.5, 0.9], "when": {"solver": "sgd"}}})
        >>> list(space.grid_points())
        [{'solver': 'adam'}, {'solver': 'sgd', 'momentum': 0.5}, {'solver': 'sgd', 'momentum': 0.9}]
        """
        yield from self.points(lambda name, d: d.grid())

    def points(
        self, values: Callable[[str, Dimension], Sequence[Any]], names: Collection[str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield all configurations of some values of each parameter; the last parameter changes fastest.

        Parameters
        ----------
        values : callable
            Maps name and dimension of a parameter to its values.
        names : collection of str, optional
            Only these parameters; they depend on no others. By default all.
        """

        def below(names: list[str], params: dict[str, Any]) -> Iterator[dict[str, Any]]:
            if not names:
                yield {name: params[name] for name in self if name in params}
            elif self.first_axis(names[0]).exists(self.leaves(params)):
                for value in values(names[0], self[names[0]]):
                    yield from below(names[1:], params | {names[0]: value})
            else:
                yield from below(names[1:], params)

        ordered = dict.fromkeys(self._owners[axis] for axis in self.axes)
        yield from below([name for name in ordered if names is None or name in names], {})

    def first_axis(self, name: str) -> Leaf:
        """Return the axis of a parameter that exists whenever the parameter does."""
        return self._first_axes[name]

    @property
    def parents(self) -> dict[str, set[str]]:
        """The parameters that the existence of each parameter depends on directly."""
        return {name: {self._owners[axis] for axis in self.first_axis(name).when} for name in self}

    def typical(self, defaults: Mapping[str, Any]) -> dict[str, Any]:
        """Return a configuration of defaults, and of the middle where there is no default or it is not in the space.

        The middle of a logarithmic range is the geometric one. Of alternative spaces it is the first.

        >>> space = build({"alpha": (1e-4, 1.0, "log"), "batch_size": [16, 32, 64], "solver": ["sgd", "adam"]})
        >>> space.typical({"solver": "adam", "batch_size": 200})
        {'alpha': 0.01, 'batch_size': 32, 'solver': 'adam'}
        """

        def values(name: str, d: Dimension) -> list[Any]:
            known = name in defaults and d.allows(defaults[name])
            return [d.check(defaults[name]) if known else d.middle()]

        return next(self.points(values))

    def has(self, params: Mapping[str, Any]) -> bool:
        """Return whether a configuration belongs to this space: it has exactly the parameters that exist there."""
        if not all(name in self and self[name].allows(value) for name, value in params.items()):
            return False
        known = self.leaves(params)
        return all(leaf.exists(known) == (name in known) for name, leaf in self.axes.items())

    def draw(self, numbers: Sequence[float], fixed: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return values of the axes that exist: fixed ones, others by one number in [0, 1) per axis, in order."""
        fixed = fixed or {}
        values: dict[str, Any] = {}
        for (name, leaf), u in zip(self.axes.items(), numbers, strict=True):
            if leaf.exists(values):
                values[name] = fixed[name] if name in fixed else leaf.dimension.at(u)
        return values

    def at(self, numbers: Sequence[float], fixed: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the configuration at a point of the unit cube, one number in [0, 1) per axis.

        `fixed` sets values of axes.

        >>> build({"alpha": (0.0, 1.0), "solver": ["adam", "sgd"]}).at([0.25, 0.5])
        {'alpha': 0.25, 'solver': 'sgd'}
        """
        return self.assemble(self.draw(numbers, fixed))

    def random_point(self, seed: int, number: int) -> dict[str, Any]:
        """Return random point `number`: a pure function of space, seed and number."""
        return self.at(np.random.default_rng([seed, number]).random(len(self.axes)).tolist())

    @property
    def grid_size(self) -> float:
        """Number of points of the grid, which are counted without being made; infinity if even that would take long.

        >>> build({f"c{i}": list(range(1000)) for i in range(4)}).grid_size
        1000000000000
        """
        return count(self, lambda name, d: d.grid())

    @property
    def most_choices(self) -> float:
        """The maximum number of configurations of a space of choices; infinity if there is any other dimension.

        >>> build({"solver": ["adam", "sgd"], "batch_size": [32, 64, 128]}).most_choices, build({"alpha": (0, 3)}).most_choices
        (6, inf)
        """
        return sum(math.prod(d.n_values for d in one.values()) for one in self.members)

    def describe(self) -> dict[str, Any]:
        """Return the space as JSON, to compare spaces and to store them."""
        return {name: d.describe() for name, d in self.parameters.items()}

    def describe_grid(self) -> dict[str, list[str]]:
        """Return the grid values of each parameter, as strings."""
        return {name: [label(value) for value in d.grid()] for name, d in self.parameters.items()}

    def check_values(self, check: Callable[[str, Any], None]) -> None:
        """Call `check` with name and value, for all choices and both ends of all ranges."""
        for one in self.members:
            for name, d in one.items():
                for value in d.extremes():
                    check(name, value)


class Alternatives(Space):
    """Alternative spaces: a configuration belongs to one of them.

    As a mapping it has the parameters of all spaces; each has the dimension of the first space that contains it.

    Examples
    --------
    >>> space = build([{"solver": ["adam"]}, {"solver": ["sgd"], "momentum": [0.5, 0.9]}])
    >>> list(space.grid_points())
    [{'solver': 'adam'}, {'solver': 'sgd', 'momentum': 0.5}, {'solver': 'sgd', 'momentum': 0.9}]
    >>> space.leaves({"solver": "sgd", "momentum": 0.5})
    {'alternative': 1, '1: solver': 'sgd', '1: momentum': 0.5}
    """

    def __init__(self, spaces: Sequence[Space]) -> None:
        self._dimensions = {name: d for space in reversed(spaces) for name, d in space.items()}
        self.members = tuple(spaces)
        self.axes = self._find_axes()

    def _find_axes(self) -> dict[str, Leaf]:
        found = {ALTERNATIVE: Leaf(Choice(tuple(range(len(self.members)))))}
        for number, space in enumerate(self.members):
            for name, leaf in space.axes.items():
                when = {_of(number, parent): labels for parent, labels in leaf.when.items()}
                mine = {ALTERNATIVE: frozenset([label(number)])} | when
                found[_of(number, name)] = Leaf(leaf.dimension, mine, leaf.shared)
        return found

    @property
    def parameters(self) -> Mapping[str, Dimension]:
        return {_of(number, name): d for number, one in enumerate(self.members) for name, d in one.items()}

    def leaves(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Split a configuration into values of axes; it is assigned to the first space that it belongs to."""
        number = next(number for number, space in enumerate(self.members) if space.has(params))
        found = self.members[number].leaves(params)
        return {ALTERNATIVE: number} | {_of(number, name): value for name, value in found.items()}

    def assemble(self, leaves: Mapping[str, Any]) -> dict[str, Any]:
        number = leaves[ALTERNATIVE]
        space = self.members[number]
        return space.assemble({name: leaves[_of(number, name)] for name in space.axes if _of(number, name) in leaves})

    def points(
        self, values: Callable[[str, Dimension], Sequence[Any]], names: Collection[str] | None = None
    ) -> Iterator[dict[str, Any]]:
        return chain.from_iterable(space.points(values, names) for space in self.members)

    def has(self, params: Mapping[str, Any]) -> bool:
        return any(space.has(params) for space in self.members)


def build(
    given: Mapping[str, Any] | Sequence[Mapping[str, Any]], where: str = "space", allowed: str = IN_PYTHON
) -> Space:
    """Build the space from a dict of dimensions, or from several dicts; errors name `where` and the key.

    An empty dict is a space of one configuration, in which every parameter is as it is. `allowed` says how dimensions are
    written.
    """
    if isinstance(given, Space):
        return given
    if not isinstance(given, Mapping):
        several: list[Space] = []
        for number, one in enumerate(given):
            several.append(build(one, f"{where}[{number}]", allowed))
            if (n := sum(len(space.axes) for space in several)) > MOST_AXES:
                told = f"{n:,} axes or more in {len(given):,} alternatives"
                raise StudyError(f"{where} has {told}; allowed are {MOST_AXES:,}")
        return Alternatives(several) if len(several) > 1 else several[0]
    dimensions = {}
    for name, value in given.items():
        try:
            dimensions[name] = dimension(value)
        except UnknownNotationError as error:
            raise StudyError(f"{where}: {name} {UnknownNotationError(error.given, allowed)}") from None
        except ValueError as error:
            raise StudyError(f"{where}: {name} {error}") from None
    try:
        return Space(dimensions)
    except ValueError as error:
        raise StudyError(f"{where}: {error}") from None


def default(prefix: str = "") -> Space:
    """Return the default space, with a prefix before each parameter name."""
    return build({prefix + name: value for name, value in tomllib.loads(DEFAULT).items()})


def _axis(name: str, part: str) -> str:
    """Return the axis name of one part of a parameter."""
    return f"{name}.{part}" if part else name


def _of(number: int, name: str) -> str:
    """Return the unique name of an axis of alternative `number`."""
    return f"{number}: {name}"


def _labels(known: Mapping[str, Axis], name: str, parent: str, given: Any) -> frozenset[str]:
    """Return the labels of the parent's values, given one value or a list, with which a parameter exists."""
    if parent not in known:
        raise ValueError(
            f"{name} has when = {{ {parent} = … }}; it can name {', '.join(known)}{hints.of_key(parent, known)}"
        )
    d, where = known[parent], f"{name} has when, where {parent}"
    if d.listed is None:
        raise ValueError(f"{where} is a range of real numbers; allowed are choices and whole numbers")
    several = isinstance(given, list | tuple) and not d.allows(given)
    try:
        return frozenset(label(d.check(value)) for value in (given if several else [given]))
    except ValueError as error:
        raise ValueError(f"{where} {error}") from None


def _parents_first(found: dict[str, Leaf]) -> dict[str, Leaf]:
    ordered: dict[str, Leaf] = {}
    waiting = list(found)
    while waiting:
        place = next((i for i, name in enumerate(waiting) if found[name].when.keys() <= ordered.keys()), None)
        if place is None:
            raise ValueError(f"{', '.join(waiting)} have a cycle of conditions (when); allowed are none")
        name = waiting.pop(place)
        ordered[name] = found[name]
    return ordered
