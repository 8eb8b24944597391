"""What a notebook shows of fits: in scikit-learn's diagram how each ended, and below it layers and loss curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import estimator_html_repr

from bpmodel.colors import BLUE, ORANGE, STATUS_COLORS
from bpmodel.names.sparkline import sparkline

WIDTH, HEIGHT, MARGIN = 360, 90, 6
CURVES = {"loss": ("training loss", BLUE), "validation_loss": ("validation loss", ORANGE)}
STYLE = "font-family: monospace; font-size: 0.9em; margin-top: 0.6em; line-height: 1.5"
IN_A_BOX = 24
"""Characters of the loss curve in a box of scikit-learn's diagram."""
MOST_MEMBERS = 5
"""Networks of an ensemble that are shown one by one."""


class Shown(BaseEstimator):
    """A network, or an ensemble of some, in a notebook: boxes of diagrams say how fits ended, also in pipelines and searches."""

    def _html_repr(self) -> str:
        diagram: str = estimator_html_repr(self)
        fitted = [self] if hasattr(self, "verdict_") else getattr(self, "estimators_", [])
        if not fitted:
            return diagram
        return diagram + (summary(self) if fitted == [self] else members(fitted))

    def _sk_visual_block_(self) -> Any:
        # private: without it, scikit-learn draws one plain box
        from sklearn.utils._repr_html.estimator import _VisualBlock

        name = type(self).__name__
        fitted = getattr(self, "estimators_", None)
        if fitted is None:
            told = caption(self) if hasattr(self, "verdict_") else None
            return _VisualBlock("single", self, names=name, name_details=str(self), name_caption=told)
        first = fitted[:MOST_MEMBERS]
        names = [f"network {number} of {len(fitted)}" for number in range(1, len(first) + 1)]
        return _VisualBlock("parallel", first, names=names, name_details=list(map(str, first)))


def caption(estimator: Any) -> str:
    """Return in a line how a fit ended, and its loss curve."""
    losses = np.asarray(estimator.history_["loss"], dtype=float)
    verdict, epochs = estimator.verdict_, len(losses)
    curve = f": loss {sparkline(losses.tolist(), IN_A_BOX)} {losses[0]:.3g} to {losses[-1]:.3g}" if epochs > 1 else ""
    return f"{verdict.status}, {epochs} epoch{'s' * (epochs != 1)}{curve}"


def summary(estimator: Any) -> str:
    """Return the summary of a fitted `BPRegressor` or `BPClassifier` as HTML."""
    verdict = estimator.verdict_
    curves = {name: np.asarray(estimator.history_[name]) for name in CURVES}
    return (
        f'<div style="{STYLE}">'
        f'<b style="color: {STATUS_COLORS[verdict.status]}">{verdict.status}</b>: {escape(verdict.reason)}<br>'
        f"{escape(layers(estimator))}<br>{_plot(curves, CURVES)}</div>"
    )


def members(fitted: Sequence[Any]) -> str:
    """Return the summary of the networks of an ensemble as HTML: how each ended, and their loss curves."""
    shown = fitted[:MOST_MEMBERS]
    names = {f"network {number}": network for number, network in enumerate(shown, start=1)}
    lines = [
        f'{name}: <b style="color: {STATUS_COLORS[network.verdict_.status]}">{network.verdict_.status}</b>: '
        f"{escape(network.verdict_.reason)}"
        for name, network in names.items()
    ]
    if len(fitted) > len(shown):
        lines.append(f"and {len(fitted) - len(shown)} more")
    curves = {name: np.asarray(network.history_["loss"]) for name, network in names.items()}
    styles = {name: (f"{name}, loss", color) for name, color in zip(names, MEMBERS, strict=False)}
    title = f"mean of {len(fitted)} networks, each {layers(shown[0])}"
    return f'<div style="{STYLE}">{"<br>".join([escape(title), *lines])}<br>{_plot(curves, styles)}</div>'


MEMBERS = (BLUE, ORANGE, *STATUS_COLORS.values())
"""Colors of the curves of members, which stand out from white and from black."""


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


def _plot(curves: Mapping[str, NDArray], styles: Mapping[str, tuple[str, str]]) -> str:
    """Return the curves as SVG; the loss scale is logarithmic if all values are positive."""
    drawn = {name: values for name, values in curves.items() if np.isfinite(values).sum() > 1}
    if not drawn:
        return ""
    everything = np.concatenate([values[np.isfinite(values)] for values in drawn.values()])
    scale = np.log if (everything > 0).all() else np.asarray
    low, high = float(scale(everything.min())), float(scale(everything.max()))
    longest = max(map(len, drawn.values()))
    lines = [f'<svg width="{WIDTH}" height="{HEIGHT}" style="background: #8881" role="img" aria-label="loss by epoch">']
    for name, values in drawn.items():
        epochs = np.flatnonzero(np.isfinite(values))
        x = MARGIN + epochs / max(longest - 1, 1) * (WIDTH - 2 * MARGIN)
        y = MARGIN + (high - scale(values[epochs])) / max(high - low, 1e-12) * (HEIGHT - 2 * MARGIN)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        lines.append(f'<polyline fill="none" stroke="{styles[name][1]}" stroke-width="1.5" points="{points}"/>')
    legend = ", ".join(
        f'<span style="color: {styles[name][1]}">{styles[name][0]}</span> '
        f"{values[np.isfinite(values)][0]:.4g} to {values[np.isfinite(values)][-1]:.4g}"
        for name, values in drawn.items()
    )
    kind = ", on a logarithmic scale" if scale is np.log else ""
    return f"{''.join(lines)}</svg><br>{legend}, epochs 1 to {longest}{kind}"
