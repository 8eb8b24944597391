"""The best score so far, trial by trial: one chart of the parent run shows the search."""

from __future__ import annotations

import math
from typing import NamedTuple

from search.tracking.contents import scores
from search.trials.outcomes import Outcome

BEST = "best_score"
"""The metric with the scorer's sign: trials up to its last step are done."""


class Point(NamedTuple):
    """A value of a metric of the parent run; `time` is in milliseconds since 1970."""

    name: str
    value: float
    time: int
    step: int


class BestSoFar:
    """The best score of the trials from the first to each, in the order of their numbers.

    Trials end in another order than they begin. A point waits until all trials before it have ended, so the curve only rises
    and is the same however often the study was interrupted.

    Attributes
    ----------
    points : list of Point
        What is to be written. Trials before the first healthy one have none.

    Examples
    --------
    >>> def outcome(number, score):
    ...     return Outcome(number, {}, "ok", "", [score], 0, {}, {}, 0.1)
    >>> best = BestSoFar("neg_mean_absolute_error")
    >>> for number, score in ((1, -4.0), (0, -5.0), (2, -6.0)):
    ...     best.see(outcome(number, score), 1.7e9)
    >>> [(point.name, point.value, point.step) for point in best.points][1::2]
    [('best_mean_absolute_error', 5.0, 0), ('best_mean_absolute_error', 4.0, 1), ('best_mean_absolute_error', 4.0, 2)]
    """

    def __init__(self, scoring: str) -> None:
        self._scoring, self._score, self._next = scoring, -math.inf, 0
        self._waiting: dict[int, tuple[float, int]] = {}
        self.points: list[Point] = []

    def see(self, outcome: Outcome, ended: float) -> None:
        """Take a trial that ended at this time, in seconds since 1970; one that was seen before changes nothing."""
        if outcome.number >= self._next:
            score = outcome.score if outcome.healthy else -math.inf
            self._waiting.setdefault(outcome.number, (score, int(ended * 1000)))
        while self._next in self._waiting:
            score, time = self._waiting.pop(self._next)
            self._score = max(self._score, score)
            if math.isfinite(self._score):
                self._add(time)
            self._next += 1

    def _add(self, time: int) -> None:
        told = {"score": self._score} | scores.plain({self._scoring: self._score})
        self.points += [Point(f"best_{name}", value, time, self._next) for name, value in told.items()]
