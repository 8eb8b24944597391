"""How much each hyperparameter matters."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bpmodel.colors import NAVY
from search.plots.canvas import panel, plain_look, say
from search.plots.fonts import drawable, families
from search.plots.labels import shortened
from search.plots.subject import subject

MOST_BARS = 15
"""Hyperparameters that are shown, the most important ones."""


@plain_look()
def importance(result: Any, ax: Axes | None = None) -> Figure:
    """Plot how much each hyperparameter matters, see `search.plots.importances`: permutation importance of a random forest.

    The forest learns the score of the trials, diverged ones included, which count as slightly worse than the worst on the
    scale of the figures. Where the trials are too few, or the forest predicts no better than chance, the figure says so.

    Parameters
    ----------
    result : BPSearchCV or Result
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Figure
    """
    drawn = subject(result)
    found = drawn.importances
    shown = dict(list(found.shares.items())[:MOST_BARS])
    figure, axes = panel(ax, 1.6 + 0.32 * max(len(shown), 4))
    axes.set_title("What mattered")
    if not shown:
        say(axes, found.doubt)
        return figure
    places = range(len(shown), 0, -1)
    axes.barh(places, list(shown.values()), color=NAVY, height=0.65)
    for place, share in zip(places, shown.values(), strict=True):
        axes.annotate(f"{share:.0%}", (share, place), (4, 0), textcoords="offset points", va="center")
    axes.set_yticks(places, [drawable(shortened(name)) for name in shown], family=families())
    axes.set_xlim(0, 1.15 * max(shown.values()))
    axes.set_xticks([])
    left = f"; {len(found.shares) - len(shown)} more matter less" if len(found.shares) > len(shown) else ""
    axes.set_xlabel(
        f"share of the importance, from {found.n_trials} trials,\nwhich explain {found.explained:.0%} of the differences{left}"
    )
    axes.grid(visible=False)
    return figure
