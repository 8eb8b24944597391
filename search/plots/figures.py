"""Figures of a study, drawn without a display; every function returns a Matplotlib figure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from bpmodel.colors import COLORS, GREY
from search import formatting
from search.plots.canvas import Scale, canvas, legend_below, logarithmic, plain_look, scale_of
from search.plots.fonts import drawable, families
from search.space.dimensions import Choice, Draws, Quantile, Range, is_number, label
from search.space.interface import Axis
from search.space.spaces import Space
from search.trials.baselines import Baseline
from search.trials.outcomes import VERDICTS, Outcome, front, order, winner

MARKERS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼"}
"""Markers of trials whose curves are drawn, each with the character that looks like it."""

BEST_CURVES = len(MARKERS)
MOST_PANELS, MOST_TICKS = 30, 40
"""The most panels of a figure, and named choices of a panel: more cannot be read, and take minutes to draw."""

DASHES = ("--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
APART = 0.06
"""Least distance between the names of curves, as a share of the height."""

BASELINE_STYLES = ("--", "-.", ":", (0, (8, 2, 1, 2, 1, 2)))
"""Styles of the baselines' lines, for as many as a report may have."""


@plain_look()
def figures(
    outcomes: Mapping[int, Outcome], space: Space, baselines: Sequence[Baseline], scoring: str, loss: str = ""
) -> dict[str, Figure]:
    """Return all figures of a study by name.

    Parameters
    ----------
    outcomes : dict of int to Outcome
        All trials by number.
    space : Space
    baselines : sequence of Baseline
        The first one is the dummy predictor.
    scoring : str
        Name of the scorer. Errors (``neg_…``) are drawn without their sign.
    loss : str
        Name of the networks' loss, if all have the same.
    """
    drawn = {
        "history": history(outcomes, baselines, scoring),
        "parameters": parameters(outcomes, space, baselines, scoring),
    }
    if any(o.healthy and o.losses for o in outcomes.values()):
        drawn["learning_curves"] = learning_curves(outcomes, loss)
    if len(front(outcomes)) > 1:
        drawn["size"] = size(outcomes, baselines, scoring)
    return drawn


def history(outcomes: Mapping[int, Outcome], baselines: Sequence[Baseline], scoring: str) -> Figure:
    """Plot the score of each trial, the best so far and the baselines; diverged trials lie at the worse edge."""
    figure, (axes,) = canvas(4.6)
    scale = scale_of(outcomes, baselines, scoring)
    numbers = sorted(n for n, o in outcomes.items() if o.healthy)
    if numbers:
        best = [scale.value(score) for score in np.maximum.accumulate([outcomes[n].score for n in numbers])]
        style: dict[str, Any] = {"color": "black", "lw": 1.4, "label": "best so far"}
        axes.step([*numbers, max(outcomes)], [*best, best[-1]], where="post", **style)
    _points(axes, {n: n for n in outcomes}, outcomes, scale)
    _finish(axes, baselines, scale)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.set(xlabel="trial", title="Search history")
    legend_below(figure)
    return figure


def parameters(outcomes: Mapping[int, Outcome], space: Space, baselines: Sequence[Baseline], scoring: str) -> Figure:
    """Plot the score against each searched parameter, one panel each: where trials diverge and where they do well.

    Of more than `MOST_PANELS`, those are left out that are like others: the widths of further layers.
    """
    leaves = {n: space.leaves(o.params) for n, o in outcomes.items()}
    shown = dict(sorted(space.axes.items(), key=lambda item: item[1].shared)[:MOST_PANELS])
    columns = min(2, len(shown))
    rows = -(-len(shown) // columns)
    figure, panels = canvas(2.5 * rows + 1.5, rows, columns)
    scale = scale_of(outcomes, baselines, scoring)
    for axes, (name, leaf) in zip(panels, shown.items(), strict=False):
        values = {n: values[name] for n, values in leaves.items() if name in values}
        _points(axes, SCALES[type(leaf.dimension)](axes, leaf.dimension, values), outcomes, scale)
        _finish(axes, baselines, scale)
        axes.set_xlabel(drawable(name), family=families())
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


def _places_of_choices(axes: Axes, dimension: Choice, values: Mapping[int, Any]) -> dict[int, float]:
    return _places(axes, dimension.labels, values)


def _places(axes: Axes, labels: Iterable[str], values: Mapping[int, Any]) -> dict[int, float]:
    """Label a position for each choice; points are jittered around it, so that they do not hide one another."""
    places = {text: i for i, text in enumerate(labels)}
    jitter = np.random.default_rng(0).uniform(-0.18, 0.18, max(values, default=0) + 1)
    look: dict[str, Any] = {"rotation": 30 if len(places) > 3 else 0, "family": families()}
    step = -(-len(places) // MOST_TICKS) or 1
    axes.set_xticks(range(0, len(places), step), [drawable(_short(text)) for text in list(places)[::step]], **look)
    return {n: places[label(value)] + jitter[n] for n, value in values.items()}


def _numbers(axes: Axes, dimension: Axis, values: Mapping[int, Any]) -> Mapping[int, float]:
    return values


def _numbers_of_range(axes: Axes, dimension: Range, values: Mapping[int, Any]) -> Mapping[int, float]:
    if dimension.log:
        axes.set_xscale("log")
        logarithmic(axes.xaxis, dimension.low, dimension.high)
    return values


def _draws(axes: Axes, dimension: Draws, values: Mapping[int, Any]) -> Mapping[int, float]:
    if all(is_number(value) for value in values.values()):
        return values
    return _places(axes, dict.fromkeys(label(value) for value in values.values()), values)


SCALES: dict[type[Axis], Callable[[Axes, Any, Mapping[int, Any]], Mapping[int, float]]] = {
    Choice: _places_of_choices,
    Range: _numbers_of_range,
    Quantile: _numbers,
    Draws: _draws,
}
"""Drawing of each kind of axis: sets the scale of a panel, and returns the position of each trial's value on it."""


def size(outcomes: Mapping[int, Outcome], baselines: Sequence[Baseline], scoring: str) -> Figure:
    """Plot the score of each trial against the number of weights, and the Pareto front of both."""
    figure, (axes,) = canvas(4.6)
    scale = scale_of(outcomes, baselines, scoring)
    weights = {n: o.n_weights for n, o in outcomes.items() if o.n_weights}
    axes.set_xscale("log")
    axes.margins(x=0.12)  # so that the names have a place
    logarithmic(axes.xaxis, min(weights.values()), max(weights.values()))
    best = front(outcomes)[::-1]
    style: dict[str, Any] = {"color": "black", "lw": 1.4, "label": "smaller networks (front)"}
    axes.step([o.n_weights for o in best], [scale.place(o) for o in best], where="post", **style)
    _points(axes, weights, outcomes, scale)
    for outcome in best:
        _name(axes, f"{outcome.number}", outcome.n_weights, scale.place(outcome))
    _finish(axes, baselines, scale)
    axes.set(xlabel="weights of a network", title="Score and size, with the numbers of the trials")
    legend_below(figure)
    return figure


def learning_curves(outcomes: Mapping[int, Outcome], loss: str = "") -> Figure:
    """Plot mean training and validation loss over the folds of the best trials.

    The marker of a trial is at its best number of epochs, and at its name beside the end of its curve.
    """
    figure, (axes,) = canvas(4.6)
    axes.set_yscale("log")
    ranked = sorted((o for o in outcomes.values() if o.healthy and o.losses), key=order)[:BEST_CURVES]
    ends: list[tuple[str, int, float, str]] = []
    shown: list[float] = []
    for outcome, color, marker in zip(ranked, COLORS, MARKERS, strict=False):
        training, validation = outcome.losses["training"], outcome.losses["validation"]
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
    legend_below(figure, columns=3)
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


def _points(axes: Axes, x: Mapping[int, Any], outcomes: Mapping[int, Outcome], scale: Scale) -> None:
    """Draw trials where they have an x, those of each verdict alike, and a ring around the best one."""
    for name, verdict in VERDICTS.items():
        numbers = [n for n in x if outcomes[n].verdict == name]
        if numbers:
            axes.scatter(
                [x[n] for n in numbers],
                [scale.place(outcomes[n]) for n in numbers],
                c=verdict.color,
                marker=verdict.marker,
                s=30,
                alpha=0.85,
                lw=0,
                label=verdict.label,
                zorder=3,
            )
    best = winner(outcomes)
    if best is not None and best.number in x:
        seeds = f", {len(best.seed_scores)} seeds" if best.seed_scores else ""
        told = f"best (trial {best.number}{seeds}): {formatting.number(scale.value(best.score))}"
        ring: dict[str, Any] = {"marker": "o", "ms": 10, "mfc": "none", "mec": "black", "mew": 1.5, "ls": "none"}
        axes.plot([x[best.number]], [scale.place(best)], label=told, zorder=4, **ring)


def _finish(axes: Axes, baselines: Sequence[Baseline], scale: Scale) -> None:
    """Draw baselines and strip, and set the axis of scores: an arrow stands for a baseline that is off the scale."""
    for baseline, dashes in zip(baselines, cycle(DASHES), strict=False):
        value = scale.value(baseline.score)
        told = f"{baseline.name}: {formatting.number(value)}"
        if scale.holds(baseline.score):
            axes.axhline(value, color=GREY, ls=dashes, lw=1.2, label=told)
            continue
        up = value > max(scale.best, scale.worst)
        style: dict[str, Any] = {"color": GREY, "ms": 8, "ls": "none", "marker": "^" if up else "v", "clip_on": False}
        axes.plot(1.02, 0.97 if up else 0.03, transform=axes.transAxes, label=f"{told}, off scale", **style)
    if scale.strip:
        axes.axhspan(*scale.strip_limits, color=GREY, alpha=0.12, lw=0, label="worse, or without a score")
    axes.set_ylabel(drawable(scale.label), family=families())
    axes.set_ylim(scale.limits)


def _name(axes: Axes, text: str, x: float, y: float) -> None:
    """Write a name to the left of a point, readable over lines."""
    halo = [withStroke(linewidth=2.5, foreground="white")]
    axes.annotate(
        text, (x, y), (-9, 0), textcoords="offset points", ha="right", va="center", path_effects=halo, zorder=5
    )


def _short(text: str) -> str:
    return text.strip("[]").replace(", ", "-") or "none"
