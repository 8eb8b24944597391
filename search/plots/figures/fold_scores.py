"""The scores of the best trials and of the baselines, fold by fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bpmodel.colors import GREY, NAVY
from search import formatting
from search.plots.canvas import panel, plain_look, say, width
from search.plots.fonts import drawable, families
from search.plots.subject import Subject, subject
from search.trials.outcomes import order

BEST = 5
"""Trials that are shown."""

MOST_JOINED = 30
"""Folds whose scores are joined by lines: with more, lines hide one another."""

BEYOND = 1.0
"""Rows whose mean is further away than this many times the width of the shown trials do not set the scale."""


class Row(NamedTuple):
    """What is compared, and its scores in the metric's sign, one for each fold."""

    name: str
    scores: Sequence[float]
    trial: bool


@plain_look()
def fold_scores(result: Any, ax: Axes | None = None) -> Figure:
    """Plot the scores of the best trials and of the baselines on each fold; lines join the scores on the same fold.

    Folds differ more than models do. So it is the slope of the lines that tells whether one model is better: if nearly all
    lead to the same side, it is.

    Parameters
    ----------
    result : BPSearchCV or Result
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Figure
    """
    drawn = subject(result)
    rows = _rows(drawn)
    figure, axes = panel(ax, 1.6 + 0.55 * max(len(rows), 2))
    axes.set_title("Scores fold by fold")
    if not rows:
        say(axes, "no trial has a score")
        return figure
    low, high = _limits(rows)
    places = [len(rows) - i for i in range(len(rows))]
    shown = [low <= np.mean(row.scores) <= high for row in rows]
    scores = np.where(np.array(shown)[:, None], [row.scores for row in rows], np.nan)  # (rows, folds)
    if scores.shape[1] <= MOST_JOINED:
        axes.plot(scores, places, color=GREY, lw=0.8, alpha=0.6, zorder=1)
    for place, row, own in zip(places, rows, scores, strict=True):
        color = NAVY if row.trial else "black"
        axes.plot(own, [place] * len(own), "o" if row.trial else "D", color=color, ms=5, alpha=0.7, mew=0, zorder=3)
        mean = float(np.mean(row.scores))
        if np.isfinite(own).all():
            axes.plot([mean, mean], [place - 0.28, place + 0.28], color=color, lw=2.4, zorder=4)
    _names(axes, rows, places, low, high)
    margin = 0.05 * (high - low)
    axes.set(xlim=(low - margin, high + margin), ylim=(0.4, len(rows) + 0.6))
    axes.set_xlabel(
        drawable(drawn.scale.label) + "\na dot for each fold, a bar at the mean",
        family=families(),
        fontsize=9,
    )
    return figure


def _rows(drawn: Subject) -> list[Row]:
    sign, best = drawn.scale.sign, drawn.best
    if best is None:
        return []
    ranked = sorted((o for o in drawn.outcomes.values() if o.healthy and o is not best), key=order)
    trials = [best, *ranked[: BEST - 1]]
    n_folds = len(best.fold_scores)
    found = [
        Row(f"trial {o.number}{' (best)' if o is best else ''}", [sign * s for s in o.fold_scores], True)
        for o in trials
    ]
    found += [Row(b.name, [sign * s for s in b.fold_scores], False) for b in drawn.baselines]
    return [row for row in found if len(row.scores) == n_folds and np.isfinite(row.scores).all()]


def _limits(rows: Sequence[Row]) -> tuple[float, float]:
    """Return the ends of the scale: those of the best trials, and of what is not much further away."""
    trials = np.concatenate([row.scores for row in rows if row.trial])
    low, high = float(trials.min()), float(trials.max())
    reach = BEYOND * (high - low)
    near = [row.scores for row in rows if low - reach <= np.mean(row.scores) <= high + reach]
    everything = np.concatenate([trials, *near])
    low, high = float(everything.min()), float(everything.max())
    room = width(low, high) / 2
    return (low, high) if high - low >= room else (low - room, high + room)


def _names(axes: Axes, rows: Sequence[Row], places: Sequence[int], low: float, high: float) -> None:
    texts = []
    for row in rows:
        mean = float(np.mean(row.scores))
        off = "" if low <= mean <= high else " (off scale)"
        texts.append(f"{row.name}\n{formatting.number(mean)}{off}")
    axes.set_yticks(places, [drawable(text) for text in texts], fontsize=9, family=families())
