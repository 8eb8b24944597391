"""Predictions of the best trial for rows that it was not trained on, beside their targets."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bpmodel.colors import COLORS, GREY
from search import formatting
from search.plots.canvas import bounded, canvas, plain_look
from search.plots.subject import subject
from search.trials.out_of_fold.summary import Output, Summary

MOST_OUTPUTS = 4
"""Outputs that have a row of panels."""


@plain_look()
def residuals(result: Any) -> Figure:
    """Plot out-of-fold predictions of the best trial: against the targets, and what is left of these (the residuals).

    On the lines, prediction and target are equal. A residual is target - prediction. At most 2,000 rows are drawn; the errors
    in the titles are those of all rows.

    Parameters
    ----------
    result : BPSearchCV or Result
        Of a regression.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If there are no out-of-fold predictions of numbers.
    """
    told = _told(subject(result).out_of_fold)
    shown = told.outputs[:MOST_OUTPUTS]
    figure, panels = canvas(0.9 + 2.7 * len(shown), len(shown), 2, sharey=False)
    for i, output in enumerate(shown):
        left, right = panels[2 * i], panels[2 * i + 1]
        of = f" {i + 1}" if told.n_outputs > 1 else ""
        _predicted(left, output, f"target{of}")
        _left(right, output, f"residual{of}")
    some = f", {len(shown)} of {told.n_outputs} outputs" if told.n_outputs > len(shown) else ""
    figure.suptitle(f"Predictions of trial {told.trial} for rows it was not trained on{some}", fontsize="medium")
    return figure


def _told(told: Summary | None) -> Summary:
    if told is None or not told.outputs:
        raise ValueError("there are no out-of-fold predictions of numbers to draw")
    return told


def _points(axes: Axes, x: Any, y: Any) -> None:
    alpha = min(1.0, max(0.15, 150 / max(len(x), 1)))
    axes.scatter(x, y, s=12, alpha=alpha, color=COLORS[0], edgecolors="none", zorder=2, rasterized=True)


def _predicted(axes: Axes, output: Output, name: str) -> None:
    truth, predicted = bounded(output.truth), bounded(output.predicted)
    ends = [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())]
    axes.plot(ends, ends, color=GREY, lw=1.2, zorder=1)
    _points(axes, predicted, truth)
    r2 = "" if output.r2 is None else f", R² {output.r2:.3g}"
    axes.set_title(f"RMSE {formatting.number(output.rmse)}{r2}", fontsize=9)
    axes.set(xlabel="predicted", ylabel=name)


def _left(axes: Axes, output: Output, name: str) -> None:
    axes.axhline(0, color=GREY, lw=1.2, zorder=1)
    predicted = bounded(output.predicted)
    _points(axes, predicted, bounded(output.truth) - predicted)
    axes.set_title(f"mean residual {formatting.number(-output.bias, output.rmse)}", fontsize=9)
    axes.set(xlabel="predicted", ylabel=name)
