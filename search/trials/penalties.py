"""Penalties: the feedback that a sampler gets for a trial, by a policy for the trials that diverged.

The value of a healthy trial is its mean score, but no less than the dummy predictor's: below that, differences do not
matter, and one huge loss would flatten all others for a model that standardizes the values. A trial that was stopped
early gets the same value, in state pruned; one that was stopped on a sample of the rows gets the score on all rows that has the
same rank. Diverged trials, and those without a score, are handled by a table of
policies. One diverged fold is enough to count as diverged; the other folds are never averaged over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from bpmodel.network.watch import EXPLOSION_FACTOR
from search.trials.outcomes import STOPPED, Outcome
from search.trials.subsample import expected

MARGIN = 0.1
"""One unit of a graded penalty, as a fraction of the dummy predictor's score."""

ToldState = Literal["complete", "pruned", "failed"]

FEASIBLE = -1.0
CONSTANT = -1e6


class Feedback(NamedTuple):
    """The feedback to a sampler for one trial.

    Attributes
    ----------
    value : float
        To be maximized; NaN for a failed trial, which the sampler does not see.
    constraint : float
        Feasible if <= 0.
    state : {"complete", "pruned", "failed"}
    """

    value: float
    constraint: float = FEASIBLE
    state: ToldState = "complete"


class Standard(NamedTuple):
    """Reference points of a penalty: the dummy predictor's score, and the lowest value of a healthy trial so far."""

    dummy: float
    worst: float


@runtime_checkable
class PenaltyPolicy(Protocol):
    """Turns a trial that diverged, or has no score, into feedback: a row of `PENALTIES`, or the user's object."""

    def feedback(self, outcome: Outcome, standard: Standard, /) -> Feedback:
        """Return value, constraint and state; the value is compared with the mean scores of healthy trials."""


@dataclass(frozen=True)
class Penalty:
    """A row of the table: a function from an outcome that diverged, or has no score, to feedback."""

    feedback: Callable[[Outcome, Standard], Feedback]
    meaning: str


def _graded(outcome: Outcome, standard: Standard) -> float:
    """Return the dummy predictor's score minus a penalty of 1 to 2 units, larger for an earlier divergence."""
    survived = outcome.divergence.survived if outcome.divergence else 0.0
    return standard.dummy - MARGIN * max(abs(standard.dummy), MARGIN) * (2.0 - survived)


def _excess(outcome: Outcome) -> float:
    """Return log10 of the ratio of the loss to its limit, between 0.1 and 10."""
    ratio = outcome.divergence.ratio / EXPLOSION_FACTOR if outcome.divergence else math.nan
    excess = math.log10(ratio) if math.isfinite(ratio) and ratio > 0 else 10.0
    return min(max(excess, 0.1), 10.0)


def _last_score(outcome: Outcome, standard: Standard) -> float:
    """Return the mean score at the last checkpoint before the divergence."""
    held = [score for score in outcome.curve.values() if math.isfinite(score)]
    return max(held[-1], standard.dummy) if held else standard.dummy


DEFAULT_PENALTY = "graded_constraint"
PENALTIES = {
    "graded_constraint": Penalty(
        lambda outcome, standard: Feedback(_graded(outcome, standard), _excess(outcome)),
        "the value of `graded`, and a constraint: log10 of the ratio of the loss to its limit, clipped to 0.1 to 10",
    ),
    "constraint": Penalty(
        lambda outcome, standard: Feedback(standard.dummy, 1.0),
        "the dummy predictor's score, and a constraint that is the same for all these trials",
    ),
    "graded": Penalty(
        lambda outcome, standard: Feedback(_graded(outcome, standard)),
        "the dummy predictor's score minus 10 to 20 percent of it; the earlier the divergence, the larger the penalty",
    ),
    "worst": Penalty(
        lambda outcome, standard: Feedback(standard.worst),
        "the worst score of any healthy trial so far",
    ),
    "constant": Penalty(
        lambda outcome, standard: Feedback(CONSTANT),
        "a score of -1,000,000",
    ),
    "pruned": Penalty(
        lambda outcome, standard: Feedback(_last_score(outcome, standard), state="pruned"),
        "the last score before the divergence, as if the trial had been stopped early at that point",
    ),
    "fail": Penalty(
        lambda outcome, standard: Feedback(math.nan, state="failed"),
        "only that the trial failed: the sampler ignores it",
    ),
}
"""Every policy by its name in study files and `BPSearchCV`, the default first; compared in `docs/benchmarks.md`."""


class Penalizer:
    """Computes the feedback for the trials of a study.

    Parameters
    ----------
    penalty : str or PenaltyPolicy
        A name of `PENALTIES`, or an object, which is copied for every study.
    dummy_score : float
        Mean score of the dummy predictor on the same folds; minus infinity if there is none.
    finished : iterable of Outcome
        The trials that the sampler already knows.

    Examples
    --------
    >>> penalizer = Penalizer("graded_constraint", dummy_score=-2.0)
    >>> penalizer.feedback(Outcome(0, {}, "ok", "", [-1.0, -0.5], 4, {}, {}, 0.1))
    Feedback(value=-0.75, constraint=-1.0, state='complete')
    >>> penalizer.feedback(Outcome(1, {}, "error", "the score is not finite", [], 0, {}, {}, 0.1))
    Feedback(value=-2.4, constraint=10.0, state='complete')
    """

    def __init__(self, penalty: str | PenaltyPolicy, dummy_score: float, finished: Iterable[Outcome] = ()) -> None:
        self._penalty: PenaltyPolicy = PENALTIES[penalty] if isinstance(penalty, str) else deepcopy(penalty)
        self._dummy = dummy_score
        self._worst = math.inf
        self._both: list[tuple[float, float]] = []
        for outcome in finished:
            self.feedback(outcome)

    def feedback(self, outcome: Outcome) -> Feedback:
        """Return the feedback for the next finished trial."""
        if outcome.verdict == STOPPED and not outcome.fold_scores:  # it had no score yet, but it is no failure either
            rank = expected(outcome.sample["score"], self._both) if outcome.on_sample_only else math.nan
            return Feedback(self._standard().dummy if math.isnan(rank) else max(rank, self._dummy), state="pruned")
        if outcome.divergence is not None or not math.isfinite(outcome.score):
            return self._penalty.feedback(outcome, self._standard())
        value = max(outcome.score, self._dummy)
        self._worst = min(self._worst, value)
        if outcome.healthy and outcome.sample.get("score", -math.inf) > -math.inf:
            self._both.append((outcome.sample["score"], outcome.score))
        return Feedback(value, state="pruned" if outcome.verdict == STOPPED else "complete")

    def _standard(self) -> Standard:
        """Return finite reference points, even before the first healthy trial or without a dummy predictor."""
        known = [score for score in (self._dummy, self._worst) if math.isfinite(score)] or [0.0]
        return Standard(known[0], known[-1])
