"""What the sampler is told: a value and a constraint for every outcome, so that it learns from the diverged ones, too.

Telling NaN would mark the trial as failed, and samplers ignore failed trials: they go on proposing what fails. So

- a healthy trial is told its mean score, but no less than the dummy predictor's: how bad beyond useless does not matter, and
  one huge loss would flatten everything else for a model that standardises the values;
- a diverged trial is told the dummy predictor's score minus a margin that grows from 1 to 2 units the earlier the run
  broke. One diverged fold is enough; the other folds are never averaged over;
- the constraint is negative for a healthy trial, and log10 of how far the loss went beyond the limit, between 0.1 and 10, for
  a diverged one.
"""

from __future__ import annotations

import math

from bpmodel.monitor import EXPLOSION_FACTOR
from search.outcomes import Outcome

MARGIN = 0.1
"""One unit, as a share of the dummy predictor's score."""


def penalise(outcome: Outcome, dummy_score: float) -> tuple[float, float]:
    """Return the value to maximise and the constraint (feasible if <= 0) of an outcome.

    Parameters
    ----------
    outcome : Outcome
    dummy_score : float
        Mean score of the dummy predictor on the same folds.
    """
    if outcome.divergence is not None:
        ratio = outcome.divergence.ratio / EXPLOSION_FACTOR
        excess = math.log10(ratio) if math.isfinite(ratio) and ratio > 0 else 10.0
        return _floor(dummy_score, outcome.divergence.survived), min(max(excess, 0.1), 10.0)
    if not math.isfinite(outcome.score):
        return _floor(dummy_score, 0.0), 10.0
    return max(outcome.score, dummy_score), -1.0


def _floor(dummy_score: float, survived: float) -> float:
    unit = MARGIN * max(abs(dummy_score), MARGIN)
    return dummy_score - unit * (2.0 - survived)
