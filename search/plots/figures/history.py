"""The score of each trial in the order of the search."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from search.plots.canvas import legend, panel, plain_look
from search.plots.marks import finish, points
from search.plots.subject import subject


@plain_look()
def history(result: Any, ax: Axes | None = None) -> Figure:
    """Plot the score of each trial, the best so far and the baselines; diverged trials lie at the worse edge.

    Parameters
    ----------
    result : BPSearchCV or Result
    ax : matplotlib Axes, optional
        Draws there; by default in a figure of its own.

    Returns
    -------
    matplotlib Figure
    """
    drawn = subject(result)
    outcomes, scale = drawn.outcomes, drawn.scale
    figure, axes = panel(ax, 4.6)
    numbers = sorted(n for n, o in outcomes.items() if o.healthy)
    if numbers:
        best = [scale.value(score) for score in np.maximum.accumulate([outcomes[n].score for n in numbers])]
        style: dict[str, Any] = {"color": "black", "lw": 1.4, "label": "best so far"}
        axes.step([*numbers, max(outcomes)], [*best, best[-1]], where="post", **style)
    points(axes, {n: n for n in outcomes}, drawn)
    finish(axes, drawn.baselines, scale)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.set(xlabel="trial", title="Search history")
    legend(figure, ax)
    return figure
