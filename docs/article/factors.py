"""How depth, width, initial weights, input scale, learning rate, momentum and batch size, each alone, affect explosion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from docs.article.block import Block, median, percent, score
from docs.article.curvature import step_number
from docs.article.drawing import COLORS, canvas, legend
from docs.article.fits import FAILED, depth_ratio, failed, fit_all, friedman, healthy, predicted_ratio, r2

FACTORS: dict[str, dict[Any, dict[str, Any]]] = {
    "hidden layers": {n: {"hidden_layer_sizes": (32,) * n} for n in (1, 2, 8, 16, 32)},
    "units a layer": {n: {"hidden_layer_sizes": (n, n)} for n in (4, 32, 128, 512)},
    "initial weights times": {k: {"init_gain": k} for k in (0.1, 1.0, 2.0, 3.0, 10.0)},
    "inputs times": {k: {"scale": k} for k in (0.01, 1.0, 10.0, 100.0)},
    "learning rate": {k: {"learning_rate_init": k} for k in (1e-4, 0.01, 0.1, 0.3, 1.0)},
    "momentum": {k: {"momentum": k} for k in (0.0, 0.9, 0.99, 0.999)},
    "momentum, at rate 0.1": {k: {"momentum": k, "learning_rate_init": 0.1} for k in (0.0, 0.9, 0.99, 0.999)},
    "batch size": {n: {"batch_size": n} for n in (1, 32, 350)},
    "batch size, at rate 0.1": {n: {"batch_size": n, "learning_rate_init": 0.1} for n in (1, 8, 32, 350)},
}
"""factor -> value -> options that change; `scale` multiplies the inputs."""

MEASURED = 3
"""Seeds for which the curvature is measured: it takes longer than a fit."""


def measure(seeds: int = 10, factors: Mapping[str, Mapping[Any, Mapping[str, Any]]] = FACTORS) -> Block:
    """Return, for each value of each factor, the share of diverged fits, the score, and what is known before the first step."""
    rows = []
    figure, panels = canvas(3, width=2.7, height=2.3, rows=-(-len(factors) // 3))
    for (factor, values), axes in zip(factors.items(), panels, strict=False):
        diverged, lost = [], []
        for value, change in values.items():
            changes = dict(change)
            scale = changes.pop("scale", 1.0)
            data = [friedman(seed) for seed in range(seeds)]
            data = [d._replace(X=scale * d.X, X_val=scale * d.X_val) for d in data]
            networks = [healthy(seed, **changes) for seed in range(seeds)]
            steps = Parallel(n_jobs=-1, prefer="threads")(
                delayed(step_number)(n, d.X, d.y) for n, d in zip(networks[:MEASURED], data, strict=False)
            )
            networks = fit_all((n, d.X, d.y) for n, d in zip(networks, data, strict=True))
            diverged.append(100 * np.mean([n.diverged_ for n in networks]))
            lost.append(100 * np.mean([failed(n) for n in networks]))
            rows.append(
                [
                    factor,
                    f"{value:g}",
                    percent(n.diverged_ for n in networks),
                    percent(failed(n) for n in networks),
                    score(np.median([r2(n, d) for n, d in zip(networks, data, strict=True)])),
                    median(predicted_ratio(n) for n in networks),
                    median(depth_ratio(n) for n in networks),
                    median(steps),
                ]
            )
        places = range(len(values))
        axes.bar(places, lost, color=COLORS[3], width=0.7, label="learned nothing")
        axes.bar(places, diverged, color=COLORS[1], width=0.7, label="diverged")
        axes.set_xticks(places, [f"{value:g}" for value in values], fontsize=9)
        axes.set(title=factor, ylim=(0, 104))
        axes.title.set_fontsize(10)
    for axes in panels[::3]:
        axes.set_ylabel("fits, percent")
    legend(panels[0], loc="upper left")
    return Block(
        ["factor", "value", "diverged", "failed", "R²", "product of √chi", "first / last layer", "step number"],
        rows,
        "Two layers of 32 relu units, He's initial weights, momentum 0.9, learning rate 0.01, batches of 32, 60 "
        "epochs, 350 standardized rows of Friedman's first problem; one factor is changed at a time. Medians over "
        f"{seeds} seeds. R² is on 350 other rows; after a divergence it is that of the weights of the best epoch. Failed: "
        f"diverged, or a final loss above {FAILED} of the dummy predictor's. Step number: the learning rate times the "
        "largest curvature of the loss at the initial weights, divided by the largest product with which descent on a "
        f"parabola converges; median over {MEASURED} seeds.",
        figure,
        "Share of diverged and of failed fits for each factor",
    )
