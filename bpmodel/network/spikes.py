"""Spikes: single steps whose loss and gradient norm are both far above those of the steps before.

The mean and variance of both are exponential moving averages over about the last 64 steps. A step is a spike if both values lie
more than `DEVIATIONS` standard deviations above their means (OLMo's rule, one-sided: an unusually low value is no spike). The
loss must also exceed its mean by more than a tenth of the dummy predictor's loss; otherwise tiny noise would count. Spikes do
not enter the mean and variance.
"""

from __future__ import annotations

import numpy as np

from bpmodel.compiler.kernels import inner

DEVIATIONS = 6.0
DECAY = 1 / 64
WARM = 64
"""Number of steps before the first one can count as a spike."""

RELEVANT = 0.1
SKIPS, WITHIN = 3, 20
"""After `SKIPS` skipped steps within `WITHIN` steps, the spikes are not accidental any more: the next one is taken."""

FIELDS: list[tuple] = [
    ("watched", np.int64),  # steps that entered mean and variance
    ("loss_mean", np.float64),
    ("loss_variance", np.float64),
    ("norm_mean", np.float64),
    ("norm_variance", np.float64),
    ("skipped", np.int64, SKIPS),  # the last steps that were skipped, counted from 1
    ("skips", np.int64),  # number of skipped steps
]
"""Fields that spike detection adds to the state of a fit."""


@inner
def stands_out(state, loss, norm, baseline):
    """Return whether a step is a spike; if it is not, update mean and variance."""
    s = state[0]
    above_loss, above_norm = loss - s.loss_mean, norm - s.norm_mean
    if (
        s.watched >= WARM
        and above_loss > RELEVANT * baseline
        and above_loss > DEVIATIONS * np.sqrt(s.loss_variance)
        and above_norm > DEVIATIONS * np.sqrt(s.norm_variance)
    ):
        return True
    s.watched += 1
    a = max(1 / s.watched, DECAY)
    s.loss_mean += a * above_loss
    s.loss_variance = (1 - a) * (s.loss_variance + a * above_loss * above_loss)
    s.norm_mean += a * above_norm
    s.norm_variance = (1 - a) * (s.norm_variance + a * above_norm * above_norm)
    return False


@inner
def skip(state):
    """Return whether a spike may be skipped; if so, record the skip."""
    s = state[0]
    oldest = s.skipped[0]
    if oldest > 0 and s.step + 1 - oldest < WITHIN:
        return False
    for i in range(SKIPS - 1):
        s.skipped[i] = s.skipped[i + 1]
    s.skipped[SKIPS - 1] = s.step + 1
    s.skips += 1
    return True


def forget(state: np.ndarray) -> None:
    """Reset the detection when training continues from other weights."""
    for name, *_ in FIELDS:
        if name != "skips":
            state[name] = 0
