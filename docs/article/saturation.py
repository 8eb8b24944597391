"""How derivatives change on their way through deep networks of sigmoid, tanh and relu units, before the first step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from docs.article.block import Block, median
from docs.article.drawing import COLOURS, canvas, legend
from docs.article.fits import depth_ratio, fit_all, friedman, healthy, predicted_ratio, saturated

STARTS = {"logistic": "glorot_uniform", "tanh": "glorot_uniform", "relu": "he_uniform"}
DEPTHS = (2, 8, 16)
WIDTH = 32
GAINS = (4.0, 10.0)
"""The sigmoid network once more with larger weights: saturated"""


def measure(seeds: int = 10, depths: Sequence[int] = DEPTHS) -> Block:
    """Return the ratio of the first to the last layer's derivatives by activation and depth, and the saturated "
    "share."""
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
    for (name, gain), colour in zip(cases, COLOURS, strict=False):
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
        axes.plot(np.arange(1, len(deltas) + 1), deltas, "o-", color=colour, ms=3, lw=1.4, label=title)
    axes.set(
        xlabel="layer (the last one is the output)",
        ylabel="norm of derivatives / output layer's",
        yscale="log",
        title=f"Derivatives before the first step, {depths[-1]} hidden layers",
    )
    legend(axes, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return Block(
        ["activation", "hidden layers", "saturated", "first / last layer", "product of roots of chi"],
        rows,
        f"{WIDTH} units a layer, {seeds} seeds, medians; Glorot's starting weights for sigmoid and tanh, He's for "
        "relu. Saturated: slopes below 0.05, mean over the layers; relu does not saturate. The ratio is that of the "
        "norms of d loss / d z.",
        figure,
        "Norm of the derivatives from layer to layer before the first step",
    )
