"""The losses of the best trials, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bpmodel.colors import COLORS, GREY
from search.plots.canvas import bounded, legend, logarithmic, panel, plain_look
from search.plots.fonts import drawable
from search.plots.subject import subject
from search.trials.outcomes import order

MARKERS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼"}
"""Markers of trials whose curves are drawn, each with the character that looks like it."""

BEST_CURVES = len(MARKERS)

APART = 0.06
"""Least distance between the names of curves, as a share of the height."""


@plain_look()
def learning_curves(result: Any, ax: Axes | None = None) -> Figure:
    """Plot mean training and validation loss over the folds of the best trials.

    The marker of a trial is at its best number of epochs, and at its name beside the end of its curve.

    Parameters
    ----------
    result : BPSearchCV or Result
        Of networks: other estimators have no epochs.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Figure
    """
    drawn = subject(result)
    outcomes, loss = drawn.outcomes, drawn.loss
    figure, axes = panel(ax, 4.6)
    axes.set_yscale("log")
    ranked = sorted((o for o in outcomes.values() if o.healthy and o.losses), key=order)[:BEST_CURVES]
    ends: list[tuple[str, int, float, str]] = []
    shown: list[float] = []
    for outcome, color, marker in zip(ranked, COLORS, MARKERS, strict=False):
        training, validation = (bounded(outcome.losses[rows]).tolist() for rows in ("training", "validation"))
        epochs = np.arange(1, len(training) + 1)
        axes.plot(epochs, training, color=color, lw=1, ls="--", alpha=0.8)
        axes.plot(epochs, validation, color=color, lw=1.8)
        last = min(outcome.epoch, len(validation))
        axes.plot(last, validation[last - 1], marker, color=color, ms=7, mec="white", mew=0.8, zorder=4)
        ends.append((f"{MARKERS[marker]} trial {outcome.number}", len(epochs), validation[-1], color))
        shown += [*training, *validation]
    _names_at_ends(axes, ends)
    known = [value for value in shown if np.isfinite(value) and value > 0]
    if known:
        logarithmic(axes.yaxis, min(known), max(known))
    axes.plot([], [], color=GREY, lw=1.8, label="validation")
    axes.plot([], [], color=GREY, lw=1, ls="--", label="training")
    axes.plot([], [], "o", color=GREY, label="best number of epochs")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    one = loss and not any(name.split("__")[-1] == "loss" for o in ranked for name in o.params)
    named = drawable(f"loss ({loss.replace('_', ' ')})") if one else "loss"
    axes.set(xlabel="epoch", ylabel=f"{named}, mean over the folds", title="Learning curves of the best trials")
    legend(figure, ax, columns=3)
    return figure


def _names_at_ends(axes: Axes, ends: Sequence[tuple[str, int, float, str]]) -> None:
    """Write the name of each trial beside the axes, at the height where its curve ends, but not over another's."""
    transform = axes.transScale + axes.transLimits
    axes.autoscale_view()
    heights = {name: float(transform.transform((end, value))[1]) for name, end, value, _ in ends}
    last = -np.inf
    for name in sorted(heights, key=lambda name: (heights[name], name)):
        last = heights[name] = max(heights[name], last + APART)
    over = max(last - 1.0, 0.0)
    for name, end, value, color in ends:
        axes.annotate(
            name,
            (end, value),
            (1.02, heights[name] - over),
            xycoords="data",
            textcoords="axes fraction",
            color=color,
            va="center",
            arrowprops={"arrowstyle": "-", "color": color, "lw": 0.6, "alpha": 0.6, "shrinkA": 0, "shrinkB": 0},
        )
