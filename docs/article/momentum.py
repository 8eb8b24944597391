"""Momentum and the effective step: which learning rates fail at each momentum, and which number predicts it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from joblib import Parallel, delayed

from docs.article.block import Block, median, number
from docs.article.curvature import largest_curvature, longest_stable_step
from docs.article.drawing import COLORS, GREY, canvas, legend, level
from docs.article.fits import FAILED, failed, fit_all, friedman, healthy, losses

MOMENTA = (0.0, 0.5, 0.9, 0.99)
RATES = tuple(float(rate) for rate in 2.0 ** np.arange(-7, 2.01, 0.5))
SAME_STEP = 0.05
TANH = {"activation": "tanh", "init": "glorot_uniform"}
"""Units of this network cannot die, so a fit fails by its steps alone."""


def measure(seeds: int = 10, momenta: Sequence[float] = MOMENTA, rates: Sequence[float] = RATES) -> Block:
    """Return the lowest failing rate of each momentum on three scales, and the loss at the same rate / (1 - momentum)."""
    data = [friedman(seed) for seed in range(seeds)]
    curvature = Parallel(n_jobs=-1, prefer="threads")(
        delayed(largest_curvature)(healthy(seed, **TANH), d.X, (d.y - d.y.mean()) / d.y.std())
        for seed, d in enumerate(data)
    )
    rows = []
    figure, panels = canvas(3, width=3.6)
    for beta, color in zip(momenta, COLORS, strict=False):
        fits = fit_all(
            (healthy(seed, **TANH, momentum=beta, learning_rate_init=rate), d.X, d.y)
            for rate in rates
            for seed, d in enumerate(data)
        )
        lost = np.array([failed(n) for n in fits]).reshape(len(rates), seeds)
        slow = np.array(rates)[:, None] < SAME_STEP * (1 - beta)
        lost &= ~slow  # a fit at such a rate that has not learned was too slow
        least = np.array([rates[int(np.argmax(f))] if f.any() else np.inf for f in lost.T])
        same = fit_all(
            (healthy(seed, **TANH, momentum=beta, learning_rate_init=SAME_STEP * (1 - beta)), d.X, d.y)
            for seed, d in enumerate(data)
        )
        limit = longest_stable_step(beta, nesterov=True)
        rows.append(
            [
                f"{beta:g}",
                median(least),
                median(least / (1 - beta)),
                median(least * curvature / limit),
                number(SAME_STEP * (1 - beta)),
                median(losses(n)[-1] for n in same),
            ]
        )
        share = 100 * lost.mean(axis=1)
        middle = float(np.median(curvature))
        scales = (1.0, 1 / (1 - beta), middle / limit)
        for axes, scale in zip(panels, scales, strict=True):
            axes.plot(np.array(rates) * scale, share, "o-", color=color, ms=3, lw=1.3, label=f"momentum {beta:g}")
    for axes, name in zip(
        panels, ("learning rate", "learning rate / (1 - momentum)", "learning rate · curvature / limit"), strict=True
    ):
        axes.set(xscale="log", xlabel=name, ylim=(-4, 104))
    level(panels[0], 50, "half", x=0.02, ha="left")
    panels[0].set_ylabel("failed fits, percent")
    panels[2].axvline(1, color=GREY, ls="--", lw=1)
    legend(panels[1], loc="upper left")
    return Block(
        [
            "momentum",
            "lowest failing rate",
            "lowest failing rate / (1 - momentum)",
            "lowest failing step number",
            "low rate",
            "loss at the low rate",
        ],
        rows,
        f"Two layers of 32 tanh units, batches of 32, Nesterov's momentum, 60 epochs, medians over {seeds} seeds. The "
        "rates are a grid with a factor of √2 from one to the next. Failed: diverged, or a final loss above "
        f"{FAILED} of the dummy predictor's. The low rates all have rate / (1 - momentum) = {SAME_STEP}. Losses are "
        "multiples of the dummy predictor's.",
        figure,
        "Failed fits against three measures of the step length",
    )
