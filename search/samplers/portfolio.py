"""The portfolio: configurations that did well on other data, as initial points of search methods that learn.

They were chosen greedily on data sets unrelated to the user's: each one adds most to those before it
(`benchmarks.portfolio`). For each of them, the search takes the nearest point in its own space.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from search.samplers.external import find
from search.space.dimensions import Choice, Conditional, Draws, Layers, Quantile, Range, is_number, label
from search.space.interface import Dimension
from search.space.spaces import Space
from search.trials.nesting import network_of, prefix
from search.trials.pipeline import PATHS
from search.trials.problem import Problem

PORTFOLIO: tuple[dict[str, Any], ...] = (
    {
        "hidden_layer_sizes": [128],
        "activation": "relu",
        "learning_rate_init": 0.0028,
        "alpha": 0.078,
        "batch_size": 32,
        "numeric": "piecewise",
    },
    {
        "hidden_layer_sizes": [128],
        "activation": "relu",
        "learning_rate_init": 0.021,
        "alpha": 0.0012,
        "batch_size": 128,
        "numeric": "standard",
    },
    {
        "hidden_layer_sizes": [64, 32],
        "activation": "relu",
        "learning_rate_init": 0.0016,
        "alpha": 0.011,
        "batch_size": 64,
        "numeric": "piecewise",
    },
    {
        "hidden_layer_sizes": [128],
        "activation": "relu",
        "learning_rate_init": 0.0014,
        "alpha": 0.068,
        "batch_size": 32,
        "numeric": "standard",
    },
    {
        "hidden_layer_sizes": [128],
        "activation": "relu",
        "learning_rate_init": 0.015,
        "alpha": 0.02,
        "batch_size": 32,
        "numeric": "standard",
    },
    {
        "hidden_layer_sizes": [64, 32],
        "activation": "tanh",
        "learning_rate_init": 0.0098,
        "alpha": 0.0018,
        "batch_size": 64,
        "numeric": "piecewise",
    },
)
"""For spaces with piecewise-linear encoding of numbers: hyperparameters of networks, and `numeric` of the default
pipeline's preprocessing; the most promising configuration first."""

PLAIN: tuple[dict[str, Any], ...] = (
    {
        "hidden_layer_sizes": [64, 32],
        "activation": "relu",
        "learning_rate_init": 0.0043,
        "alpha": 0.091,
        "batch_size": 64,
    },
    {
        "hidden_layer_sizes": [64, 32],
        "activation": "tanh",
        "learning_rate_init": 0.0014,
        "alpha": 0.00015,
        "batch_size": 32,
    },
    {
        "hidden_layer_sizes": [64],
        "activation": "logistic",
        "learning_rate_init": 0.0075,
        "alpha": 0.021,
        "batch_size": 64,
    },
    {"hidden_layer_sizes": [128], "activation": "relu", "learning_rate_init": 0.015, "alpha": 0.02, "batch_size": 32},
    {"hidden_layer_sizes": [128], "activation": "relu", "learning_rate_init": 0.0017, "alpha": 0.002, "batch_size": 32},
    {
        "hidden_layer_sizes": [128],
        "activation": "logistic",
        "learning_rate_init": 0.0026,
        "alpha": 0.0011,
        "batch_size": 64,
    },
)
"""For all other spaces: chosen from configurations that standardize numeric columns."""


def behind(
    given: Sequence[Mapping[str, Any]], space: Space, problem: Problem, method: Any
) -> Sequence[Mapping[str, Any]]:
    """Return the user's points, followed by the portfolio's points that are not among them.

    A parameter that the portfolio does not cover takes the value nearest to the pipeline's own. Nothing is added if the
    portfolio covers no parameter of the space, if no network is tuned, if there are several alternative spaces, or if
    the method does not learn.

    Parameters
    ----------
    given : sequence of dict
        Complete configurations.
    space : Space
    problem : Problem
    method : str or sampler
    """
    if not find(method).learns or network_of(problem.estimator) is None or len(space.members) > 1:
        return given
    taken = {_key(point) for point in given}
    added: dict[str, dict[str, Any]] = {}
    present, own = problem.estimator.get_params(), prefix(problem.estimator)
    names = {name: full for name in space for full in problem.full_names({name: None})}
    piecewise = any("piecewise" in space[name].grid() for name, full in names.items() if full == PATHS["numeric"])
    for entry in PORTFOLIO if piecewise else PLAIN:
        known = {PATHS.get(name, own + name): value for name, value in entry.items()}
        if known.keys() & set(names.values()):
            point = nearest_point(space, {name: {**present, **known}.get(full) for name, full in names.items()})
            added.setdefault(_key(point), point)
    return [*given, *(point for key, point in added.items() if key not in taken)]


def _key(point: Mapping[str, Any]) -> str:
    return label({name: label(point[name]) for name in sorted(point)})


def nearest_point(space: Space, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a space whose values are nearest to the wanted ones.

    Examples
    --------
    >>> from search.space.spaces import build
    >>> space = build({"learning_rate_init": (0.02, 1.0, "log"), "hidden_layer_sizes": [[10], [50, 50]]})
    >>> nearest_point(space, {"learning_rate_init": 0.005, "hidden_layer_sizes": [64, 32]})
    {'learning_rate_init': 0.02, 'hidden_layer_sizes': [50, 50]}
    """
    leaves = space.leaves({name: nearest(d, wanted.get(name)) for name, d in space.items()})
    return space.at([0.5] * len(space.axes), leaves)


def nearest(d: Dimension, wanted: Any) -> Any:
    """Return the value of a dimension nearest to `wanted`; if they are not comparable, its first or middle value.

    >>> nearest(Range(8, 64, log=True, integer=True), 100), nearest(Choice(([16], [32, 16], [64])), [64, 32])
    (64, [32, 16])
    """
    return NEAREST[type(d)](d, wanted)


def _in_choice(d: Choice, wanted: Any) -> Any:
    return min(d.values, key=lambda value: _distance(value, wanted))


def _in_range(d: Range, wanted: Any) -> float:
    value = min(max(wanted, d.low), d.high) if is_number(wanted) else d.at(0.5)
    return d.encode(round(value) if d.integer else value)


def _in_quantile(d: Quantile, wanted: Any) -> float:
    return min((d.at(i / 100) for i in range(101)), key=lambda value: _distance(value, wanted))


def _in_layers(d: Layers, wanted: Any) -> list[int]:
    widths = _widths(wanted) or [nearest(d.width, None)]
    return [nearest(d.width, widths[min(i, len(widths) - 1)]) for i in range(nearest(d.layers, len(widths)))]


NEAREST: dict[type[Dimension], Callable[[Any, Any], Any]] = {
    Choice: _in_choice,
    Range: _in_range,
    Quantile: _in_quantile,
    Draws: lambda d, wanted: d.middle(),
    Layers: _in_layers,
    Conditional: lambda d, wanted: nearest(d.dimension, wanted),
}


def _distance(value: Any, wanted: Any) -> float:
    """Return a distance that can be compared with others in the same dimension.

    Infinite for values of different kinds.
    """
    if label(value) == label(wanted):
        return 0.0
    if is_number(value) and is_number(wanted):
        return abs(math.log(value / wanted)) if value > 0 < wanted else abs(value - wanted)
    ours, theirs = _widths(value), _widths(wanted)
    if ours and theirs:
        return abs(len(ours) - len(theirs)) + abs(math.log(sum(ours) / len(ours) / (sum(theirs) / len(theirs))))
    return math.inf


def _widths(value: Any) -> list[int]:
    """Return a value as a list of layer widths; empty if it is not one."""
    widths = [value] if is_number(value) else list(value) if isinstance(value, list | tuple) else []
    return widths if all(is_number(width) and width > 0 for width in widths) else []
