"""Saturated and exploding at once: a deep tanh network with ever larger initial weights, before the first step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from docs.article.block import Block, median, number
from docs.article.drawing import COLORS, canvas, legend, level
from docs.article.fits import depth_ratio, fit_all, friedman, healthy, predicted_ratio, saturated

GAINS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
DEPTH = 8


def measure(seeds: int = 10, gains: Sequence[float] = GAINS) -> Block:
    """Return chi, the predicted and the measured gradient ratio for each factor of the initial weights."""
    fitted = {
        name: {
            gain: fit_all(
                (
                    healthy(
                        seed,
                        activation=name,
                        init=init,
                        init_gain=gain,
                        hidden_layer_sizes=(32,) * DEPTH,
                        max_iter=1,
                        dtype="float64",  # relu's gradients overflow single precision at a factor of 16
                        on_divergence="ignore",
                    ),
                    *friedman(seed)[:2],
                )
                for seed in range(seeds)
            )
            for gain in gains
        }
        for name, init in (("tanh", "glorot_uniform"), ("relu", "he_uniform"))
    }
    rows = [
        [
            name,
            f"{gain:g}",
            f"{100 * saturated(group):.0f} %" if name == "tanh" else "-",
            median(np.exp(np.mean(np.log(n.probes_["chi"][0, :-1]))) for n in group),
            median(predicted_ratio(n) for n in group),
            median(depth_ratio(n) for n in group),
        ]
        for name, groups in fitted.items()
        for gain, group in groups.items()
    ]
    figure, (ratios, flat) = canvas(2)
    off = []
    for (name, groups), color in zip(fitted.items(), COLORS, strict=False):
        measured = [[depth_ratio(n) for n in groups[gain]] for gain in gains]
        predicted = [[predicted_ratio(n) for n in groups[gain]] for gain in gains]
        off += list(np.abs(np.log(np.array(measured) / predicted)).ravel())
        ratios.plot(gains, np.median(measured, axis=1), "o", color=color, ms=4, label=f"{name}, measured")
        ratios.plot(gains, np.median(predicted, axis=1), color=color, lw=1.2, label=f"{name}, from chi")
    level(ratios, 1.0, "no change")
    flat.plot(gains, [100 * saturated(fitted["tanh"][gain]) for gain in gains], "o-", color=COLORS[0], ms=4, lw=1.4)
    for axes in (ratios, flat):
        axes.set(xscale="log", xlabel="factor of the initial weights")
    ratios.set(yscale="log", ylabel="first / last layer", title="Derivatives")
    flat.set(ylabel="saturated units, percent", ylim=(0, 100), title="Saturation of tanh")
    legend(ratios, loc="upper left")
    return Block(
        ["activation", "weights times", "saturated", "chi", "product of √chi", "first / last layer, measured"],
        rows,
        f"{DEPTH} layers of 32 units; medians over {seeds} seeds; chi is the geometric mean over the layers. Over all "
        f"these networks the prediction is off by a factor of {number(float(np.exp(np.median(off))))} in the median "
        f"and {number(float(np.exp(max(off))))} at most. Relu does not saturate.",
        figure,
        "Gradient ratio and share of saturated units against the factor of the initial weights",
    )
