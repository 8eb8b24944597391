"""The course of a running study: its best trial, how fast trials end, how long it will take, and what is worth a line."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Literal

from search.results.progress import Progress
from search.trials.outcomes import Outcome, order

Event = Literal["", "resumed", "first", "best", "share", "done"]
"""What has happened: nothing of note, a stage that goes on, its first trial, a better one, a share of all, the last one."""

RECENT = 20
"""Trials from which the rate is taken: the first ones of a study compile code, and later ones have other sizes."""

SHARES = 10
"""Parts of a study that are told."""


class Course:
    """Sees each state of a study.

    Parameters
    ----------
    clock : callable
        Returns a time in seconds.

    Attributes
    ----------
    state : Progress or None
        The last state.
    best : Outcome or None
        The best trial of its stage.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._begun = clock, clock()
        self.state: Progress | None = None
        self._seen = 0
        self._begin(Progress({}, 0))

    def see(self, state: Progress) -> Event:
        """Take note of a state; return what has happened since the one before."""
        begun = self.state is None or self.state.stage != state.stage
        if begun:
            self._begin(state)
        done, before = len(state.outcomes), self._seen
        better = self._look(state)
        self.state, self._seen = state, done
        if done == before:
            return "resumed" if begun and done else ""
        self._ends.append((self._clock(), done))
        if done >= state.n_trials > before:
            return "done"
        if before == self._known:
            return "first"
        if done * SHARES // state.n_trials > before * SHARES // state.n_trials:
            return "share"
        return "best" if better else ""

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._begun

    @property
    def rate(self) -> float | None:
        """Trials of this run per second, those that ended last; None before the first one. It stays once all have ended."""
        (begun, known), (last, ended_last) = self._ends[0], self._ends[-1]
        over = self.state is not None and len(self.state.outcomes) >= self.state.n_trials
        seconds, ended = (last if over else self._clock()) - begun, ended_last - known
        return ended / seconds if ended and seconds > 0 else None

    @property
    def left(self) -> float | None:
        """Seconds that the trials will take which are still to come, those of outer folds included; None if nothing is known.

        A time limit holds for each stage. Rules that end a study when it no longer gets better are not foreseen.
        """
        state, rate = self.state, self.rate
        if state is None or rate is None or not state.n_trials:
            return None
        limit = float("inf") if state.timeout is None else state.timeout
        now = min((state.n_trials - len(state.outcomes)) / rate, limit - (self._clock() - self._stage_begun))
        later = state.further / state.n_trials * min(state.n_trials / rate, limit)
        return max(now, 0.0) + later

    def _begin(self, state: Progress) -> None:
        """Begin a stage, of which some trials may be known from an earlier run."""
        self._stage_begun, self._known = self._clock(), len(state.outcomes)
        self._ends: deque[tuple[float, int]] = deque([(self._stage_begun, self._known)], RECENT + 1)
        self.best: Outcome | None = None
        self._seen = 0
        self._look(state)
        self._seen = self._known

    def _look(self, state: Progress) -> bool:
        """Look for the best trial among those that are new: all of them would take long where there are thousands."""
        better = False
        for outcome in list(state.outcomes.values())[self._seen :]:
            if outcome.healthy and (self.best is None or order(outcome) < order(self.best)):
                self.best, better = outcome, True
        return better
