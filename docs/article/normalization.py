"""Batch and layer normalization in deep plain networks: the gradient before the first step, and the loss after training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpmodel.functions.normalization import NORMALIZATIONS
from docs.article.block import Block, median, number
from docs.article.drawing import COLORS, GREY, canvas, legend, level
from docs.article.fits import depth_ratio, fit_all, friedman, healthy, losses

DEPTHS = (2, 4, 8, 16, 32)
WIDTH, ROWS, BATCH, EPOCHS = 64, 512, 256, 60


def measure(seeds: int = 5, depths: Sequence[int] = DEPTHS, epochs: int = EPOCHS) -> Block:
    """Return the gradient ratio, its growth per layer and the loss after training, by normalization and depth."""
    data = [friedman(seed, ROWS) for seed in range(seeds)]
    rows = []
    figure, (ratios, ends) = canvas(2)
    for name, color in zip(NORMALIZATIONS, COLORS, strict=False):
        groups = [
            fit_all(
                (
                    healthy(
                        seed,
                        normalization=name,
                        hidden_layer_sizes=(WIDTH,) * depth,
                        batch_size=BATCH,
                        max_iter=epochs,
                    ),
                    d.X,
                    d.y,
                )
                for seed, d in enumerate(data)
            )
            for depth in depths
        ]
        measured = [float(np.median([depth_ratio(n) for n in group])) for group in groups]
        final = [float(np.median([min(losses(n)[-1], 100.0) for n in group])) for group in groups]
        for depth, ratio, group in zip(depths, measured, groups, strict=True):
            factor = f"{ratio ** (1 / (depth - 1)):.2f}"
            rows.append([name, str(depth), number(ratio), factor, median(losses(n)[-1] for n in group)])
        ratios.plot(depths, measured, "o-", color=color, ms=4, lw=1.4, label=name)
        ends.plot(depths, final, "o-", color=color, ms=4, lw=1.4, label=name)
    theory = np.sqrt(np.pi / (np.pi - 1))
    ratios.plot(depths, theory ** (np.array(depths) - 1), color=GREY, ls=":", lw=1.2, label="theory for batch")
    level(ends, 1.0, "dummy predictor")
    ratios.set(yscale="log", ylabel="first / last layer", title="Derivatives before the first step")
    ends.set(yscale="log", ylabel="loss / dummy's", title=f"Loss after {epochs} epochs")
    for axes in (ratios, ends):
        axes.set_xscale("log", base=2)
        axes.set(xlabel="hidden layers", xticks=depths, xticklabels=depths)
    legend(ratios, loc="upper left")
    return Block(
        ["normalization", "hidden layers", "first / last layer", "factor per layer", "final loss"],
        rows,
        f"{WIDTH} relu units in each layer, He's initial weights, batches of {BATCH} of {ROWS} rows, rate 0.01, momentum "
        f"0.9, {epochs} epochs, medians over {seeds} seeds. The ratio is measured before the first step on 256 rows. "
        "Losses are multiples of the dummy predictor's. Theory for batch normalization in wide relu networks: a "
        f"factor of {theory:.2f} for each layer.",
        figure,
        "Gradient ratio and final loss against depth, by normalization",
    )
