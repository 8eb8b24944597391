"""The search space: one definition serves every method of search.

A space is a dict from parameter names to dimensions. Samplers see its axes: a parameter has one, or, where its value is made of
parts, several (``hidden_layer_sizes.layers``, ``hidden_layer_sizes.width_1``, …). An axis may exist only where others have
certain values; what does not exist is left out. ``leaves`` takes the values of parameters apart, ``assemble`` puts them together.

Several spaces may stand side by side (`Alternatives`): one more axis says which of them a configuration is of.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from search.errors import StudyError
from search.space.dimensions import Axis, Choice, Conditional, Dimension, Layers, Plain, Range, label
from search.space.parsing import dimension

DEFAULT = """\
hidden_layer_sizes = [[32], [64], [128], [64, 32]]
activation = ["relu", "tanh", "logistic"]
learning_rate_init = { low = 1e-4, high = 0.1, log = true }
alpha = { low = 1e-4, high = 10.0, log = true }
batch_size = [32, 64, 128]
"""
"""A space to start from, as in a study file."""

Space = dict[str, Dimension]


@dataclass(frozen=True)
class Leaf:
    """An axis of a space, and where it exists.

    Attributes
    ----------
    dimension : Choice, Range or Quantile
    when : dict of str to frozenset of str
        Names of other axes, and the labels of the values that each must have.
    """

    dimension: Axis
    when: dict[str, frozenset[str]] = field(default_factory=dict)

    def exists(self, leaves: Mapping[str, Any]) -> bool:
        """Say whether the axis exists beside other values."""
        return all(name in leaves and label(leaves[name]) in labels for name, labels in self.when.items())


class Alternatives(Space):
    """Spaces side by side: a configuration is of one of them.

    As a dict it has the parameters of all, each as it is in the first space that has it.

    Examples
    --------
    >>> space = build([{"solver": ["adam"]}, {"solver": ["sgd"], "momentum": [0.5, 0.9]}])
    >>> list(grid_points(space))
    [{'solver': 'adam'}, {'solver': 'sgd', 'momentum': 0.5}, {'solver': 'sgd', 'momentum': 0.9}]
    >>> leaves(space, {"solver": "sgd", "momentum": 0.5})
    {'alternative': 1, '1: solver': 'sgd', '1: momentum': 0.5}
    """

    def __init__(self, spaces: Sequence[Space]) -> None:
        super().__init__({name: d for space in reversed(spaces) for name, d in space.items()})
        self.spaces = tuple(spaces)

    def axes(self) -> dict[str, Leaf]:
        """Return which space it is, and the axes of each, which exist with its number."""
        found = {ALTERNATIVE: Leaf(Choice(tuple(range(len(self.spaces)))))}
        for number, space in enumerate(self.spaces):
            for name, leaf in axes(space).items():
                when = {_of(number, parent): labels for parent, labels in leaf.when.items()}
                found[_of(number, name)] = Leaf(leaf.dimension, {ALTERNATIVE: frozenset([label(number)])} | when)
        return found

    def leaves(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of the axes of a configuration, which is taken to be of the first space that it lies in."""
        number = next(number for number, space in enumerate(self.spaces) if _lies_in(space, params))
        found = leaves(self.spaces[number], params)
        return {ALTERNATIVE: number} | {_of(number, name): value for name, value in found.items()}

    def assemble(self, leaves: Mapping[str, Any]) -> dict[str, Any]:
        """Return the configuration made of values of axes."""
        number = leaves[ALTERNATIVE]
        own = {name: leaves[_of(number, name)] for name in axes(self.spaces[number]) if _of(number, name) in leaves}
        return assemble(self.spaces[number], own)


ALTERNATIVE = "alternative"


def _of(number: int, name: str) -> str:
    """Return the name that an axis of one of several spaces has among those of all."""
    return f"{number}: {name}"


def _lies_in(space: Space, params: Mapping[str, Any]) -> bool:
    """Say whether a configuration is one of a space: it has the parameters that exist there, and no others."""
    try:
        for name, value in params.items():
            space[name].check(value)
    except (KeyError, ValueError):
        return False
    known = leaves(space, params)
    return all(leaf.exists(known) == (name in known) for name, leaf in axes(space).items())


def members(space: Space) -> tuple[Space, ...]:
    """Return the spaces that stand side by side, or the only one."""
    return space.spaces if isinstance(space, Alternatives) else (space,)


def build(given: Mapping[str, Any] | Sequence[Mapping[str, Any]], where: str = "space") -> Space:
    """Return the space of a dict of dimensions, or of several of them; errors name `where` and the key."""
    if not isinstance(given, Mapping):
        several = [build(one, f"{where}[{number}]") for number, one in enumerate(given)]
        return Alternatives(several) if len(several) > 1 else several[0]
    space: Space = {}
    for name, value in given.items():
        try:
            space[name] = dimension(value)
        except ValueError as error:
            raise StudyError(f"{where}: {name} {error}") from None
    if not space:
        raise StudyError(f"{where} is empty: nothing to search; name at least one hyperparameter")
    try:
        axes(space)
    except ValueError as error:
        raise StudyError(f"{where}: {error}") from None
    return space


def default(prefix: str = "") -> Space:
    """Return the space to start from, parameter names with a prefix."""
    return build({prefix + name: value for name, value in tomllib.loads(DEFAULT).items()})


def axes(space: Space) -> dict[str, Leaf]:
    """Return the axes of a space, each after those that decide whether it exists.

    Raises
    ------
    ValueError
        If a condition names what is not in the space, or decides about itself.

    Examples
    --------
    >>> space = build({"momentum": {"low": 0.5, "high": 0.99, "when": {"solver": "sgd"}}, "solver": ["sgd", "adam"]})
    >>> list(axes(space))
    ['solver', 'momentum']
    """
    if isinstance(space, Alternatives):
        return space.axes()
    parts = {axis: d for name, given in space.items() for axis, d in _parts(name, given).items()}
    found = {}
    for name, given in space.items():
        conditions = given.when if isinstance(given, Conditional) else {}
        when = {parent: _labels(parts, name, parent, values) for parent, values in conditions.items()}
        for axis, d in _parts(name, given).items():
            found[axis] = Leaf(d, when | _enough_layers(name, given, axis))
    return _parents_first(found)


def _plain(d: Dimension) -> Plain:
    return d.dimension if isinstance(d, Conditional) else d


def _parts(name: str, given: Dimension) -> dict[str, Axis]:
    """Return the axes of a parameter by their names."""
    plain = _plain(given)
    return {f"{name}.{part}": d for part, d in plain.axes().items()} if isinstance(plain, Layers) else {name: plain}


def _labels(parts: Mapping[str, Axis], name: str, parent: str, given: Any) -> frozenset[str]:
    """Return the labels of the value of a parent, or of the list of values, with which a parameter exists."""
    if parent not in parts:
        raise ValueError(f"{name} has when = {{ {parent} = … }}; it can name {', '.join(parts)}")
    d, where = parts[parent], f"{name} has when, where {parent}"
    if not (isinstance(d, Choice) or (isinstance(d, Range) and d.integer)):
        raise ValueError(f"{where} is a range of real numbers; allowed are choices and whole numbers")
    several = isinstance(given, list | tuple) and not (isinstance(d, Choice) and label(given) in d.labels)
    try:
        return frozenset(label(d.check(value)) for value in (given if several else [given]))
    except ValueError as error:
        raise ValueError(f"{where} {error}") from None


def _enough_layers(name: str, given: Dimension, axis: str) -> dict[str, frozenset[str]]:
    """Return when the width of a layer exists."""
    plain, (_, part, place) = _plain(given), axis.rpartition(".width_")
    if not isinstance(plain, Layers) or not part:
        return {}
    return {f"{name}.layers": frozenset(map(label, plain.numbers_of_layers(int(place))))}


def _parents_first(found: dict[str, Leaf]) -> dict[str, Leaf]:
    ordered: dict[str, Leaf] = {}
    while len(ordered) < len(found):
        ready = (name for name, leaf in found.items() if name not in ordered and leaf.when.keys() <= ordered.keys())
        name = next(ready, None)
        if name is None:
            circle = ", ".join(name for name in found if name not in ordered)
            raise ValueError(f"{circle} exist only where each other do; a when must not lead back to its own parameter")
        ordered[name] = found[name]
    return ordered


def leaves(space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the axes that a configuration is made of.

    >>> space = build({"hidden_layer_sizes": {"layers": (1, 3), "width": (8, 64)}})
    >>> leaves(space, {"hidden_layer_sizes": [32, 16]})
    {'hidden_layer_sizes.layers': 2, 'hidden_layer_sizes.width_1': 32, 'hidden_layer_sizes.width_2': 16}
    """
    if isinstance(space, Alternatives):
        return space.leaves(params)
    values: dict[str, Any] = {}
    for name, value in params.items():
        plain = _plain(space[name])
        if isinstance(plain, Layers):
            values |= {f"{name}.{part}": v for part, v in plain.split(value).items()}
        else:
            values[name] = value
    return values


def assemble(space: Space, leaves: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration made of values of axes, in the order of the space.

    >>> space = build({"hidden_layer_sizes": {"layers": (1, 3), "width": (8, 64)}})
    >>> assemble(space, {"hidden_layer_sizes.layers": 1, "hidden_layer_sizes.width_1": 32})
    {'hidden_layer_sizes': [32]}
    """
    if isinstance(space, Alternatives):
        return space.assemble(leaves)
    params = {}
    for name, given in space.items():
        plain = _plain(given)
        if name in leaves:
            params[name] = leaves[name]
        elif isinstance(plain, Layers) and f"{name}.layers" in leaves:
            start = f"{name}."
            params[name] = plain.join({k.removeprefix(start): v for k, v in leaves.items() if k.startswith(start)})
    return params


def draw(axes: Mapping[str, Leaf], numbers: Sequence[float], fixed: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return values of the axes that exist: the fixed ones, or from a number in [0, 1) for each axis in their order."""
    fixed = fixed or {}
    values: dict[str, Any] = {}
    for (name, leaf), u in zip(axes.items(), numbers, strict=True):
        if leaf.exists(values):
            values[name] = fixed[name] if name in fixed else leaf.dimension.at(u)
    return values


def grid_size(space: Space) -> int:
    """Return the number of points of the grid."""
    return sum(1 for _ in grid_points(space))


def most_choices(space: Space) -> float:
    """Return how many points a space of choices can have; infinity where anything else is searched.

    >>> most_choices(build({"solver": ["adam", "sgd"], "batch_size": [32, 64, 128]})), most_choices(build({"alpha": (0, 3)}))
    (6, inf)
    """
    plain = [[_plain(d) for d in one.values()] for one in members(space)]
    if not all(isinstance(d, Choice) for one in plain for d in one):
        return math.inf
    return sum(math.prod(len(d.grid()) for d in one) for one in plain)


def grid_points(space: Space) -> Iterator[dict[str, Any]]:
    """Yield the points of the grid; the last parameter changes fastest, and of layers all are as wide.

    >>> space = build({"solver": ["adam", "sgd"], "momentum": {"values": [0.5, 0.9], "when": {"solver": "sgd"}}})
    >>> list(grid_points(space))
    [{'solver': 'adam'}, {'solver': 'sgd', 'momentum': 0.5}, {'solver': 'sgd', 'momentum': 0.9}]
    """
    if isinstance(space, Alternatives):
        yield from chain.from_iterable(map(grid_points, space.spaces))
        return
    known = axes(space)
    owners = {axis: name for name in space for axis in _parts(name, space[name])}
    first_axes = {owners[axis]: axis for axis in reversed(known)}

    def below(names: list[str], params: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if not names:
            yield {name: params[name] for name in space if name in params}
        elif known[first_axes[names[0]]].exists(leaves(space, params)):
            for value in space[names[0]].grid():
                yield from below(names[1:], params | {names[0]: value})
        else:
            yield from below(names[1:], params)

    yield from below(list(dict.fromkeys(owners[axis] for axis in known)), {})


def seed(study: int, number: int) -> int:
    """Return the seed of one proposal: the same whatever was proposed before."""
    return int(np.random.SeedSequence([study, number]).generate_state(1)[0])


def random_point(space: Space, seed: int, number: int) -> dict[str, Any]:
    """Return random point `number`: a pure function of space, seed and number."""
    known = axes(space)
    return assemble(space, draw(known, np.random.default_rng([seed, number]).random(len(known)).tolist()))


def describe(space: Space) -> dict[str, Any]:
    """Return the space as JSON, to compare spaces and to store them."""
    return {name: d.describe() for name, d in _parameters(space).items()}


def describe_grid(space: Space) -> dict[str, list[str]]:
    """Return the values of each parameter on the grid, as texts."""
    return {name: [label(value) for value in d.grid()] for name, d in _parameters(space).items()}


def check_values(space: Space, check: Callable[[str, Any], None]) -> None:
    """Call `check` with name and value for all choices and for both ends of all ranges."""
    for one in members(space):
        for name, d in one.items():
            for value in d.extremes():
                check(name, value)


def _parameters(space: Space) -> Space:
    """Return the space itself, or the parameters of all its members, each under a name of its own."""
    if not isinstance(space, Alternatives):
        return space
    return {_of(number, name): d for number, one in enumerate(space.spaces) for name, d in one.items()}
