"""Classes that the best trial takes for one another, in rows that it was not trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from search.plots.canvas import panel, plain_look
from search.plots.fonts import drawable, families
from search.plots.labels import shortened
from search.plots.subject import subject

MOST_WRITTEN = 12
"""Classes of which there are numbers in the cells."""


@plain_look()
def confusion_matrix(result: Any, ax: Axes | None = None) -> Figure:
    """Plot the shares of each true class that the best trial predicts as each class, out of fold; the numbers are rows.

    Parameters
    ----------
    result : BPSearchCV or Result
        Of a classification.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If there are no out-of-fold predictions of classes.
    """
    told = subject(result).out_of_fold
    if told is None or not told.confusion:
        raise ValueError("there are no out-of-fold predictions of classes to draw")
    figure, axes = panel(ax, 5.2)
    table = np.array(told.confusion)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.grid(visible=False)
    labels = [drawable(shortened(name, 18)) for name in told.classes]
    places = range(len(labels))
    look: dict[str, Any] = {"family": families(), "fontsize": 10 if len(labels) <= MOST_WRITTEN else 7}
    axes.set_xticks(places, labels, rotation=90 if max(map(len, labels)) * len(labels) > 30 else 0, **look)
    axes.set_yticks(places, labels, **look)
    if len(labels) <= MOST_WRITTEN:
        for (i, j), n in np.ndenumerate(table):
            color = "white" if shares[i, j] > 0.5 else "black"
            size = 10 if len(labels) <= 6 else 7.5
            axes.text(j, i, f"{n:,}", ha="center", va="center", color=color, fontsize=size)
    right = np.trace(table) / max(table.sum(), 1)
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_title(f"Trial {told.trial}, rows it was not trained on: {right:.1%} right", fontsize="medium")
    return figure
