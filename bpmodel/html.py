"""The HTML summary below scikit-learn's diagram in a notebook: how the fit ended, its layers and its loss curves."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpmodel.colors import BLUE, ORANGE, STATUS_COLORS

WIDTH, HEIGHT, MARGIN = 360, 90, 6
CURVES = {"loss": ("training", BLUE), "validation_loss": ("validation", ORANGE)}


def summary(estimator: Any) -> str:
    """Return the summary of a fitted `BPRegressor` or `BPClassifier` as HTML."""
    verdict = estimator.verdict_
    curves = {name: np.asarray(estimator.history_[name]) for name in CURVES}
    return (
        '<div style="font-family: monospace; font-size: 0.9em; margin-top: 0.6em; line-height: 1.5">'
        f'<b style="color: {STATUS_COLORS[verdict.status]}">{verdict.status}</b>: {escape(verdict.reason)}<br>'
        f"{escape(layers(estimator))}<br>{_plot(curves)}</div>"
    )


def layers(estimator: Any) -> str:
    """Return a description of the layers in one line.

    >>> from bpmodel import BPRegressor
    >>> X = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    >>> layers(BPRegressor(hidden_layer_sizes=(16, 8), solver="lbfgs", random_state=0).fit(X, [1.0, 2.0, 3.0]))
    '2 inputs, 16 relu, 8 relu, 1 identity: 193 parameters in float64'
    """
    inputs, *units = estimator._layer_units
    activations = [*estimator._activations, estimator.out_activation_]
    parameters = estimator._parameters
    parts = [f"{inputs} inputs", *(f"{n} {name}" for n, name in zip(units, activations, strict=True))]
    return f"{', '.join(parts)}: {parameters.size:,} parameters in {parameters.dtype}"


def _plot(curves: dict[str, NDArray]) -> str:
    """Return the curves as SVG; the loss scale is logarithmic if all values are positive."""
    drawn = {name: values for name, values in curves.items() if np.isfinite(values).sum() > 1}
    if not drawn:
        return ""
    everything = np.concatenate([values[np.isfinite(values)] for values in drawn.values()])
    scale = np.log if (everything > 0).all() else np.asarray
    low, high = float(scale(everything.min())), float(scale(everything.max()))
    lines = [f'<svg width="{WIDTH}" height="{HEIGHT}" style="background: #8881" role="img" aria-label="loss by epoch">']
    for name, values in drawn.items():
        epochs = np.flatnonzero(np.isfinite(values))
        x = MARGIN + epochs / max(len(values) - 1, 1) * (WIDTH - 2 * MARGIN)
        y = MARGIN + (high - scale(values[epochs])) / max(high - low, 1e-12) * (HEIGHT - 2 * MARGIN)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        lines.append(f'<polyline fill="none" stroke="{CURVES[name][1]}" stroke-width="1.5" points="{points}"/>')
    legend = ", ".join(
        f'<span style="color: {CURVES[name][1]}">{CURVES[name][0]} loss</span> '
        f"{values[np.isfinite(values)][0]:.4g} to {values[np.isfinite(values)][-1]:.4g}"
        for name, values in drawn.items()
    )
    last = len(next(iter(drawn.values())))
    kind = ", on a logarithmic scale" if scale is np.log else ""
    return f"{''.join(lines)}</svg><br>{legend}, epochs 1 to {last}{kind}"
