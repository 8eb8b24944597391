"""Which trials are stopped early: asynchronous successive halving over the trials that are known when a trial starts.

At each rung the better half of all trials that reached it goes on (Li et al., 2020, with a reduction factor of 2). The cut-off
scores are passed with the trial, so that its evaluation stays a pure function that needs no store.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Iterable

from search.trials.checkpoints import checkpoints
from search.trials.outcomes import Outcome

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


class Cutoffs:
    """The scores with which trials reached each rung, kept in order: with many trials a cut-off takes no longer than with few.

    Parameters
    ----------
    max_iter : int
        Epochs of a trial that is not stopped.
    outcomes : iterable of Outcome
        Trials to begin with.
    """

    def __init__(self, max_iter: int, outcomes: Iterable[Outcome] = ()) -> None:
        self._reached: dict[int, list[float]] = {rung: [] for rung in rungs(max_iter)}
        for outcome in outcomes:
            self.add(outcome)

    def add(self, outcome: Outcome) -> None:
        """Learn from a finished trial."""
        if outcome.verdict not in ("ok", "stopped"):
            return
        for rung, reached in self._reached.items():
            if rung in outcome.curve:
                best = max(score for epoch, score in outcome.curve.items() if epoch <= rung)
                if math.isfinite(best):
                    insort(reached, best)

    def limits(self) -> dict[int, float]:
        """Return the least score, best so far over a trial's checkpoints, with which a trial goes on from each rung."""
        return {
            rung: _quantile(reached, 1 - 1 / REDUCTION)
            for rung, reached in self._reached.items()
            if len(reached) >= ENOUGH_TRIALS
        }


def _quantile(ordered: list[float], share: float) -> float:
    """Return the value below which a share of the values lies, between two of them where need be, as `np.quantile` does."""
    place = share * (len(ordered) - 1)
    low = int(place)
    return ordered[low] + (place - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])
