"""Designs: samplers whose proposals do not depend on earlier results. Point n is a function of space, seed and n."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
from scipy.stats import qmc

from search.space.spaces import Space
from search.trials.outcomes import Outcome
from search.trials.penalties import Feedback


class Design:
    """A sampler that learns nothing."""

    def tell(self, outcome: Outcome, feedback: Feedback) -> None:
        pass


class GridSampler(Design):
    """Visits every point of the grid, and keeps none of them: there may be more than fit into memory."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._begin()

    def _begin(self) -> None:
        self._points, self._next = self._space.grid_points(), 0

    def ask(self, number: int) -> dict[str, Any]:
        if number < self._next:
            self._begin()
        skipped, self._next = number - self._next, number + 1
        return next(islice(self._points, skipped, None))


MOST_LISTED = 10_000
"""Maximum number of points of a space of choices that is enumerated."""


class RandomSampler(Design):
    """Draws points independently; in a small space of choices, all points are drawn once before any is repeated."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space, self._seed = space, seed
        self._points = list(space.grid_points()) if space.most_choices <= MOST_LISTED else []

    def ask(self, number: int) -> dict[str, Any]:
        if not self._points:
            return self._space.random_point(self._seed, number)
        turn, place = divmod(number, len(self._points))
        return dict(self._points[np.random.default_rng([self._seed, turn]).permutation(len(self._points))[place]])


class QuasiRandomSampler(Design):
    """Scrambled Sobol points (Owen, 1998), which fill the space more evenly than random points."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._points = qmc.Sobol(len(space.axes), scramble=True, rng=seed)

    def ask(self, number: int) -> dict[str, Any]:
        skipped = number - self._points.num_generated
        if skipped < 0:
            self._points.reset()
            skipped = number
        if skipped:
            self._points.fast_forward(skipped)
        return self._space.at(self._points.random(1)[0].tolist())
