"""The unit cube of a space: configurations as rows of numbers, and as features for models based on distances.

A row has a number in [0, 1) for each axis; the number of an axis that does not exist is ignored. As features, a range
is one column from 0 to 1; choices among numbers are one column, in numeric order; other choices have one column per
value. The columns of an axis that does not exist have their middle value, so that it makes no difference there
(Bussemaker et al., 2025, arXiv:2504.08721).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.space.dimensions import Choice, Draws, Quantile, Range, label
from search.space.interface import Axis
from search.space.spaces import Space


class UnitCube:
    """Converts configurations of a space to rows and features.

    Examples
    --------
    >>> from search.space.spaces import build
    >>> cube = UnitCube(build({"alpha": (0.01, 1.0, "log"), "activation": ["relu", "tanh"]}))
    >>> row = cube.row({"alpha": 0.1, "activation": "tanh"})
    >>> row.tolist(), cube.features(row[None]).tolist()
    ([0.5, 0.75], [[0.5, 0.0, 1.0]])
    """

    def __init__(self, space: Space) -> None:
        self._space, self._axes = space, space.axes
        self._parents = {parent for leaf in self._axes.values() for parent in leaf.when}

    @property
    def n_axes(self) -> int:
        return len(self._axes)

    @property
    def n_features(self) -> int:
        return self.features(np.full((1, self.n_axes), 0.5)).shape[1] if self._axes else 0

    @property
    def choices(self) -> NDArray[np.bool_]:
        """Which axes are choices: to change a choice is to draw it again, not to move it."""
        return np.array([COLUMNS[type(leaf.dimension)].choices for leaf in self._axes.values()])

    def row(self, params: Mapping[str, Any]) -> NDArray[np.float64]:
        """Return the row of a configuration, with 0.5 for axes that do not exist."""
        leaves = self._space.leaves(params)
        places = (leaf.dimension.place(leaves[name]) if name in leaves else 0.5 for name, leaf in self._axes.items())
        return np.clip(list(places), 0.0, np.nextafter(1.0, 0.0))

    def params(self, row: NDArray[np.float64]) -> dict[str, Any]:
        """Return the configuration of a row."""
        return self._space.at(row.tolist())

    def features(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the features of rows, shape (n_rows, n_features)."""
        labels: dict[str, NDArray[np.object_]] = {}
        columns = []
        for (name, leaf), numbers in zip(self._axes.items(), rows.T, strict=True):
            exists = np.ones(len(rows), dtype=bool)
            for parent, allowed in leaf.when.items():
                exists &= np.isin(labels[parent], sorted(allowed))
            column = COLUMNS[type(leaf.dimension)].features(leaf.dimension, numbers)
            columns.append(np.where(exists[:, None], column, 1 / max(column.shape[1], 2)))
            if name in self._parents:
                labels[name] = np.array([label(leaf.dimension.at(u)) for u in numbers], dtype=object)
                labels[name][~exists] = ""
        return np.hstack(columns)


def _of_choice(d: Choice, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    index = np.minimum((numbers * len(d.values)).astype(int), len(d.values) - 1)
    if not d.ordered:
        return (index[:, None] == np.arange(len(d.values))).astype(np.float64)
    ranks = np.argsort(np.argsort(d.values)) / max(len(d.values) - 1, 1)
    return ranks[index][:, None]


def _of_numbers(d: Range | Quantile, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([d.place(d.at(u)) for u in numbers])[:, None] if d.integer else numbers[:, None]


class Columns(NamedTuple):
    """The representation of an axis in features.

    Attributes
    ----------
    features : callable
        Maps an axis and numbers, shape (n,), to features, shape (n, n_columns).
    choices : bool
        Whether the values are choices.
    """

    features: Callable[[Any, NDArray[np.float64]], NDArray[np.float64]]
    choices: bool = False


COLUMNS: dict[type[Axis], Columns] = {
    Choice: Columns(_of_choice, choices=True),
    Range: Columns(_of_numbers),
    Quantile: Columns(_of_numbers),
    Draws: Columns(_of_numbers),
}
