"""The first rung of a trial on a sample of the training rows: which trials stop there, and whether it ranks as all rows do.

A trial is trained on the sample first, and the better ones continue on all rows. That costs good configurations if a sample
ranks them otherwise. So the first trials, and every sixth one after them, continue whatever their score is, and the two rankings
are compared: Spearman's rank correlation over these. Trials that continue because of their score do not count, for their range
is narrow. The higher the correlation is, the fewer continue. While it is too low, trials skip the sample. Scores on the sample
are compared with each other alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from search.trials.checkpoints import UNDEFINED
from search.trials.outcomes import DIVERGED, ERROR, OK, STOPPED, Outcome, level
from search.trials.problem import Sample

ENOUGH_TRIALS = 10
"""Number of trials with both scores that are needed to compare the rankings."""

FIRST_WAVE = 12
"""Trials before the first that may be stopped, where decisions depend on the numbers of trials: two of them may diverge."""

EVERY = 6
"""Every trial of a number that this divides continues, so that rankings are also compared where a sampler learns to search."""

LEAST_CORRELATION = 0.6
"""The rank correlation below which the sample is not used: more than half would have to continue (`kept`)."""

LEAST_KEPT, MOST_KEPT = 0.25, 0.5
"""Bounds of the share that continues. The correlation of a dozen trials is uncertain, so it never is less than a quarter."""

RISK, BEST = 0.1, 0.05
"""The configuration in the middle of the best tenth, which `BEST` of all are better than, is stopped with this probability."""


class Agreement(NamedTuple):
    """How trials did on the sample.

    Attributes
    ----------
    fraction : float
        Of the training rows, as of the last trial.
    stopped : int
        Trials that ended on the sample.
    both : int
        Trials with a score on the sample and on all rows that did not continue because of the former.
    correlation : float
        Spearman's rank correlation over these; NaN if they are too few.
    """

    fraction: float
    stopped: int
    both: int
    correlation: float

    @property
    def used(self) -> bool:
        """Whether the next trial may be stopped on the sample."""
        return self.correlation >= LEAST_CORRELATION

    @property
    def sentence(self) -> str:
        """What to tell people."""
        share = f"{self.fraction:.3g} of the training rows"
        if math.isnan(self.correlation):
            return f"{share} first: {_trials(self.both)} that went on whatever their score, too few to compare the rankings"
        told = f"rank correlation {self.correlation:.2f} over {self.both} trials that went on whatever their score"
        if self.used:
            return f"{share} first: {_trials(self.stopped)} ended there; {told}"
        stopped = f"{_trials(self.stopped)} ended there, then " if self.stopped else ""
        return f"{share} first: {stopped}no longer used, because it ranks otherwise ({told}; needed is {LEAST_CORRELATION})"

    def document(self) -> dict[str, Any]:
        """Return it as plain data; `docs/studies.md` lists the keys."""
        known = None if math.isnan(self.correlation) else self.correlation
        return {**self._asdict(), "correlation": known, "used": self.used}


def _trials(number: int) -> str:
    return f"{number:,} trial{'s' if number != 1 else ''}"


def agreement(outcomes: Mapping[int, Outcome]) -> Agreement | None:
    """Return how the trials of a study did on the sample; None if there was none."""
    tried = [o for _, o in sorted(outcomes.items()) if o.sample]
    if not tried:
        return None
    fraction = tried[-1].sample["fraction"]
    pairs = [pair for o in tried if o.sample["fraction"] == fraction and (pair := _pair(o)) is not None]
    return Agreement(fraction, sum(o.on_sample_only for o in tried), len(pairs), _correlation(pairs))


class Rung:
    """Decides which trials begin on the sample, and what they need there to continue.

    Parameters
    ----------
    fraction : float
    in_waves : bool
        Whether trials 12 to 23 are decided by trials 0 to 11, 24 to 47 by 0 to 23 and so on, so that decisions are the same in
        whatever order trials end; else each is decided by all that have ended.
    """

    def __init__(self, fraction: float, *, in_waves: bool) -> None:
        self._fraction, self._in_waves = fraction, in_waves
        self._pairs: dict[int, _Pair] = {}
        self._scores: dict[int, float] = {}
        self._known: set[int] = set()
        self._first_missing = 0
        self._decided: tuple[int, Sample | None] = (-1, None)

    def add(self, outcome: Outcome) -> None:
        """Learn from a finished trial."""
        self._known.add(outcome.number)
        while self._first_missing in self._known:
            self._first_missing += 1
        if outcome.sample.get("fraction") != self._fraction:
            return
        if (score := outcome.sample["score"]) > UNDEFINED:
            self._scores[outcome.number] = score
        if (pair := _pair(outcome)) is not None:
            self._pairs[outcome.number] = pair

    def ready(self, number: int) -> bool:
        """Return whether all is known that trial `number` is decided by."""
        return not self._in_waves or self._first_missing >= wave(number)

    def at(self, number: int) -> Sample | None:
        """Return what trial `number` begins with; None if it skips the sample."""
        known = wave(number) if self._in_waves else len(self._known)
        if self._decided[0] != known:
            self._decided = known, self._decide(known if self._in_waves else math.inf)
        sample = self._decided[1]
        return Sample(self._fraction, UNDEFINED) if sample is not None and number % EVERY == 0 else sample

    def _decide(self, before: float) -> Sample | None:
        correlation = _correlation([pair for number, pair in self._pairs.items() if number < before])
        if math.isnan(correlation):
            return Sample(self._fraction, UNDEFINED)
        if correlation < LEAST_CORRELATION:
            return None
        scores = [score for number, score in self._scores.items() if number < before]
        return Sample(self._fraction, float(np.quantile(scores, 1 - kept(correlation)))) if scores else None


def kept(correlation: float) -> float:
    """Return which share of the trials continues at a rank correlation.

    If the scores are jointly normal, so few that a configuration in the middle of the best tenth is stopped with a probability of
    `RISK`. Their correlation is then 2 sin(pi / 6 of the rank correlation) (Pearson, 1907).

    >>> [round(kept(correlation), 2) for correlation in (0.6, 0.7, 0.8, 0.9)]
    [0.5, 0.39, 0.28, 0.25]
    """
    r = 2 * math.sin(math.pi / 6 * correlation)
    limit = -r * ndtri(BEST) + ndtri(RISK) * math.sqrt(max(1 - r**2, 0.0))
    return float(min(max(ndtr(-limit), LEAST_KEPT), MOST_KEPT))


def wave(number: int) -> int:
    """Return how many of the first trials decide on a trial.

    >>> [wave(number) for number in (0, 11, 12, 23, 24, 47, 48)]
    [0, 0, 12, 12, 24, 24, 48]
    """
    return 0 if number < FIRST_WAVE else FIRST_WAVE << (number // FIRST_WAVE).bit_length() - 1


def stops(found: Outcome, sample: Sample) -> bool:
    """Return whether a trial ends with its outcome on the sample; what cannot be trained there is tried on all rows."""
    return found.verdict != ERROR and sample.cutoff > UNDEFINED and not found.score >= sample.cutoff


def ended(found: Outcome, told: Mapping[str, float], sample: Sample) -> Outcome:
    """Return the outcome of a trial that ends on the sample: without scores, which are none of all rows."""
    share = f"on {sample.fraction:.3g} of the training rows"
    if found.diverged:
        verdict, reason = DIVERGED, f"{share}, {found.reason}"
    else:
        verdict, reason = STOPPED, f"{share}: score {found.score:.6g} is below the cut-off {sample.cutoff:.6g}"
    nothing: dict[str, Any] = {name: {} for name in ("curve", "losses", "metrics", "train_metrics", "courses")}
    return replace(
        found, verdict=verdict, reason=reason, fold_scores=[], epoch=0, repairs=[], sample=dict(told), **nothing
    )


def expected(score: float, both: Sequence[tuple[float, float]]) -> float:
    """Return the score on all rows that has the rank of a score on the sample, among trials with both; NaN without any.

    So a sampler that is told it compares nothing but scores on all rows.

    >>> expected(0.6, [(0.5, 0.7), (0.9, 0.8), (0.7, 0.9)])
    0.75
    """
    if not both:
        return math.nan
    on_sample, on_all = np.sort(np.array(both), axis=0).T
    return float(np.interp(score, on_sample, on_all))


class _Pair(NamedTuple):
    """A trial on the sample and on all rows: both greater if better. Of stopped trials, the later stopped are better."""

    on_sample: float
    on_all: tuple[bool, int, float]


def _pair(outcome: Outcome) -> _Pair | None:
    if not outcome.sample or "cutoff" in outcome.sample or outcome.verdict not in (OK, STOPPED):
        return None
    reached = 0 if outcome.healthy else outcome.last_checkpoint
    return _Pair(level(outcome.sample["score"]), (outcome.healthy, reached, level(outcome.score)))


def _correlation(pairs: list[_Pair]) -> float:
    """Return Spearman's rank correlation; NaN with too few trials, 0 if one of the rankings has all in one place."""
    if len(pairs) < ENOUGH_TRIALS:
        return math.nan
    places = {key: place for place, key in enumerate(sorted({pair.on_all for pair in pairs}))}
    ranks = [rankdata([p.on_sample for p in pairs]), rankdata([places[p.on_all] for p in pairs])]
    if any(np.ptp(some) == 0 for some in ranks):
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])
