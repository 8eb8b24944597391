"""All hyperparameters of all trials at once: a line for each trial."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from bpmodel.colors import GREY
from search import formatting
from search.plots.canvas import legend, panel, plain_look, say
from search.plots.coordinates import Coordinate
from search.plots.fonts import drawable, families
from search.plots.labels import shortened
from search.plots.subject import Subject, subject
from search.trials.outcomes import VERDICTS, Outcome, order

MOST_AXES, MOST_LINES = 10, 300
"""Hyperparameters and trials that are drawn: the most important ones, and the best trials with a part of the others."""

BELOW = -0.12
"""Where a line passes a hyperparameter that the trial does not have."""

MARGIN = 0.06

SHADES, PALEST = colormaps["cividis_r"], 0.2
"""From bad to good scores, for every kind of color vision; without the palest, which white paper hides."""


@plain_look()
def parallel_coordinates(result: Any, ax: Axes | None = None) -> Figure:
    """Plot each trial as a line through its hyperparameters to its score; the best ones are dark, diverged ones dashed.

    Hyperparameters in which all trials agree are left out; of more than `MOST_AXES`, the most important are shown. A line
    passes below a hyperparameter that does not exist for its trial.

    Parameters
    ----------
    result : BPSearchCV or Result
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Figure
    """
    drawn = subject(result)
    figure, axes = panel(ax, 4.8)
    ranked = drawn.ranked()
    shown = ranked[:MOST_AXES]
    axes.set_axis_off()
    some = f", {len(shown)} of {len(ranked)} hyperparameters" if len(shown) < len(ranked) else ""
    axes.set_title(f"Trials as lines{some}")
    if not shown:
        say(axes, "all trials have the same hyperparameters")
        return figure
    lines = chosen(drawn)
    for outcome in reversed(lines):
        _draw(axes, drawn, shown, outcome)
    for x, one in enumerate(shown):
        _axis(axes, x, one, absent=any(outcome.number not in one.places for outcome in lines))
    _axis_of_scores(axes, len(shown), drawn)
    axes.set(xlim=(-0.3, len(shown) + 0.3), ylim=(BELOW - 0.03, 1.04))
    _explain(axes, drawn, lines)
    legend(figure, ax)
    return figure


def chosen(drawn: Subject, most: int = MOST_LINES) -> list[Outcome]:
    """Return the trials that are drawn, the best first: the best third of the places, and others at even distances."""
    ranked = sorted(drawn.outcomes.values(), key=order)
    if len(ranked) <= most:
        return ranked
    best, rest = ranked[: most // 3], ranked[most // 3 :]
    kept = np.linspace(0, len(rest) - 1, most - len(best)).round().astype(int)
    return best + [rest[i] for i in np.unique(kept)]


def shade(share: float) -> Any:
    """Return the color of a score, from 0 (worst) to 1."""
    return SHADES(PALEST + (1 - PALEST) * share)


def height(drawn: Subject, outcome: Outcome) -> float:
    """Return the place of a trial on the axis of scores, from 0 (worst) to 1; those without a score are below."""
    scale = drawn.scale
    if not scale.holds(outcome.score):
        return BELOW
    return abs(scale.value(outcome.score) - scale.worst) / scale.height


def _draw(axes: Axes, drawn: Subject, shown: list[Coordinate], outcome: Outcome) -> None:
    points = [one.places.get(outcome.number, BELOW) for one in shown] + [height(drawn, outcome)]
    best = drawn.best is not None and outcome.number == drawn.best.number
    verdict = VERDICTS[outcome.verdict]
    color: Any = "black" if best else shade(max(points[-1], 0.0)) if verdict.scored else verdict.color
    style = {"lw": 2.6 if best else 1.0, "alpha": 1.0 if best else 0.75, "zorder": 4 if best else 2 + points[-1] / 2}
    path = np.column_stack([range(len(points)), points])
    axes.add_collection(LineCollection([path], colors=[color], ls="--" if not verdict.scored else "-", **style))


def _axis(axes: Axes, x: int, one: Coordinate, *, absent: bool) -> None:
    axes.plot([x, x], [0, 1], color="black", lw=0.8, zorder=3)
    halo = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.6}
    for place, text in [*one.labels, *([(BELOW, "none")] if absent else [])]:
        axes.annotate(
            drawable(shortened(text, 12)),
            (x, place),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
            bbox=halo,
            zorder=5,
            family=families(),
        )
    axes.annotate(
        drawable(shortened(one.name)),
        (x, BELOW - 0.03),
        (4, -4),
        textcoords="offset points",
        rotation=-35,
        ha="left",
        va="top",
        rotation_mode="anchor",
        fontsize=8.5,
        annotation_clip=False,
        family=families(),
    )


def _axis_of_scores(axes: Axes, x: int, drawn: Subject) -> None:
    scale = drawn.scale
    ends = [(0.0, formatting.number(float(scale.worst))), (1.0, formatting.number(float(scale.best)))]
    _axis(axes, x, Coordinate(scale.name, {}, ends, 0.0, 1.0, False, True, {}), absent=scale.strip)


def _explain(axes: Axes, drawn: Subject, lines: list[Outcome]) -> None:
    """Add the lines of the legend: what can be seen, no more."""
    if drawn.best is not None:
        value = formatting.number(drawn.scale.value(drawn.best.score))
        axes.plot([], [], color="black", lw=2.6, label=f"best (trial {drawn.best.number}): {value}")
    scored = [o for o in lines if VERDICTS[o.verdict].scored]
    if scored:
        axes.plot([], [], color=shade(1.0), lw=1.5, label="good")
        axes.plot([], [], color=shade(0.0), lw=1.5, label="bad")
    for name in dict.fromkeys(o.verdict for o in lines):
        if not VERDICTS[name].scored:
            axes.plot([], [], color=VERDICTS[name].color, ls="--", lw=1.2, label=VERDICTS[name].label)
    if len(lines) < len(drawn.outcomes):
        axes.plot([], [], color=GREY, lw=0, label=f"{len(lines)} of {len(drawn.outcomes):,} trials")
