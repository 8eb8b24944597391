"""Bootstrap confidence intervals of metrics: bias-corrected and accelerated (BCa).

Efron (1987, Better bootstrap confidence intervals). With the estimate t and its resampled values t*, z0 = Phi^-1(share of t*
below t) corrects the bias, and the acceleration a the skewness; the limits are the quantiles of t* at
Phi(z0 + (z0 + z) / (1 - a (z0 + z))), z = -1.96 and 1.96. The acceleration follows from a jackknife, which leaves out one of up
to `GROUPS` groups of rows at a time instead of one row: a = sum(d^3) / (6 sum(d^2)^1.5) with d = mean(t_i) - t_i.

Of more than `MOST_ROWS` rows, so many are drawn, and the deviations from the estimate shrink by sqrt(`MOST_ROWS` / n), as in the
m out of n bootstrap (Bickel, Goetze and van Zwet, 1997, Resampling fewer than n observations); the acceleration, which falls with
the root of n, is then left out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from search.holdout.sample import Sample

CONFIDENCE = 0.95
RESAMPLES = 1000
GROUPS, MOST_ROWS = 200, 20_000
SEED = 0


def intervals(
    sample: Sample, compute: Callable[[Sample], NDArray[np.float64]], resamples: int = RESAMPLES
) -> NDArray[np.float64]:
    """Return the confidence interval of each of several values of a sample, as an array of shape (values, 2).

    NaN where a value is undefined. With one row, there is no interval. The seed is fixed: the same rows give the same interval.

    Examples
    --------
    >>> sample = Sample(np.zeros(200), np.arange(200.0))
    >>> intervals(sample, lambda s: np.array([s.predicted.mean()])).round(0).tolist()
    [[92.0, 107.0]]
    """
    estimate, n = compute(sample), len(sample)
    if n < 2:
        return np.full((len(estimate), 2), np.nan)
    random, drawn = np.random.default_rng(SEED), min(n, MOST_ROWS)
    found = np.array([compute(sample.take(random.integers(0, n, drawn))) for _ in range(resamples)])
    found = estimate + (found - estimate) * np.sqrt(drawn / n)
    left_out = np.full((1, len(estimate)), np.nan)
    if drawn == n:
        groups = np.array_split(random.permutation(n), min(n, GROUPS))
        every = np.arange(n)
        left_out = np.array([compute(sample.take(np.delete(every, group))) for group in groups])
    return np.array([_limits(*each) for each in zip(estimate, found.T, left_out.T, strict=True)])


def _limits(estimate: float, found: NDArray[np.float64], left_out: NDArray[np.float64]) -> tuple[float, float]:
    found = found[np.isfinite(found)]
    if not np.isfinite(estimate) or not len(found):
        return float("nan"), float("nan")
    z = norm.ppf([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    below = np.mean(found < estimate) + np.mean(found == estimate) / 2
    if below in (0.0, 1.0):
        return _quantiles(found, norm.cdf(z))  # plain percentiles: the bias cannot be told
    z0, a = norm.ppf(below), _acceleration(left_out)
    return _quantiles(found, norm.cdf(z0 + (z0 + z) / (1 - a * (z0 + z))))


def _acceleration(left_out: NDArray[np.float64]) -> float:
    if not np.isfinite(left_out).all():
        return 0.0
    d = left_out.mean() - left_out
    spread = float(np.sum(d**2))
    return float(np.sum(d**3)) / (6 * spread**1.5) if spread > 0 else 0.0


def _quantiles(found: NDArray[np.float64], levels: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(found, levels)
    return float(low), float(high)
