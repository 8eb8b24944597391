"""The score against each searched parameter, a panel each."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from search.plots.canvas import canvas, legend_below, plain_look
from search.plots.fonts import drawable, families
from search.plots.labels import shortened
from search.plots.marks import SCALES, finish, points
from search.plots.subject import subject

MOST_PANELS = 30
"""The most panels of a figure: more cannot be read, and take minutes to draw."""


@plain_look()
def parameters(result: Any) -> Figure:
    """Plot the score against each searched parameter, one panel each: where trials diverge and where they do well.

    Of more than `MOST_PANELS`, those are left out that are like others: the widths of further layers.

    Parameters
    ----------
    result : BPSearchCV or Result

    Returns
    -------
    matplotlib Figure
    """
    drawn = subject(result)
    space, scale = drawn.space, drawn.scale
    shown = dict(sorted(space.axes.items(), key=lambda item: item[1].shared)[:MOST_PANELS])
    columns = min(2, len(shown)) or 1
    rows = -(-len(shown) // columns) or 1
    figure, panels = canvas(2.5 * rows + 1.5, rows, columns)
    for axes, (name, leaf) in zip(panels, shown.items(), strict=False):
        values = {n: values[name] for n, values in drawn.leaves.items() if name in values}
        points(axes, SCALES[type(leaf.dimension)](axes, leaf.dimension, values), drawn)
        finish(axes, drawn.baselines, scale)
        axes.set_xlabel(drawable(shortened(name)), family=families())
        axes.set_ylabel("")
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    figure.supylabel(drawable(scale.label.replace("\n", " ")), fontsize="medium", family=families())
    some = (
        "each hyperparameter" if len(shown) == len(space.axes) else f"{len(shown)} of {len(space.axes)} hyperparameters"
    )
    figure.suptitle(f"Score and {some}", fontsize="large")
    legend_below(figure)
    return figure
