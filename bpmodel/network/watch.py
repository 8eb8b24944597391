"""The watch: rules that check a running fit for divergence and progress, in minibatch and full-batch training.

A fit has diverged when a loss or a parameter is no longer finite, or when the mean loss of an epoch exceeds
`EXPLOSION_FACTOR` times the loss of the dummy predictor (mean target, or class frequencies). A network may *start* far above
the dummy predictor, for example when the target is far from zero and was not scaled. Therefore an epoch must also exceed
`RISE_FACTOR` times the loss before the first update.

The sum of the losses so far bounds the epoch's mean from below. The rule is therefore applied after every step, and fires as
soon as the epoch can no longer end well. A `partial_fit` of a few rows is judged as if it had `STEADY_ROWS` of them, because
the loss of a single row says little.

No loss of an epoch is that of the network after its last step. When a fit ends, that network is judged by the same rule
(`Training.settle`).

A fit has stalled when a hidden layer is dead (every unit has slope 0 on every row of the last probe) and the loss is not below
the loss of a constant prediction. No gradient passes a dead layer, so the layers before it cannot change. Exploded networks of
rectifiers often end like this. A fit with ``on_divergence="repair"`` has also stalled when its final loss exceeds
`EXPLOSION_FACTOR` times the dummy predictor's: it started so far away that no epoch counted as an explosion.

Each rule returns a code of `verdicts`; `RUNNING` means that nothing is wrong. Python calls these functions directly; the loop
compiles them.
"""

from __future__ import annotations

import numpy as np

from bpmodel.network.verdicts import (
    LAYER_DEAD,
    LOSS_EXPLODED,
    LOSS_NOT_FINITE,
    RUNNING,
    STILL_FAR,
    WEIGHTS_NOT_FINITE,
)

EXPLOSION_FACTOR = 10.0
"""On 126 fits it found 50 of 51 explosions without a false alarm; a check for non-finite values found 16."""

RISE_FACTOR, NOISY_RISE_FACTOR = 2.0, 5.0
"""How far a healthy fit may rise above its start in the first epoch. The second one is for dropout, input noise and
normalization: with them the loss of a few rows varies although nothing has changed."""

STEADY_ROWS = 200
"""Rows whose mean loss is steady enough to be compared with the dummy predictor's."""

JUDGED_ROWS, JUDGED_SHARE, CLEAR = 1000, 0.05, 4.0
"""The network that a fit ends with is judged on all rows if they are at most `JUDGED_ROWS`, or at most this share of the rows
that its epochs went over: that takes less than two percent of the fit's time. Otherwise evenly spaced rows are enough, unless
their loss comes within the factor `CLEAR` of the limit."""

LEARNED = 0.9
"""A loss below this share of the dummy predictor's shows that something was learned."""


def limit(baseline, first_loss, noisy=False):
    """Return the mean loss of an epoch above which a fit has diverged.

    >>> limit(1.0, 3.0), limit(1.0, 6.0), limit(1.0, 3.0, noisy=True)
    (10.0, 12.0, 15.0)
    """
    rise = NOISY_RISE_FACTOR if noisy else RISE_FACTOR
    return max(EXPLOSION_FACTOR * baseline, rise * first_loss)


def symptom_of_loss(loss, total, most):
    """Check the loss of the latest step, and compare the sum of the epoch's losses so far with its limit `most`."""
    if not np.isfinite(loss):
        return LOSS_NOT_FINITE
    return LOSS_EXPLODED if total > most else RUNNING


def symptom_of_weights(parameters):
    """Check that the parameters are finite after an epoch."""
    return RUNNING if np.isfinite(parameters.sum()) else WEIGHTS_NOT_FINITE


def symptom_of_stall(share, dead, ends):
    """Check for a stall where a layer is dead or a fit with repair ends; `share` is the loss over the dummy predictor's."""
    if dead and share > LEARNED:
        return LAYER_DEAD
    return STILL_FAR if ends and share > EXPLOSION_FACTOR else RUNNING


def note_progress(settings, history, state):
    """Count consecutive epochs without an improvement of `tol`; return whether the latest epoch is the best so far.

    With early stopping the validation score decides, otherwise the training loss.
    """
    s = state[0]
    loss, score = history.loss[s["epoch"] - 1], history.validation_score[s["epoch"] - 1]
    if settings.early_stopping:
        stagnant = score < s["best_score"] + settings.tol
        best = score > s["best_score"]
    else:
        stagnant = loss > s["best_loss"] - settings.tol
        best = loss < s["best_loss"]
    s["stagnant"] = s["stagnant"] + 1 if stagnant else 0
    if best:
        s["best_score"] = score
        s["best_loss"] = loss
    return best
