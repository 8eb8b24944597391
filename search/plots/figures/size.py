"""The score against the number of weights."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from search.plots.canvas import legend, logarithmic, panel, plain_look
from search.plots.marks import finish, name, points
from search.plots.subject import subject
from search.trials.outcomes import front


@plain_look()
def size(result: Any, ax: Axes | None = None) -> Figure:
    """Plot the score of each trial against the number of weights, and the Pareto front of both.

    Parameters
    ----------
    result : BPSearchCV or Result
        Of networks: other estimators have no weights that could be counted.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Figure
    """
    drawn = subject(result)
    figure, axes = panel(ax, 4.6)
    scale = drawn.scale
    weights = {n: o.n_weights for n, o in drawn.outcomes.items() if o.n_weights}
    axes.set_xscale("log")
    axes.margins(x=0.12)  # so that the names have a place
    logarithmic(axes.xaxis, min(weights.values(), default=1), max(weights.values(), default=1))
    best = front(drawn.outcomes)[::-1]
    style: dict[str, Any] = {"color": "black", "lw": 1.4, "label": "smaller networks (front)"}
    axes.step([o.n_weights for o in best], [scale.place(o) for o in best], where="post", **style)
    points(axes, weights, drawn)
    for outcome in best:
        name(axes, f"{outcome.number}", outcome.n_weights, scale.place(outcome))
    finish(axes, drawn.baselines, scale)
    axes.set(xlabel="weights of a network", title="Score and size, with the numbers of the trials")
    legend(figure, ax)
    return figure
