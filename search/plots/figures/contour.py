"""The score over two hyperparameters, with the region where trials diverge."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bpmodel.colors import RED
from search.plots.canvas import legend_below, panel, plain_look, say
from search.plots.coordinates import Coordinate, learning_rate
from search.plots.fonts import drawable, families
from search.plots.labels import shortened
from search.plots.marks import points
from search.plots.subject import Subject, subject

CELLS = 40
"""Cells of the picture along each axis."""

WIDTH = 0.12
"""Width of the bell by which trials count at a place, as a share of each axis."""

NEAR = 0.05
"""Where all bells together weigh less than this, nothing was tried nearby and nothing is drawn."""

MOST_TRIALS = 1000
FEWEST_TRIALS = 8

SHADES = LinearSegmentedColormap.from_list("scores", ["#f6f4ee", "#d9e0e6", "#86a9cb"])
"""From bad to good, darker as in the other figures, but light enough for the marks of trials."""


@plain_look()
def contour(result: Any, ax: Axes | None = None) -> Figure:
    """Plot the score over the learning rate and the most important other number, and hatch the region of divergence.

    The colors are weighted means of the trials nearby, each weighted by a bell (Nadaraya and Watson, 1964), whatever their
    other hyperparameters. In the hatched region, more than half of the trials diverged, weighted in the same way. Without a
    learning rate, the two most important numbers are drawn.

    Parameters
    ----------
    result : BPSearchCV or Result
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Figure
    """
    drawn = subject(result)
    figure, axes = panel(ax, 5.0)
    pair = plane(drawn)
    if pair is None:
        say(axes, f"there are no two numbers that were varied in {FEWEST_TRIALS} trials or more")
        return figure
    x, y = pair
    common = [n for n in x.places if n in y.places]
    fields = _fields(drawn, x, y, common)
    _fill(figure, axes, drawn, fields)
    points(axes, {n: x.places[n] for n in common[:MOST_TRIALS]}, drawn, {n: y.places[n] for n in common})
    _label(axes, x, y)
    axes.set_title("Score over two hyperparameters")
    if ax is None:
        legend_below(figure)
    return figure


def plane(drawn: Subject) -> tuple[Coordinate, Coordinate] | None:
    """Return the two coordinates that are drawn; None if there are no two numbers, or too few trials have both."""
    numbers = [one for one in drawn.ranked() if _many(one)]
    rate = learning_rate(drawn.coordinates)
    if rate is not None and len(set(rate.places.values())) > 1:
        numbers = [rate, *(one for one in numbers if one.name != rate.name)]
    pairs = [(numbers[0], other) for other in numbers[1:] if _common(drawn, numbers[0], other) >= FEWEST_TRIALS]
    return pairs[0] if pairs else None


def _many(one: Coordinate) -> bool:
    """Return whether a coordinate is one of numbers, or of an ordered choice of several."""
    return one.numeric or (one.ordered and len(set(one.places.values())) > 2)


def _common(drawn: Subject, one: Coordinate, other: Coordinate) -> int:
    return sum(n in other.places and n in drawn.values for n in one.places)


Field = NDArray[np.float64]


def _fields(drawn: Subject, x: Coordinate, y: Coordinate, common: list[int]) -> tuple[Field, Field]:
    """Return mean score and share of diverged trials, each of shape (CELLS, CELLS): NaN where nothing is near."""
    known = [n for n in common if n in drawn.values]
    if len(known) > MOST_TRIALS:
        known = np.random.default_rng(0).permutation(known)[:MOST_TRIALS].tolist()
    grid = np.linspace(0, 1, CELLS)
    across, up = (
        np.exp(-(((grid[:, None] - [one.places[n] for n in known]) / WIDTH) ** 2) / 2) for one in (x, y)
    )  # (CELLS, trials)
    diverged = np.array([drawn.outcomes[n].diverged for n in known], dtype=np.float64)
    scores = np.array([drawn.values[n] for n in known])
    weight = up @ across.T
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(weight > NEAR, (up * diverged) @ across.T / weight, np.nan)
        scored = (up * (1 - diverged)) @ across.T
        mean = np.where(scored > NEAR, (up * ((1 - diverged) * scores)) @ across.T / scored, np.nan)
    return mean, share


def _fill(figure: Figure, axes: Axes, drawn: Subject, fields: tuple[Field, Field]) -> None:
    mean, share = fields
    scale, grid = drawn.scale, np.linspace(0, 1, CELLS)
    if np.isfinite(mean).any() and np.nanmax(mean) > np.nanmin(mean):
        shades = SHADES if scale.sign > 0 else SHADES.reversed()
        filled = axes.contourf(grid, grid, mean, levels=9, cmap=shades)
        bar = figure.colorbar(filled, ax=axes, pad=0.02)
        bar.set_label(drawable(scale.label.replace("\n", " ")), family=families())
    if np.isfinite(share).any() and np.nanmax(share) > 0.5:
        hatched = axes.contourf(grid, grid, share, levels=[0.5, 1.01], colors="none", hatches=["///"])
        hatched.set_edgecolor(RED)
        axes.contour(grid, grid, share, levels=[0.5], colors=[RED], linewidths=1.5)
        axes.fill([], [], facecolor="none", edgecolor=RED, hatch="///", label="most trials diverge")


def _label(axes: Axes, x: Coordinate, y: Coordinate) -> None:
    axes.set_xticks([place for place, _ in x.labels], [drawable(text) for _, text in x.labels], family=families())
    axes.set_yticks([place for place, _ in y.labels], [drawable(text) for _, text in y.labels], family=families())
    axes.set_xlabel(drawable(shortened(x.name, 40)), family=families())
    axes.set_ylabel(drawable(shortened(y.name, 40)), family=families())
    axes.set(xlim=(-0.04, 1.04), ylim=(-0.06, 1.06))
