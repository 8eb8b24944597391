"""How the gradient changes on its way back through deep sigmoid, tanh and relu networks, before the first step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from docs.article.block import Block, median
from docs.article.drawing import COLORS, canvas, legend
from docs.article.fits import depth_ratio, fit_all, friedman, healthy, predicted_ratio, saturated

STARTS = {"logistic": "glorot_uniform", "tanh": "glorot_uniform", "relu": "he_uniform"}
DEPTHS = (2, 8, 16)
WIDTH = 32
GAINS = (4.0, 10.0)
"""Factors of the weights that saturate the sigmoid network."""


def measure(seeds: int = 10, depths: Sequence[int] = DEPTHS) -> Block:
    """Return, for each activation and depth, the share of saturated units and the gradient ratio of first to last layer."""
    cases = [(name, 1.0) for name in STARTS] + [("logistic", gain) for gain in GAINS]
    keys = [(name, gain, depth, seed) for name, gain in cases for depth in depths for seed in range(seeds)]
    networks = fit_all(
        (
            healthy(
                seed,
                activation=name,
                init=STARTS[name],
                init_gain=gain,
                hidden_layer_sizes=(WIDTH,) * depth,
                max_iter=1,
                on_divergence="ignore",
            ),
            *friedman(seed)[:2],
        )
        for name, gain, depth, seed in keys
    )
    fitted = dict(zip(keys, networks, strict=True))
    figure, (axes,) = canvas(1, width=6.0)
    rows = []
    for (name, gain), color in zip(cases, COLORS, strict=False):
        title = name if gain == 1 else f"{name}, weights times {gain:g}"
        for depth in depths:
            group = [fitted[name, gain, depth, seed] for seed in range(seeds)]
            rows.append(
                [
                    title,
                    str(depth),
                    f"{100 * saturated(group):.0f} %" if name != "relu" else "-",
                    median(depth_ratio(n) for n in group),
                    median(predicted_ratio(n) for n in group),
                ]
            )
        deltas = np.median([n.probes_["delta_norm"][0] / n.probes_["delta_norm"][0, -1] for n in group], axis=0)
        axes.plot(np.arange(1, len(deltas) + 1), deltas, "o-", color=color, ms=3, lw=1.4, label=title)
    axes.set(
        xlabel="layer (the last one is the output)",
        ylabel="norm of gradients / output layer's",
        yscale="log",
        title=f"Derivatives before the first step, {depths[-1]} hidden layers",
    )
    legend(axes, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return Block(
        ["activation", "hidden layers", "saturated", "first / last layer", "product of √chi"],
        rows,
        f"{WIDTH} units in each layer; medians over {seeds} seeds; Glorot's initial weights for sigmoid and tanh, He's "
        "for relu. Saturated: share of units with a derivative below 0.05, mean over the layers; relu does not saturate. "
        "First / last layer: ratio of the norms of d loss / d z.",
        figure,
        "Norm of the gradient from layer to layer before the first step",
    )
