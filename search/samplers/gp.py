"""Search by Gaussian processes.

The next configuration maximizes expected improvement times the probability of a healthy run.

One process models the scores of healthy trials, another one which trials are healthy. A diverged trial says nothing
about scores, so its value is not fitted (Gelbart et al., 2014, arXiv:1403.5607). Where most runs would diverge, no
configuration is tried, however large its expected improvement (Bussemaker et al., 2025, arXiv:2504.08721). Running
trials are assumed to end with the posterior mean (Ginsbourger et al., 2010).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc
from sklearn.gaussian_process.kernels import Kernel

from bpmodel.network.blas import single_thread
from search.samplers.acquisition import log_expected_improvement, log_probability_healthy
from search.samplers.designs import QuasiRandomSampler
from search.samplers.gaussian_process import GaussianProcess, covariance, standardized
from search.samplers.thinning import selection
from search.seeds import derive
from search.space.spaces import Space
from search.space.unit_cube import UnitCube
from search.trials.outcomes import Outcome
from search.trials.penalties import Feedback

Array = NDArray[np.float64]

START = 10
"""Number of initial Sobol points, before the models are used."""

SHOWN, BEST, LATEST = 200, 60, 60
"""Trials that the models see: all together, of which best, and latest. Their time grows with the cube of the first
number."""

LEARNED = 100
"""Number of trials from which covariances are learned."""

LEAST_CHANCE = 0.5
"""Minimum probability of a healthy run for a configuration to be tried."""

GROWTH = 1.2
"""Covariances are learned again when the number of trials has grown by this factor."""

CANDIDATES, NEAR, ROUNDS = 512, 128, (0.2, 0.05, 0.01)
"""Number of Sobol candidates, number of candidates near the best ones per round, and their standard deviation in each
round."""


class Told(NamedTuple):
    """A finished configuration and its result."""

    row: Array
    value: float
    healthy: bool


class GaussianProcessSampler:
    """Expected improvement with learned constraints.

    Proposal n depends on space, seed, n, and the feedback so far in its order of arrival.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._cube, self._seed = UnitCube(space), seed
        self._start = QuasiRandomSampler(space, seed)
        self._told: list[Told] = []
        self._running: dict[int, Array] = {}
        self._learned = 0
        self._kernels: tuple[Kernel, Kernel]

    def ask(self, number: int) -> dict[str, Any]:
        if len(self._told) < START or not any(t.healthy for t in self._told):
            params = self._start.ask(number)
        else:
            with single_thread():
                row = self._proposal(np.random.default_rng(derive(self._seed, number)))
            params = self._cube.params(row)
        self._running[number] = self._cube.row(params)
        return params

    def tell(self, outcome: Outcome, feedback: Feedback) -> None:
        self._running.pop(outcome.number, None)
        if feedback.state != "failed":
            self._told.append(Told(self._cube.row(outcome.params), feedback.value, feedback.constraint <= 0))

    def _proposal(self, random: np.random.Generator) -> Array:
        """Return the row of the candidate with the best acquisition value."""
        self._learn()
        shown = _shown(self._told, SHOWN)
        X, values, healthy = self._arrays(shown)
        scores = GaussianProcess(self._kernels[0], X[healthy], warped(values[healthy]))
        health = GaussianProcess(self._kernels[1], X, np.where(healthy, 1.0, -1.0))
        known = X
        if self._running:
            running = self._cube.features(np.array(list(self._running.values())))
            known = np.vstack([X, running])
            expected = np.concatenate([warped(values[healthy]), scores.at(running).mean])
            scores = GaussianProcess(self._kernels[0], np.vstack([X[healthy], running]), expected)
        best = float(scores.at(X[healthy]).mean.max())
        visited = {tuple(x) for x in known.round(9).tolist()}

        def by_worth(rows: Array) -> Array:
            """Sort rows by acquisition value, the best first."""
            features = self._cube.features(rows)
            worth = log_expected_improvement(*scores.at(features), best)
            unlikely = np.zeros(len(rows), dtype=bool)
            if not healthy.all():
                chance = log_probability_healthy(*health.at(features), health.noise)
                unlikely = chance < math.log(LEAST_CHANCE)
                worth = np.where(unlikely, chance, worth + chance)
            again = np.array([tuple(x) in visited for x in features.round(9).tolist()])
            # a configuration is repeated only if there is no other
            return rows[np.lexsort((-worth, unlikely, again))]

        rows = qmc.Sobol(self._cube.n_axes, rng=random).random(CANDIDATES)
        leaders = np.array([t.row for t in sorted((t for t in shown if t.healthy), key=lambda t: -t.value)[:5]])
        rows = by_worth(np.vstack([rows, self._around(leaders, ROUNDS[0], random)]))
        for width in ROUNDS[1:]:
            rows = by_worth(np.vstack([rows[:5], self._around(rows[:5], width, random)]))
        return rows[0]

    def _around(self, rows: Array, width: float, random: np.random.Generator) -> Array:
        """Return rows near the given ones: some numbers perturbed, some choices redrawn."""
        near = rows[random.integers(len(rows), size=NEAR)]
        moved = near + width * random.standard_normal(near.shape)
        moved = np.clip(moved, 0.0, np.nextafter(1.0, 0.0))
        moved[:, self._cube.choices] = random.random(near.shape)[:, self._cube.choices]
        rare = np.where(self._cube.choices, 0.2, 0.7)
        return np.where(random.random(near.shape) < rare, moved, near)

    def _learn(self) -> None:
        """Relearn covariances when the number of trials has grown by a factor.

        They are learned from the first trials only, so they do not depend on when `ask` is called.
        """
        n = START
        while math.ceil(n * GROWTH) <= len(self._told):
            n = math.ceil(n * GROWTH)
        if n == self._learned:
            return
        self._learned = n
        X, values, healthy = self._arrays(_shown(self._told[:n], LEARNED))
        self._kernels = (
            covariance(X[healthy], standardized(warped(values[healthy]))),
            covariance(X, standardized(np.where(healthy, 1.0, -1.0))),
        )

    def _arrays(self, told: list[Told]) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Return features, values, and a mask of the healthy trials."""
        X = self._cube.features(np.array([t.row for t in told]))
        return X, np.array([t.value for t in told]), np.array([t.healthy for t in told])


def warped(values: Array) -> Array:
    """Compress the lower half of the values by a logarithm: bad scores must not hide differences of good ones.

    >>> warped(np.array([-1000.0, 0.0, 1.0, 2.0, 3.0])).round(2).tolist()
    [-6.91, -0.69, 0.0, 1.0, 2.0]
    """
    if not len(values):
        return values
    center = np.median(values)
    scale = float(np.median(values[values >= center] - center)) or float(values.std()) or 1.0
    away = (values - center) / scale
    return np.where(away < 0, -np.log1p(np.maximum(-away, 0.0)), away)


def _shown(told: list[Told], n: int) -> list[Told]:
    return [told[i] for i in selection([(t.healthy, t.value) for t in told], n, min(BEST, n // 3), min(LATEST, n // 3))]
