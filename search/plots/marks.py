"""Marks that figures share: trials as points, the best one, baselines, and names beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from bpmodel.colors import GREY
from search import formatting
from search.plots.canvas import Scale, logarithmic
from search.plots.fonts import drawable, families
from search.plots.labels import choice
from search.plots.subject import Subject
from search.space.dimensions import Choice, Draws, Quantile, Range, is_number, label
from search.space.interface import Axis
from search.trials.baselines import Baseline
from search.trials.outcomes import VERDICTS

DASHES = ("--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
"""Styles of the baselines' lines, for as many as a report may have."""

MOST_TICKS = 40
"""The most named choices of a panel: more cannot be read, and take minutes to draw."""


def points(axes: Axes, x: Mapping[int, Any], drawn: Subject, y: Mapping[int, float] | None = None) -> None:
    """Draw trials where they have an x, those of each verdict alike, and a ring around the best one.

    They lie at the heights `y`, by default at their scores.
    """
    outcomes, scale = drawn.outcomes, drawn.scale
    for name, verdict in VERDICTS.items():
        numbers = [n for n in x if outcomes[n].verdict == name]
        if numbers:
            axes.scatter(
                [x[n] for n in numbers],
                [scale.place(outcomes[n]) if y is None else y[n] for n in numbers],
                c=verdict.color,
                marker=verdict.marker,
                s=30,
                alpha=0.85,
                lw=0,
                label=verdict.label,
                zorder=3,
            )
    best = drawn.best
    if best is not None and best.number in x:
        seeds = f", {len(best.seed_scores)} seeds" if best.seed_scores else ""
        told = f"best (trial {best.number}{seeds}): {formatting.number(scale.value(best.score))}"
        ring: dict[str, Any] = {"marker": "o", "ms": 10, "mfc": "none", "mec": "black", "mew": 1.5, "ls": "none"}
        axes.plot([x[best.number]], [scale.place(best) if y is None else y[best.number]], label=told, zorder=4, **ring)


def finish(axes: Axes, baselines: Sequence[Baseline], scale: Scale) -> None:
    """Draw baselines and strip, and set the axis of scores: an arrow stands for a baseline that is off the scale."""
    for baseline, dashes in zip(baselines, cycle(DASHES), strict=False):
        value = scale.value(baseline.score)
        told = f"{baseline.name}: {formatting.number(value)}"
        if scale.holds(baseline.score):
            axes.axhline(value, color=GREY, ls=dashes, lw=1.2, label=told)
            continue
        up = value > max(scale.best, scale.worst)
        style: dict[str, Any] = {"color": GREY, "ms": 8, "ls": "none", "marker": "^" if up else "v", "clip_on": False}
        axes.plot(1.02, 0.97 if up else 0.03, transform=axes.transAxes, label=f"{told}, off scale", **style)
    if scale.strip:
        axes.axhspan(*scale.strip_limits, color=GREY, alpha=0.12, lw=0, label="worse, or without a score")
    axes.set_ylabel(drawable(scale.label), family=families())
    axes.set_ylim(scale.limits)


def name(axes: Axes, text: str, x: float, y: float) -> None:
    """Write a name to the left of a point, readable over lines."""
    halo = [withStroke(linewidth=2.5, foreground="white")]
    axes.annotate(
        text, (x, y), (-9, 0), textcoords="offset points", ha="right", va="center", path_effects=halo, zorder=5
    )


# ----------------------------------------------------------------------------------------------- values on an axis


def places_of_choices(axes: Axes, labels: Iterable[str], values: Mapping[int, Any]) -> dict[int, float]:
    """Label a position for each choice; points are jittered around it, so that they do not hide one another."""
    places = {text: i for i, text in enumerate(labels)}
    jitter = np.random.default_rng(0).uniform(-0.18, 0.18, max(values, default=0) + 1)
    look: dict[str, Any] = {"rotation": 30 if len(places) > 3 else 0, "family": families()}
    step = -(-len(places) // MOST_TICKS) or 1
    axes.set_xticks(range(0, len(places), step), [drawable(choice(text)) for text in list(places)[::step]], **look)
    return {n: places[label(value)] + jitter[n] for n, value in values.items()}


def _choices(axes: Axes, dimension: Choice, values: Mapping[int, Any]) -> Mapping[int, float]:
    return places_of_choices(axes, dimension.labels, values)


def _numbers(axes: Axes, dimension: Axis, values: Mapping[int, Any]) -> Mapping[int, float]:
    return values


def _numbers_of_range(axes: Axes, dimension: Range, values: Mapping[int, Any]) -> Mapping[int, float]:
    if dimension.log:
        axes.set_xscale("log")
        logarithmic(axes.xaxis, dimension.low, dimension.high)
    return values


def _draws(axes: Axes, dimension: Draws, values: Mapping[int, Any]) -> Mapping[int, float]:
    if all(is_number(value) for value in values.values()):
        return values
    return places_of_choices(axes, dict.fromkeys(label(value) for value in values.values()), values)


SCALES: dict[type[Axis], Callable[[Axes, Any, Mapping[int, Any]], Mapping[int, float]]] = {
    Choice: _choices,
    Range: _numbers_of_range,
    Quantile: _numbers,
    Draws: _draws,
}
"""Drawing of each kind of axis: sets the scale of a panel, and returns the position of each trial's value on it."""
