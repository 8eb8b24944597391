"""The watch over a running fit: its rules, for training in minibatches and on all rows alike.

`monitor` says what the rules mean and where their thresholds come from. Each rule returns a code of `monitor`, `RUNNING` where
nothing is wrong. Python calls these functions as they are; the loop compiles them.
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
    """Judge the loss of the latest step, and the total of the epoch's losses so far by the most that it may be."""
    if not np.isfinite(loss):
        return LOSS_NOT_FINITE
    return LOSS_EXPLODED if total > most else RUNNING


def symptom_of_weights(parameters):
    """Judge the parameters after an epoch."""
    return RUNNING if np.isfinite(parameters.sum()) else WEIGHTS_NOT_FINITE


def symptom_of_stall(share, dead, ends):
    """Judge a loss, as a share of the dummy predictor's, where a hidden layer is dead or a fit that is to be repaired ends."""
    if dead and share > LEARNED:
        return LAYER_DEAD
    return STILL_FAR if ends and share > EXPLOSION_FACTOR else RUNNING


def note_progress(settings, history, state):
    """Count the epochs in a row without an improvement of `tol`; return whether the latest epoch is the best so far.

    With early stopping the validation score decides, else the training loss.
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
