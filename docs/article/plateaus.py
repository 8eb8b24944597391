"""Fits that learn nothing without exploding, and what `diagnose()` says of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from docs.article.block import Block, median
from docs.article.fits import depth_ratio, fit_all, friedman, healthy, losses

SIGMOID: dict[str, Any] = {"activation": "logistic", "init": "auto", "hidden_layer_sizes": (32,) * 8}
CASES: dict[str, dict[str, Any]] = {
    "healthy": {},
    "eight sigmoid layers": SIGMOID,
    "eight sigmoid layers, batch normalization": {**SIGMOID, "normalization": "batch"},
    "eight relu layers": {"hidden_layer_sizes": (32,) * 8},
    "weights times 0.01, six layers": {"hidden_layer_sizes": (32,) * 6, "init_gain": 0.01},
    "rate 1e-6": {"learning_rate_init": 1e-6},
    "alpha 100": {"alpha": 100.0},
    "one hidden unit": {"hidden_layer_sizes": (1,)},
    "three epochs": {"max_iter": 3, "learning_rate_init": 0.001},
}


def measure(seeds: int = 10, cases: Mapping[str, dict[str, Any]] = CASES) -> Block:
    """Return the loss, the gradient ratio, the step length and the first finding of each case."""
    rows = []
    for name, changes in cases.items():
        data = [friedman(seed) for seed in range(seeds)]
        networks = fit_all((healthy(seed, **changes), d.X, d.y) for seed, d in enumerate(data))
        found = Counter((n.diagnose().codes or ["healthy"])[0] for n in networks)
        rows.append(
            [
                name,
                median(losses(n)[-1] for n in networks),
                median(depth_ratio(n) for n in networks),
                median(float(np.nanmax(n.probes_["step_ratio"])) for n in networks),
                ", ".join(f"`{code}` {count}" for code, count in found.most_common()),
            ]
        )
    return Block(
        ["case", "final loss", "first / last layer", "longest step / weights", "first finding and number of fits"],
        rows,
        f"Medians over {seeds} seeds. Losses are multiples of the dummy predictor's, after 60 epochs. The longest step "
        "is the largest mean step of a layer between two probes, divided by the norm of its weights.",
    )
