"""Where trials diverge: the learning rate against depth, width or another hyperparameter."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from bpmodel.colors import RED
from search import formatting
from search.plots.canvas import legend, panel, plain_look, say
from search.plots.coordinates import Coordinate, learning_rate
from search.plots.fonts import drawable, families
from search.plots.labels import shortened
from search.plots.subject import Subject, subject

CELLS = 8
"""The most cells along each axis."""

SHAPES = ("layers", "hidden_layer_sizes", "width_1", "batch_size")
"""Ends of the names of hyperparameters that the stable learning rates depend on, the first that is searched is drawn."""

SHADES = LinearSegmentedColormap.from_list("diverged", ["#f4f4f4", "#f3c7a8", RED])


@plain_look()
def stability_map(result: Any, ax: Axes | None = None) -> Figure:
    """Plot which trials diverged, by learning rate and depth, width or else the most important other hyperparameter.

    The number in a cell is that of the trials that diverged, out of those in the cell. Nothing is trained for it: cells without
    a trial are empty. `bpmodel.StabilityMapDisplay` trains networks on a grid instead.

    Parameters
    ----------
    result : BPSearchCV or Result
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Figure
    """
    drawn = subject(result)
    pair = plane(drawn)
    figure, axes = panel(ax, 4.8)
    axes.set_title("Trials that diverged")
    if pair is None:
        say(axes, "no learning rate was searched together with another hyperparameter")
        return figure
    x, y = pair
    columns, rows = _bins(x), _bins(y)
    counts: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    for number, outcome in drawn.outcomes.items():
        if number in x.places and number in y.places and not outcome.failed:
            cell = counts[_bin(x.places[number], columns), _bin(y.places[number], rows)]
            cell[0] += outcome.diverged
            cell[1] += 1
    _cells(axes, counts, len(columns), len(rows))
    _mark_best(axes, drawn, x, y, columns, rows)
    _ticks(axes, x, y, columns, rows)
    legend(figure, ax)
    return figure


def plane(drawn: Subject) -> tuple[Coordinate, Coordinate] | None:
    """Return the learning rate and what it is drawn against; None if there are no two."""
    rate = learning_rate(drawn.coordinates)
    if rate is None:
        return None
    others = [one for one in drawn.ranked() if one.name != rate.name and any(n in rate.places for n in one.places)]
    if not others:
        return None
    shapes = [one for end in SHAPES for one in others if one.name.endswith(end)]
    return rate, (shapes or others)[0]


def _bins(one: Coordinate) -> list[float]:
    """Return the middles of the cells along an axis: the choices if there are few, otherwise equal parts."""
    known = sorted({round(place, 6) for place in one.places.values()})
    if not one.numeric and len(one.labels) <= CELLS:
        return [place for place, _ in one.labels]
    if len(known) <= CELLS:
        return known
    return [(i + 0.5) / CELLS for i in range(CELLS)]


def _bin(place: float, middles: list[float]) -> int:
    return int(np.argmin(np.abs(np.array(middles) - place)))


def _cells(axes: Axes, counts: dict[tuple[int, int], list[int]], n_columns: int, n_rows: int) -> None:
    shares = np.full((n_rows, n_columns), np.nan)
    for (column, row), (diverged, n) in counts.items():
        shares[row, column] = diverged / n
        color = "white" if shares[row, column] > 0.75 else "black"
        axes.text(column, row, f"{diverged}/{n}", ha="center", va="center", color=color, fontsize=8.5)
    axes.imshow(shares, cmap=SHADES, vmin=0, vmax=1, aspect="auto", origin="lower")
    axes.grid(visible=False)


def _mark_best(
    axes: Axes, drawn: Subject, x: Coordinate, y: Coordinate, columns: list[float], rows: list[float]
) -> None:
    best = drawn.best
    if best is None or best.number not in x.places or best.number not in y.places:
        return
    column, row = _bin(x.places[best.number], columns), _bin(y.places[best.number], rows)
    axes.fill(
        np.array([-0.47, 0.47, 0.47, -0.47]) + column,
        np.array([-0.47, -0.47, 0.47, 0.47]) + row,
        fill=False,
        edgecolor="black",
        lw=2,
        label=f"has the best (trial {best.number})",
    )


def _ticks(axes: Axes, x: Coordinate, y: Coordinate, columns: list[float], rows: list[float]) -> None:
    look: dict[str, Any] = {"family": families()}
    axes.set_xticks(range(len(columns)), [_tick(x, place) for place in columns], rotation=40, ha="right", **look)
    axes.set_yticks(range(len(rows)), [_tick(y, place) for place in rows], **look)
    axes.set_xlabel(drawable(shortened(x.name, 40)), **look)
    axes.set_ylabel(drawable(shortened(y.name, 40)), **look)


def _tick(one: Coordinate, place: float) -> str:
    text = dict(one.labels).get(place) if not one.numeric else None
    return drawable(shortened(text, 14)) if text is not None else formatting.number(float(f"{one.at(place):.2g}"))
