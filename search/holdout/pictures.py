"""Figures of an evaluation: target against prediction, or the confusion matrix."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bpmodel.colors import COLORS, GREY
from search import classes
from search.holdout.evaluation import Evaluation
from search.plots.canvas import canvas, plain_look
from search.plots.fonts import drawable, families

MOST_POINTS = 5000
"""Points that are drawn; of more rows, a random part."""

LONGEST = 40
"""Characters of a name or a class that are drawn."""

MOST_WRITTEN = 12
"""Classes of which a confusion matrix has numbers in its cells."""


@plain_look()
def picture(found: Evaluation, name: str) -> Figure:
    """Return the figure of an evaluation; `name` is what the axes are called: the target."""
    return confusion(found, name) if found.sample.classes else scatter(found, name)


def scatter(found: Evaluation, name: str) -> Figure:
    """Plot the target against the prediction; on the line, both are equal."""
    figure, (axes,) = canvas(5.2)
    truth, predicted = found.sample.truth, found.sample.predicted
    if len(truth) > MOST_POINTS:
        rows = np.random.default_rng(0).permutation(len(truth))[:MOST_POINTS]
        truth, predicted = truth[rows], predicted[rows]
    low, high = min(truth.min(), predicted.min()), max(truth.max(), predicted.max())
    axes.plot([low, high], [low, high], color=GREY, lw=1.2, zorder=1)
    axes.scatter(
        predicted, truth, s=14, alpha=min(1.0, max(0.15, 200 / len(truth))), color=COLORS[0], edgecolors="none"
    )
    correlation = "" if np.isnan(found.correlation) else f", R = {found.correlation:.3f}"
    axes.set_title(f"{len(found.sample):,} rows{correlation}")
    _name_axes(axes, name)
    axes.set_aspect("equal", adjustable="datalim")
    return figure


def confusion(found: Evaluation, name: str) -> Figure:
    """Plot the shares of each true class that are predicted as each class; the numbers are rows."""
    figure, (axes,) = canvas(5.2)
    table = found.sample.confusion
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.grid(visible=False)
    labels = [drawable(shortened(classes.text(label))) for label in found.sample.classes]
    places = range(len(labels))
    turned = max(map(len, labels)) * len(labels) > 30
    axes.set_xticks(places, labels, rotation=90 if turned else 0, family=families())
    axes.set_yticks(places, labels, family=families())
    if len(labels) <= MOST_WRITTEN:
        for i in places:
            for j in places:
                color = "white" if shares[i, j] > 0.5 else "black"
                axes.text(j, i, f"{table[i, j]:,}", ha="center", va="center", color=color)
    axes.set_title(f"{len(found.sample):,} rows")
    _name_axes(axes, name)
    return figure


def _name_axes(axes: Axes, name: str) -> None:
    """Call the axes after the target."""
    axes.set_xlabel(drawable(f"predicted {shortened(name)}"), family=families())
    axes.set_ylabel(drawable(f"{shortened(name)} in the table"), family=families())


def shortened(text: str) -> str:
    """Return a text of which there is a place beside the axes.

    >>> shortened("a" * 99)[-2:], len(shortened("a" * 99))
    ('a…', 40)
    """
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
