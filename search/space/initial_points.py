"""The user's initial points: validated, and completed if they leave out parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bpmodel.names import hints
from search.errors import StudyError
from search.space.spaces import Space


def complete(space: Space, points: Sequence[Mapping[str, Any]], seed: int, where: str) -> list[dict[str, Any]]:
    """Return complete configurations.

    Missing parameters are drawn at random, as a function of the seed and the point's index.

    Raises
    ------
    StudyError
        If a point does not lie in the space; the message has `where`, the point's index, key, value and what is
        allowed.

    Examples
    --------
    >>> from search.space.spaces import build
    >>> space = build({"alpha": (0.1, 10.0, "log"), "activation": ["relu"]})
    >>> complete(space, [{"alpha": 2}], 0, "initial_points")
    [{'alpha': 2.0, 'activation': 'relu'}]
    """
    whole = []
    for place, point in enumerate(points):
        random = np.random.default_rng([seed, 1, place])
        errors = []
        for one in space.members:
            try:
                whole.append(_completed(one, point, random))
                break
            except ValueError as error:
                errors.append(str(error))
        else:
            raise StudyError(f"{where}[{place}]: {'; or '.join(errors)}")
    return whole


def _completed(space: Space, point: Mapping[str, Any], random: np.random.Generator) -> dict[str, Any]:
    return space.at(random.random(len(space.axes)).tolist(), _checked(space, point))


def _checked(space: Space, point: Mapping[str, Any]) -> dict[str, Any]:
    """Return the validated values of a point's axes."""
    params = {}
    for name, value in point.items():
        if name not in space:
            raise ValueError(
                f"{name} is not in the space{hints.of_key(name, list(space))}; allowed are {', '.join(space)}"
            )
        try:
            params[name] = space[name].check(value)
        except ValueError as error:
            raise ValueError(f"{name} {error}") from None
    leaves = space.leaves(params)
    for name, leaf in space.axes.items():
        if name in leaves and not leaf.exists(leaves):
            needed = " and ".join(f"{parent} = {' or '.join(sorted(labels))}" for parent, labels in leaf.when.items())
            raise ValueError(f"{name} exists only with {needed}; add that to the point")
    return leaves
