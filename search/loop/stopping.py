"""Stopping rules of a study: when it ends before `n_trials` is reached."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from search.trials.outcomes import Outcome


@dataclass
class Incumbent:
    """The best trial so far (the first one on ties), and the number of trials finished since then."""

    trial: Outcome | None = None
    since: int = 0

    @classmethod
    def after(cls, outcomes: Iterable[Outcome]) -> Incumbent:
        """Return the incumbent after these trials."""
        incumbent = cls()
        for outcome in outcomes:
            incumbent.see(outcome)
        return incumbent

    def see(self, outcome: Outcome) -> None:
        """Update with a trial that has just finished."""
        self.since += 1
        if outcome.healthy and (self.trial is None or outcome.score > self.trial.score):
            self.trial, self.since = outcome, 0


@dataclass(frozen=True)
class StopRules:
    """The stopping rules of a study; a rule that is None never applies.

    Attributes
    ----------
    timeout : float or None
        Seconds after which no trial or reevaluation is started; the first trial of a study always is.
    target_score : float or None
        Mean score that is good enough; greater is better.
    n_trials_no_change : int or None
        Stop after this many finished trials in a row without a better score.
    """

    timeout: float | None = None
    target_score: float | None = None
    n_trials_no_change: int | None = None

    def enough(self, incumbent: Incumbent) -> str:
        """Return why the study needs no further trial, or an empty string; ignores the timeout.

        Examples
        --------
        >>> incumbent = Incumbent()
        >>> incumbent.see(Outcome(0, {}, "ok", "", [0.8, 0.9], 9, {9: 0.85}, {}, 0.1))
        >>> StopRules(target_score=0.8).enough(incumbent)
        'trial 0 reached the target score 0.8'
        >>> StopRules(target_score=0.9, n_trials_no_change=3).enough(incumbent)
        ''
        """
        best = incumbent.trial
        if best is None:
            return ""
        if self.target_score is not None and best.score >= self.target_score:
            return f"trial {best.number} reached the target score {self.target_score:g}"
        if self.n_trials_no_change is not None and incumbent.since >= self.n_trials_no_change:
            return f"none of the last {incumbent.since} trials was better than trial {best.number}"
        return ""

    def out_of_time(self, seconds: float, kept: float = 0.0) -> bool:
        """Return whether it is too late to start another evaluation after this many seconds.

        `kept` seconds are reserved for the steps after the trials, but never more than a third of the timeout.

        Examples
        --------
        >>> rules = StopRules(timeout=60)
        >>> rules.out_of_time(45), rules.out_of_time(45, kept=18), rules.out_of_time(39, kept=300)
        (False, True, False)
        """
        return self.timeout is not None and seconds > self.timeout - min(kept, self.timeout / 3)


NONE = StopRules()
"""A study that ends when `n_trials` is reached."""
