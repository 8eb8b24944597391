"""The number of points of a grid, which is found without making them.

Parameters that depend on no others, and no others on them, multiply it. Of those that hang together, only the ones that
others depend on are gone through, point by point: there are few, and each has few values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from search.space.interface import Dimension

MOST_GONE_THROUGH = 1_000_000
"""The most points that are gone through to count those of parameters that depend on them."""


def count(space: Any, values: Callable[[str, Dimension], Sequence[Any]]) -> float:
    """Return the number of points that `space.points(values)` yields, for a `Space`; infinity if it is too large to be found."""
    return sum(
        math.prod(_count(one, group, {name: values(name, one[name]) for name in group}) for group in _groups(one))
        for one in space.members
    )


def _groups(space: Any) -> list[set[str]]:
    """Return the parameters that hang together by conditions, in groups."""
    groups: list[set[str]] = []
    for name, parents in space.parents.items():
        joined = {name, *parents}
        apart = [group for group in groups if not group & joined]
        groups = [*apart, joined.union(*(group for group in groups if group & joined))]
    return groups


def _count(space: Any, group: set[str], values: dict[str, Sequence[Any]]) -> float:
    above = set().union(*(space.parents[name] for name in group))
    below = group - above
    if math.prod(len(values[name]) for name in above) > MOST_GONE_THROUGH:
        return math.inf
    total: float = 0
    for params in space.points(lambda name, d: values[name], above):
        leaves = space.leaves(params)
        total += math.prod(len(values[name]) for name in below if space.first_axis(name).exists(leaves))
    return total
