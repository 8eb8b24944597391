"""When a trial is not worth going on with: asynchronous successive halving over what is known when the trial starts.

At each rung the better half of all trials that got there may go on (Li et al., 2020, with a reduction factor of 2). The scores
that takes are shipped with the trial, so that its evaluation stays a pure function that needs no store.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from search.checkpoints import checkpoints
from search.outcomes import Outcome

REDUCTION = 2
RUNGS = 4
"""Rungs at 1/16, 1/8, 1/4 and 1/2 of the epochs."""

ENOUGH_TRIALS = 8
"""Trials that must have reached a rung before it stops any."""


def rungs(max_iter: int) -> list[int]:
    """Return the checkpoints that serve as rungs.

    >>> rungs(200)
    [13, 27, 54, 107]
    """
    wanted = [max_iter / REDUCTION**k for k in range(RUNGS, 0, -1)]
    points = checkpoints(max_iter)
    return list(dict.fromkeys(next(p for p in points if p >= w) for w in wanted))


def cutoffs(outcomes: Iterable[Outcome], max_iter: int) -> dict[int, float]:
    """Return the least score, best so far over a trial's checkpoints, with which a trial goes on from each rung."""
    curves = [o.curve for o in outcomes if o.verdict in ("ok", "stopped")]
    limits = {}
    for rung in rungs(max_iter):
        reached = [max(score for epoch, score in curve.items() if epoch <= rung) for curve in curves if rung in curve]
        if len(reached) >= ENOUGH_TRIALS:
            limits[rung] = float(np.quantile(reached, 1 - 1 / REDUCTION))
    return limits
