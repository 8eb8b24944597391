"""Made-up spaces with a known share of diverging configurations and a known best score: like a network's space, without training.

The *strain* of a configuration says how far its steps reach, in decades of the learning rate. Beyond a limit the weakest fold
diverges. The greater the excess, the sooner it diverges and the farther the loss goes. The score also depends on the strain.
It is best a little below the limit, as for most networks, or far below it. A diverged trial has scores from before it broke;
near the limit they are good.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bpmodel.network.watch import EXPLOSION_FACTOR
from search.space import spaces
from search.trials.checkpoints import checkpoints
from search.trials.outcomes import Divergence, Outcome

SPACE = spaces.build(
    {
        "learning_rate_init": (1e-5, 10.0, "log"),
        "momentum": (0.0, 0.99),
        "layers": (1, 4),
        "activation": ["relu", "tanh"],
        "batch_size": (16, 256, "log"),
    }
)
DUMMY, BEST = -1.0, -0.2
EPOCHS, FOLDS = 100, 5
SAMPLE = 4000
"""Random points from which the limit is computed."""

SEED_NOISE, FOLD_NOISE, LIMIT_NOISE = 0.005, 0.02, 0.05
"""Standard deviations: common to all scores of a trial, of each fold on top of that, and of the limit in decades."""

DISTANCES = {"near": 0.2, "far": 1.5}
"""Decades from the best configuration to the limit."""


@dataclass(frozen=True)
class Landscape:
    """A space with a share of diverging configurations.

    Attributes
    ----------
    share : float
        Share of random points that diverge.
    place : {"near", "far"}
        Distance of the best configuration from the limit.
    """

    share: float
    place: str

    @cached_property
    def limit(self) -> float:
        """Strain above which a trial diverges."""
        points = [strain(SPACE.random_point(0, number)) for number in range(SAMPLE)]
        return float(np.quantile(points, 1 - self.share))

    def score(self, params: Mapping[str, Any]) -> float:
        """Return the score without noise. It lies between those of the dummy predictor and of the best configuration."""
        off = (strain(params) - self.limit + DISTANCES[self.place]) / 0.8
        away = off**2 + 2 * (params["momentum"] - 0.9) ** 2 + 0.15 * (params["layers"] - 2) ** 2
        away += 0.3 * (params["activation"] == "tanh") + 0.1 * math.log2(params["batch_size"] / 32) ** 2
        return DUMMY + (BEST - DUMMY) * math.exp(-away)

    def outcome(self, number: int, params: Mapping[str, Any], seed: int) -> Outcome:
        """Return the outcome of a trial; it is the same for the same study seed, trial and configuration."""
        random = np.random.default_rng([seed, number])
        excess = strain(params) - self.limit + LIMIT_NOISE * random.standard_normal()
        score = self.score(params) + SEED_NOISE * random.standard_normal()
        ends = EPOCHS if excess <= 0 else 1 + int(40 * math.exp(-4 * excess))
        curve = {e: DUMMY + (score - DUMMY) * (1 - math.exp(-e / 15)) for e in checkpoints(EPOCHS) if e <= ends}
        if excess <= 0:
            scores = score + FOLD_NOISE * random.standard_normal(FOLDS)
            return Outcome(number, params, "ok", "", scores.tolist(), EPOCHS, curve, {}, 0.0)
        ratio = EXPLOSION_FACTOR * 10 ** (6 * excess) if excess < 2 else math.inf
        broken = Divergence(0, ends, 1, "the loss exploded", ratio, (ends - 1) / EPOCHS)
        return Outcome(number, params, "diverged", "the loss exploded", [], 0, curve, {}, 0.0, broken)


def strain(params: Mapping[str, Any]) -> float:
    """Return how far the steps reach, in decades: farther with momentum, depth and relu, less far with large batches."""
    reach = math.log10(params["learning_rate_init"]) - 0.5 * math.log10(1 - params["momentum"])
    reach += 0.15 * (params["layers"] - 1) + 0.3 * (params["activation"] == "relu")
    return float(reach - 0.5 * math.log10(params["batch_size"] / 16))


LANDSCAPES = [Landscape(share, place) for place in DISTANCES for share in (0.1, 0.3, 0.5)] + [Landscape(0.9, "near")]
