"""Figures of a study, drawn without a display; every function returns a Matplotlib figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from search.space.dimensions import Choice, Quantile, Range, label
from search.space.interface import Axis
from search.space.spaces import Space
from search.trials.baselines import Baseline
from search.trials.outcomes import VERDICTS, Outcome, front, order

BEST_CURVES = 5

BASELINE_STYLES = ("--", "-.", ":", (0, (8, 2, 1, 2, 1, 2)))
"""Styles of the baselines' lines, for as many as a report may have."""


def figures(
    outcomes: Mapping[int, Outcome], space: Space, baselines: Sequence[Baseline], metric: str
) -> dict[str, Figure]:
    """Return all figures of a study by name."""
    drawn = {
        "history": history(outcomes, baselines, metric),
        "parameters": parameters(outcomes, space, baselines, metric),
    }
    if any(o.healthy and o.losses for o in outcomes.values()):
        drawn["learning_curves"] = learning_curves(outcomes)
    if len(front(outcomes)) > 1:
        drawn["size"] = size(outcomes, baselines, metric)
    return drawn


def history(outcomes: Mapping[int, Outcome], baselines: Sequence[Baseline], metric: str) -> Figure:
    """Plot the score of each trial, the best so far, and the baselines; diverged trials lie at the bottom edge."""
    figure, axes = _canvas(9, 4.5)
    low, high = _limits(outcomes, baselines)
    _points(axes, {n: n for n in outcomes}, outcomes, low)
    numbers = sorted(n for n, o in outcomes.items() if o.healthy)
    if numbers:
        best = np.maximum.accumulate([outcomes[n].score for n in numbers])
        axes.step(
            [*numbers, max(outcomes)], [*best, best[-1]], where="post", color="#1b1b1b", lw=1.4, label="best so far"
        )
    _baselines(axes, baselines)
    axes.set(xlabel="trial", ylabel=metric, ylim=(low, high), title="Search history")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def parameters(outcomes: Mapping[int, Outcome], space: Space, baselines: Sequence[Baseline], metric: str) -> Figure:
    """Plot the score against each searched parameter, one panel each: where trials diverge and where they do well."""
    leaves = {n: space.leaves(o.params) for n, o in outcomes.items()}
    columns = min(3, len(space.axes))
    rows = -(-len(space.axes) // columns)
    figure = Figure(figsize=(3.6 * columns + 0.6, 3.2 * rows + 0.5), layout="constrained")
    low, high = _limits(outcomes, baselines)
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes, (name, leaf) in zip(panels.flat, space.axes.items(), strict=False):
        values = {n: values[name] for n, values in leaves.items() if name in values}
        _points(axes, SCALES[type(leaf.dimension)](axes, leaf.dimension, values), outcomes, low)
        axes.set(xlabel=name, ylim=(low, high))
        _plain(axes)
    for axes in panels.flat[len(space.axes) :]:
        axes.set_visible(False)
    for axes in panels[:, 0]:
        axes.set_ylabel(metric)
    handles = {
        text: handle for axes in panels.flat for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=4, frameon=False)
    return figure


def _places_of_choices(axes: Axes, dimension: Choice, values: Mapping[int, Any]) -> dict[int, float]:
    """Label a position for each choice; points are jittered around it, so that they do not hide one another."""
    places = {text: i for i, text in enumerate(dimension.labels)}
    jitter = np.random.default_rng(0).uniform(-0.18, 0.18, max(values, default=0) + 1)
    axes.set_xticks(range(len(places)), [_short(text) for text in places], rotation=30 if len(places) > 3 else 0)
    return {n: places[label(value)] + jitter[n] for n, value in values.items()}


def _numbers(axes: Axes, dimension: Axis, values: Mapping[int, Any]) -> Mapping[int, float]:
    return values


def _numbers_of_range(axes: Axes, dimension: Range, values: Mapping[int, Any]) -> Mapping[int, float]:
    axes.set_xscale("log" if dimension.log else "linear")
    return values


SCALES: dict[type[Axis], Callable[[Axes, Any, Mapping[int, Any]], Mapping[int, float]]] = {
    Choice: _places_of_choices,
    Range: _numbers_of_range,
    Quantile: _numbers,
}
"""Drawing of each kind of axis: sets the scale of a panel, and returns the position of each trial's value on it."""


def size(outcomes: Mapping[int, Outcome], baselines: Sequence[Baseline], metric: str) -> Figure:
    """Plot the score of each trial against the number of weights, and the Pareto front of both."""
    figure, axes = _canvas(9, 4.5)
    low, high = _limits(outcomes, baselines)
    _points(axes, {n: o.n_weights for n, o in outcomes.items() if o.n_weights}, outcomes, low)
    best = front(outcomes)[::-1]
    axes.step(
        [o.n_weights for o in best], [o.score for o in best], where="post", color="#1b1b1b", lw=1.4, label="front"
    )
    for outcome in best:
        axes.annotate(
            f"{outcome.number}", (outcome.n_weights, outcome.score), (0, 6), textcoords="offset points", ha="center"
        )
    _baselines(axes, baselines)
    axes.set(xlabel="weights of a network", xscale="log", ylabel=metric, ylim=(low, high), title="Score and size")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def learning_curves(outcomes: Mapping[int, Outcome]) -> Figure:
    """Plot mean training and validation loss over the folds of the best trials.

    A dot marks the best number of epochs.
    """
    figure, axes = _canvas(9, 4.5)
    ranked = sorted((o for o in outcomes.values() if o.healthy), key=order)[:BEST_CURVES]
    for rank, outcome in enumerate(ranked):
        color = f"C{rank}"
        training, validation = outcome.losses["training"], outcome.losses["validation"]
        epochs = np.arange(1, len(training) + 1)
        axes.plot(epochs, training, color=color, lw=1, ls=":")
        axes.plot(epochs, validation, color=color, lw=1.6, label=f"trial {outcome.number}")
        last = min(outcome.epoch, len(validation))
        axes.plot(last, validation[last - 1], "o", color=color, ms=5)
    axes.plot([], [], color="#555555", lw=1, ls=":", label="training")
    axes.plot([], [], color="#555555", lw=1.6, label="validation")
    axes.set(
        xlabel="epoch", ylabel="loss, mean over the folds", yscale="log", title="Learning curves of the best trials"
    )
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    _plain(axes)
    return figure, axes


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.2)


def _points(axes: Axes, x: Mapping[int, Any], outcomes: Mapping[int, Outcome], low: float) -> None:
    for name, verdict in VERDICTS.items():
        numbers = [n for n in x if outcomes[n].verdict == name]
        if numbers:
            y = [max(outcomes[n].score, low) if outcomes[n].fold_scores else low for n in numbers]
            axes.scatter(
                [x[n] for n in numbers],
                y,
                c=verdict.color,
                marker=verdict.marker,
                s=34,
                alpha=0.85,
                lw=0,
                label=verdict.label,
                clip_on=False,
                zorder=3,
            )


def _baselines(axes: Axes, baselines: Sequence[Baseline]) -> None:
    for baseline, style in zip(baselines, BASELINE_STYLES, strict=False):
        axes.axhline(baseline.score, color="#777777", ls=style, lw=1, label=baseline.name)


def _limits(outcomes: Mapping[int, Outcome], baselines: Sequence[Baseline]) -> tuple[float, float]:
    """Return axis limits from just below the dummy predictor to just above the best trial."""
    scores = [o.score for o in outcomes.values() if o.fold_scores] + [b.score for b in baselines]
    bottom = min([b.score for b in baselines] or scores, default=0.0)
    top = max(scores, default=0.0)
    margin = 0.06 * (top - bottom or 1.0)
    return bottom - margin, top + margin


def _short(text: str) -> str:
    return text.strip("[]").replace(", ", "-") or "none"
