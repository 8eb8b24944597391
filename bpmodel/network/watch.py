"""The rules that check a running fit for divergence and progress, in minibatch and full-batch training.

`monitor` explains the rules and the sources of their thresholds. Each rule returns a code of `monitor`; `RUNNING` means that
nothing is wrong. Python calls these functions directly; the loop compiles them.
"""

from __future__ import annotations

import numpy as np

from bpmodel.network.monitor import (
    EXPLOSION_FACTOR,
    LAYER_DEAD,
    LEARNED,
    LOSS_EXPLODED,
    LOSS_NOT_FINITE,
    NOISY_RISE_FACTOR,
    RISE_FACTOR,
    RUNNING,
    STILL_FAR,
    WEIGHTS_NOT_FINITE,
)


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
