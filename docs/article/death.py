"""Explode, then die: one fit whose loss blows up and returns to the dummy predictor's, because a layer has died."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpmodel import BPRegressor
from docs.article.block import Block, number, percent, score
from docs.article.drawing import COLORS, canvas, legend, level
from docs.article.fits import Data, exploded, finite, fit_all, friedman, healthy, losses, r2

FAULT: dict[str, Any] = {"learning_rate_init": 0.4, "on_divergence": "ignore", "dtype": "float64"}
SEEDS = 60
BACK = 0.15
"""Largest distance of the last loss from the dummy predictor's, as a share of it."""


def died(network: BPRegressor) -> bool:
    """Return whether a layer has no living unit left and the constant prediction is about as good as the dummy's."""
    dead = float(network.probes_["dead"][-1, :-1].max())
    return dead == 1 and abs(losses(network)[-1] - 1) < BACK


def measure(seeds: int = SEEDS, **changes: Any) -> Block:
    """Return what one such fit looks like, and how often fits go this way."""
    data = [friedman(seed) for seed in range(seeds)]
    networks = fit_all((healthy(seed, **{**FAULT, **changes}), d.X, d.y) for seed, d in enumerate(data))
    shown = next((n for n in range(seeds) if exploded(networks[n]) and died(networks[n])), 0)
    network, rows = networks[shown], describe(networks[shown], data[shown])
    loss, probes = losses(network), network.probes_
    figure, (curve, dead) = canvas(2)
    epochs = np.arange(1, len(loss) + 1)
    curve.plot(epochs, np.where(np.isfinite(loss), loss, np.nan), color=COLORS[1], lw=1.5)
    level(curve, 1.0, "dummy predictor", va="top")
    curve.set_ylim(bottom=1e-2)
    level(curve, 10.0, "10 times: called diverged")
    curve.set(yscale="log", xlabel="epoch", ylabel="loss / dummy's", title="Loss")
    for layer in range(probes["dead"].shape[1] - 1):
        dead.plot(
            probes["epoch"],
            100 * probes["dead"][:, layer],
            "o-",
            color=COLORS[2 * layer],
            ms=4,
            lw=1.4,
            label=f"hidden layer {layer + 1}",
        )
    dead.set(xlabel="epoch", ylabel="dead units, percent", ylim=(-4, 104), title="Units off for every row")
    legend(dead, loc="center right")
    both = [n for n in networks if exploded(n) and finite(n)]
    note = (
        f"Two layers of 32 relu units, learning rate {FAULT['learning_rate_init']}, double precision, "
        f'`on_divergence="ignore"`; seed {shown}, the first of {seeds} to go this way. Of the {seeds} fits '
        f"{sum(map(exploded, networks))} exploded. {len(both)} of these kept finite numbers to the end"
        + (
            f", and {percent(map(died, both))} of those ended with a dead layer near the dummy predictor's loss."
            if both
            else "."
        )
    )
    return Block(["this fit", "value"], rows, note, figure, "Loss and dead units of a fit that explodes and dies")


def describe(network: BPRegressor, data: Data) -> list[list[str]]:
    """Return what one sees who looks at the fit."""
    loss = losses(network)
    return [
        ["largest mean loss of an epoch / dummy's", f"{number(loss.max())}, in epoch {int(np.argmax(loss)) + 1}"],
        ["last loss / dummy's", number(loss[-1])],
        ["dead units at the end, in the layer with most", f"{100 * network.probes_['dead'][-1, :-1].max():.0f} %"],
        [
            "last gradient norm over the largest",
            number(network.history_["gradient_norm"][-1] / network.history_["gradient_norm"].max()),
        ],
        ["losses and weights that were not finite", "none" if finite(network) else "some"],
        ["R² on other rows", score(r2(network, data))],
    ]
