"""Pruning: asynchronous successive halving, over the trials that have finished when a trial starts.

At each rung the better half of all trials that reached it continues (Li et al., 2020, with a reduction factor of 2). A
trial gets its cut-off scores when it starts, so its evaluation stays a pure function that needs no store.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable

from search.trials.checkpoints import checkpoints
from search.trials.outcomes import VERDICTS, Outcome

REDUCTION = 2
RUNGS = 4
"""Rungs at 1/16, 1/8, 1/4 and 1/2 of the epochs."""

ENOUGH_TRIALS = 8
"""Number of trials that must have reached a rung before it stops any."""


def rungs(max_iter: int) -> list[int]:
    """Return the checkpoints that serve as rungs.

    >>> rungs(200)
    [13, 27, 54, 107]
    """
    wanted = [max_iter / REDUCTION**k for k in range(RUNGS, 0, -1)]
    points = checkpoints(max_iter)
    return list(dict.fromkeys(next(p for p in points if p >= w) for w in wanted))


class Cutoffs:
    """The sorted scores of trials at each rung.

    Sorted, so that a cut-off takes no longer with many trials than with few.

    Parameters
    ----------
    max_iter : int
        Epochs of a trial that is not stopped.
    outcomes : iterable of Outcome
        Trials known at the start.
    """

    def __init__(self, max_iter: int, outcomes: Iterable[Outcome] = ()) -> None:
        self._reached: dict[int, list[float]] = {rung: [] for rung in rungs(max_iter)}
        for outcome in outcomes:
            self.add(outcome)

    def add(self, outcome: Outcome) -> None:
        """Add the scores of a finished trial."""
        if not VERDICTS[outcome.verdict].scored:
            return
        for rung, reached in self._reached.items():
            if rung in outcome.curve:
                best = max(score for epoch, score in outcome.curve.items() if epoch <= rung)
                if best < math.inf:  # and not NaN; -inf, no score yet, is worse than any
                    insort(reached, best)

    def limits(self) -> dict[int, float]:
        """Return for each rung the least score to continue.

        It is compared with a trial's best score over its checkpoints. It is -inf, which stops no trial, where half of the
        trials have no score yet.
        """
        return {
            rung: _quantile(reached, 1 - 1 / REDUCTION)
            for rung, reached in self._reached.items()
            if len(reached) >= ENOUGH_TRIALS
        }


def _quantile(ordered: list[float], share: float) -> float:
    """Return the quantile of sorted values at `share`, interpolated linearly as in `np.quantile`."""
    place = share * (len(ordered) - 1)
    low = int(place)
    if ordered[low] == -math.inf:
        return -math.inf
    return ordered[low] + (place - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])
