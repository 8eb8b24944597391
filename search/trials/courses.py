"""What training did, epoch by epoch, in a few points: gradient norms and learning rates, as means over the folds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from bpmodel.network.training import Training

CURVE_POINTS = 50
"""Points kept of a curve in MLflow, where each point is a row with three indices."""

COURSE_POINTS = 25
"""Points kept of a course, in memory and in the journal."""

COURSES = ("gradient_norm", "learning_rate")
"""The curves of a fit's history that are kept with a trial, beside its losses."""


def courses(fits: Sequence[Training]) -> dict[str, dict[int, float]]:
    """Return the means over the folds of each course by epoch, up to the last epoch that all folds ran.

    At most `COURSE_POINTS` epochs are kept, with six digits. What is not finite is left out, and so is what stays as it was: a
    constant learning rate has its first and its last epoch. Full-batch solvers have no learning rate.
    """
    kept = kept_epochs(min(fit.epoch for fit in fits), COURSE_POINTS)
    places = np.array(kept, dtype=np.intp) - 1
    found: dict[str, dict[int, float]] = {}
    for name in COURSES:
        with np.errstate(over="ignore", invalid="ignore"):  # of a fold that diverges; what comes of it is left out
            means = sum(getattr(fit.history, name)[places] for fit in fits) / len(fits)
        if points := changes({epoch: float(f"{mean:.6g}") for epoch, mean in zip(kept, means.tolist(), strict=True)}):
            found[name] = points
    return found


def changes(points: dict[int, float]) -> dict[int, float]:
    """Return the finite points of a curve that differ from one of their neighbours, the first one and the last one.

    >>> changes({1: 0.5, 2: 0.5, 3: 0.5, 4: 0.25, 5: 0.125, 6: float("nan"), 7: 0.125, 8: 0.125})
    {1: 0.5, 3: 0.5, 4: 0.25, 5: 0.125, 8: 0.125}
    """
    finite = [(epoch, value) for epoch, value in points.items() if math.isfinite(value)]
    values = [value for _, value in finite]
    differ = [before != after for before, after in pairwise(values)]
    told = zip(finite, [True, *differ], [*differ, True], strict=True) if finite else ()
    return {epoch: value for (epoch, value), before, after in told if before or after}


@cache
def kept_epochs(n_epochs: int, most: int = CURVE_POINTS) -> list[int]:
    """Return the epochs kept of a curve, at most so many: nearly all at its steep beginning, and fewer and fewer later.

    >>> kept_epochs(3), kept_epochs(200)[:6], kept_epochs(200)[-3:]
    ([1, 2, 3], [1, 2, 3, 4, 5, 6], [184, 192, 200])
    """
    if n_epochs <= most:
        return list(range(1, n_epochs + 1))
    places: Any = np.linspace(0, 1, most) ** 2 * (n_epochs - 1)
    return sorted({round(place) + 1 for place in places})
