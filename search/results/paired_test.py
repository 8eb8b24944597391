"""Paired test: do two configurations differ, given their scores on the same folds?

Scores of one configuration vary mostly because folds differ, so two configurations are compared fold by fold. Folds
share training rows, so the differences are not independent, and their plain variance is too small. It is corrected as
in Nadeau and Bengio (2003, Inference for the generalization error), and for repeated cross-validation as in Bouckaert
and Frank (2004, Evaluating the replicability of significance tests for comparing learning algorithms).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from bpmodel.functions.scaling import FARTHEST
from search.cv.folds import Folds
from search.trials.baselines import Baseline
from search.trials.outcomes import Outcome, order

CONFIDENCE = 0.95
ROUNDING = 1e-12
"""Differences below this share of the scores are none: sums of the same numbers in another order."""

RIVALS = 4


@dataclass(frozen=True)
class Difference:
    """Mean difference of two scores, half width of its confidence interval, and two-sided p-value of no difference."""

    mean: float
    half_width: float
    p_value: float

    @property
    def distinguishable(self) -> bool:
        return self.p_value < 1 - CONFIDENCE


def difference(scores: Sequence[float], others: Sequence[float], ratio: float) -> Difference:
    """Compare fold scores by the corrected resampled t-test.

    With d the differences on k folds, t = mean(d) / sqrt((1 / k + ratio) var(d)), with k - 1 degrees of freedom.

    Parameters
    ----------
    scores, others : sequence of float
        Scores on the same folds, at least two; the difference is ``scores - others``.
    ratio : float
        Validation rows divided by training rows of a fold.

    Examples
    --------
    >>> found = difference([0.80, 0.82, 0.81], [0.90, 0.91, 0.92], ratio=0.5)
    >>> round(found.mean, 3), round(found.half_width, 3), found.distinguishable
    (-0.1, 0.039, True)
    """
    largest = float(np.maximum(np.abs(scores), np.abs(others)).max())
    unit = largest if largest > FARTHEST else 1.0  # larger differences, or their squares, are not finite
    ours, theirs = np.divide(scores, unit), np.divide(others, unit)
    d = ours - theirs
    d[np.abs(d) <= ROUNDING * np.maximum(np.abs(ours), np.abs(theirs))] = 0.0
    spread, mean = float(np.sqrt((1 / len(d) + ratio) * d.var(ddof=1))), float(d.mean())
    if spread == 0:
        return Difference(mean * unit, 0.0, float(mean == 0))
    p_value = 2 * student.sf(abs(mean) / spread, len(d) - 1)
    return Difference(mean * unit, float(student.ppf((1 + CONFIDENCE) / 2, len(d) - 1)) * spread * unit, float(p_value))


def rivals(outcomes: Mapping[int, Outcome], best: Outcome | None, folds: Folds) -> dict[int, Difference]:
    """Compare the next best healthy trials, in `order`, with the best one; empty if there is only one fold."""
    return next_best(outcomes, best, ratio(folds)) if len(folds) > 1 else {}


def next_best(outcomes: Mapping[int, Outcome], best: Outcome | None, ratio: float) -> dict[int, Difference]:
    """Compare as `rivals` does, where nothing is known of the folds but the `ratio` of their rows."""
    if best is None or len(best.fold_scores) < 2:
        return {}
    others = sorted((o for o in outcomes.values() if o.healthy and o.number != best.number), key=order)
    return {o.number: difference(o.fold_scores, best.fold_scores, ratio) for o in others[:RIVALS]}


def against(baselines: Sequence[Baseline], best: Outcome | None, folds: Folds) -> dict[str, Difference]:
    """Compare the best trial with each baseline, by name; a positive difference is in favor of the trial.

    Empty if there is only one fold. Baselines without scores of each fold are left out.
    """
    return beside(baselines, best, ratio(folds)) if len(folds) > 1 else {}


def beside(baselines: Sequence[Baseline], best: Outcome | None, ratio: float) -> dict[str, Difference]:
    """Compare as `against` does, where nothing is known of the folds but the `ratio` of their rows."""
    if best is None or len(best.fold_scores) < 2:
        return {}
    return {b.name: difference(best.fold_scores, b.fold_scores, ratio) for b in baselines if b.fold_scores}


def ratio(folds: Folds) -> float:
    """Return validation rows over training rows, the mean over the folds."""
    return float(np.mean([len(validation) / len(train) for train, validation in folds.splits]))
