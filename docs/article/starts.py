"""Local optima: how far networks from different starts differ on the same rows, and the effect of averaging."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpmodel import BPEnsembleRegressor
from docs.article.block import Block
from docs.article.drawing import COLORS, canvas
from docs.article.fits import fit_all, friedman, healthy, losses, r2

MEMBERS = (2, 5, 10)
SMALL = {"hidden_layer_sizes": (6,), "activation": "tanh", "init": "auto", "max_iter": 300}


def measure(starts: int = 30, members: Sequence[int] = MEMBERS) -> Block:
    """Return the scores of single networks and of ensembles over different starts."""
    data = friedman(0)
    single = fit_all((healthy(seed, **SMALL), data.X, data.y) for seed in range(starts))
    loss = np.array([losses(n)[-1] for n in single])
    scores = {"1": np.array([r2(n, data) for n in single])}
    for count in members:
        fitted = fit_all(
            (BPEnsembleRegressor(healthy(0, **SMALL), n_members=count, random_state=seed), data.X, data.y)
            for seed in range(starts)
        )
        scores[str(count)] = np.array([float(n.score(data.X_val, data.y_val)) for n in fitted])
    figure, (axes,) = canvas(1, width=5.0)
    random = np.random.default_rng(0)
    for place, values in enumerate(scores.values()):
        axes.plot(place + random.uniform(-0.15, 0.15, len(values)), values, "o", color=COLORS[0], ms=3, alpha=0.6)
        axes.plot([place - 0.25, place + 0.25], [np.median(values)] * 2, color=COLORS[1], lw=2)
    axes.set_xticks(range(len(scores)), list(scores))
    axes.set(xlabel="networks averaged", ylabel="R² on other rows", title="A dot for each start, a bar for the median")
    rows = [
        [name, f"{v.min():.3f}", f"{np.median(v):.3f}", f"{v.max():.3f}", f"{v.std():.3f}"]
        for name, v in scores.items()
    ]
    return Block(
        ["networks averaged", "worst R²", "median R²", "best R²", "standard deviation"],
        rows,
        f"One layer of 6 tanh units, 300 epochs, the same 350 rows, {starts} starts each; R² on 350 other rows. "
        f"Among the single networks the final training loss ranges from {loss.min():.3f} to {loss.max():.3f} times "
        "the dummy predictor's.",
        figure,
        "Scores of single networks and of ensembles over starts",
    )
