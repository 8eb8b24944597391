"""Rules on the course of training: steps that are too long or too short for the curvature of the loss, and their outcomes."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpmodel.diagnosis.evidence import Record
from bpmodel.diagnosis.findings import Finding

SCORE_FELL = 0.1
"""Smallest drop of the validation score that counts: the log loss may rise although the accuracy stays the same."""


ROSE = 0.2
"""Smallest rise of the validation loss that counts, as a share of the dummy predictor's loss."""

GAP = 1.1
"""Validation loss, as a multiple of the training loss, up to which a network fits new rows as well as its own."""

NOTHING_LEARNED = 0.95
"""Training loss, as a share of the dummy predictor's, from which nothing was learned. At the penalty with the best score,
networks on `diabetes` ended at 0.43, and on targets with 90 percent of noise at 0.9; at a hundred times that penalty, at 1."""

LARGE = (100, 100)
"""Hidden layers to try if a network is smaller."""


def exploding_step(r: Record) -> Finding | None:
    ratio = r.probes["step_ratio"]
    longest = float(np.nanmax(ratio)) if np.isfinite(ratio).any() else np.nan
    lost = r.lost_units
    killed = not r.learned and lost.size > 0 and lost[0] < 0.2 and lost[-1] > 0.5 and longest > 0.02
    killed = killed and not r.shrunk and not r.vanishes
    if not (r.diverged or killed) or not r.stochastic:
        return None
    rate = r.rate / 10
    evidence = {"learning_rate": r.rate, "step_to_weight": longest}
    evidence |= (
        {"loss_to_dummy": r.verdict.evidence["ratio"]} if r.diverged else {"share_of_lost_units": float(lost[-1])}
    )
    return Finding(
        "exploding_step",
        int(r.verdict.epoch or r.probes["epoch"][np.argmax(lost > 0.5)]),
        evidence,
        "The steps are too long for the curvature of the loss: each step overshoots farther than the previous one"
        + (", until most units of a layer were dead or saturated." if killed else "."),
        f"Lower the learning rate: learning_rate_init={rate:g}.",
        {"learning_rate_init": rate},
        "Cohen et al., 2021",
    )


def loss_spike(r: Record) -> Finding | None:
    spikes, loss = r.history.get("spikes", np.zeros(0)), r.loss
    epochs = np.flatnonzero(spikes[1:] > 0) + 1  # before the first epoch there is no loss to compare with
    if r.diverged or r.learned or len(epochs) == 0:
        return None
    jumps = np.array([loss[e] / max(loss[:e].min(), 1e-300) for e in epochs])
    worst = int(epochs[np.argmax(jumps)])
    recovered = np.flatnonzero(loss[worst:] <= 1.05 * loss[:worst].min())
    lost = int(recovered[0]) if len(recovered) else len(loss) - worst
    if jumps.max() < 1.5 or lost < max(0.1 * len(loss), 3):
        return None
    clipped = r.option("clipping") == "median"
    change: dict[str, Any] = {"learning_rate_init": r.rate / 10} if clipped else {"clipping": "median"}
    remedy = ", ".join(f"{name}={value!r}" for name, value in change.items())
    return Finding(
        "loss_spike",
        worst + 1,
        {"steps": float(spikes.sum()), "loss_to_best_before": float(jumps.max()), "epochs_lost": float(lost)},
        "Single steps were far longer than the previous ones and undid progress. Rare rows or high curvature may cause them.",
        f"Lower the learning rate: {remedy}." if clipped else f"Clip gradients at their running median: {remedy}.",
        change,
        "Chowdhery et al., PaLM, 2022, section 5.1",
    )


def oscillating(r: Record) -> Finding | None:
    loss = r.loss[len(r.loss) // 2 :]
    if r.diverged or len(loss) < 8 or r.learned:
        return None
    moves = np.diff(loss)
    flips = float(np.mean(moves[1:] * moves[:-1] < 0))
    swing = float(np.abs(moves).mean() / max(loss.mean(), 1e-300))
    if flips < 0.5 or swing < 0.05 or np.abs(moves).mean() < 0.02 * r.baseline:
        return None
    return Finding(
        "oscillating",
        len(r.loss) // 2,
        {"turns": flips, "swing": swing, "learning_rate": r.rate},
        "The loss goes up and down from epoch to epoch instead of falling: the steps jump across the valley.",
        f"Lower the learning rate: learning_rate_init={r.rate / 10:g}.",
        {"learning_rate_init": r.rate / 10},
    )


def slow_convergence(r: Record) -> Finding | None:
    loss = r.loss
    steps = r.probes["step_ratio"]
    if r.diverged or r.learned or len(loss) < 2 or not np.isfinite(steps).any():
        return None
    longest = float(np.nanmax(steps))
    falling = float(loss[0] - loss[-1]) > 0
    if not falling or longest > 1e-4:
        return None
    return Finding(
        "slow_convergence",
        len(loss),
        {"step_to_weight": longest, "learning_rate": r.rate, "loss_to_dummy": r.final_share},
        "The loss falls, but each step changes the weights by less than a ten-thousandth of their norm.",
        f"Raise the learning rate: learning_rate_init={r.rate * 100:g}.",
        {"learning_rate_init": r.rate * 100},
    )


def overfitting(r: Record) -> Finding | None:
    validation, score = r.validation, r.history.get("validation_score", np.zeros(0))
    fell = np.nanmax(score) - np.median(score[-max(len(score) // 10, 1) :]) if np.isfinite(score).any() else np.inf
    if r.diverged or not len(validation) or r.final_share > 0.5:
        return None
    best, last = int(np.argmin(validation)), float(validation[-1])
    if last - validation[best] < ROSE * r.baseline or validation[best] > 0.95 * r.baseline or fell < SCORE_FELL:
        return None
    early = {} if r.option("early_stopping") else {"early_stopping": True}
    return Finding(
        "overfitting",
        best + 1,
        {
            "validation_loss": last,
            "least_validation_loss": float(validation[best]),
            "training_to_dummy": r.final_share,
        },
        "The validation loss rises while the training loss still falls.",
        "Keep the best epoch and increase the weight penalty: early_stopping=True, and a larger alpha."
        if early
        else "Increase the weight penalty: a larger alpha.",
        {**early, "alpha": max(10 * float(r.option("alpha")), 0.01)},
        "Prechelt, 1998",
    )


def underfitting(r: Record) -> Finding | None:
    hidden = r.units[1:-1]
    larger = {"hidden_layer_sizes": LARGE} if sum(hidden) < sum(LARGE) else {}
    structure = (
        (
            "all activations are the identity, so the network is a linear model",
            {"activation": "relu"} if hidden and set(r.activations) == {"identity"} else {},
            fits_new_rows_as_well(r),
        ),
        (
            "regularization has shrunk the weights to less than half",
            _lower(r, alpha=1e-4, l1=0.0, weight_decay=0.0) if r.shrunk else {},
            is_held_back(r),
        ),
        (
            "a hidden layer with one or two units is a bottleneck",
            larger if hidden and min(hidden) <= 2 else {},
            fits_new_rows_as_well(r),
        ),
    )
    general = larger | _lower(r, alpha=1e-4, dropout=0.0) | {"max_iter": max(200, 4 * len(r.loss))}
    known = next(((cause, change) for cause, change, holds in structure if change and holds), None)
    if r.diverged or len(r.loss) < 2 or r.final_share < (0.1 if known else 0.6) or not (known or is_held_back(r)):
        return None
    cause, change = known or (
        "the network is too small, regularized too strongly, or trained for too few epochs",
        general,
    )
    settings = ", ".join(f"{name}={value!r}" for name, value in change.items())
    return Finding(
        "underfitting",
        len(r.loss),
        {"loss_to_dummy": r.final_share, "hidden_units": float(sum(hidden)), "epochs": float(len(r.loss))},
        f"The training loss stays high: {cause}.",
        f"Make the network more flexible or train longer: {settings}.",
        change,
    )


def fits_new_rows_as_well(r: Record) -> bool:
    """Return whether the network does not memorize: the validation loss is about the training loss, or unknown."""
    return not len(r.validation) or r.validation_share <= GAP * r.final_share


def is_held_back(r: Record) -> bool:
    """Return whether a high training loss is harmful, as far as the validation rows tell; True if there are none.

    Noise keeps the training loss high, too. A penalty that suits noisy data shrinks the weights and yet lowers the validation
    loss. So with validation rows there must be harm: the network has learned nothing, or its validation loss rose again.
    """
    if not len(r.validation):
        return True
    return r.final_share >= NOTHING_LEARNED or r.validation_share - r.validation.min() / max(r.baseline, 1e-300) >= ROSE


def _lower(r: Record, **values: float) -> dict[str, Any]:
    """Return the options among these that are above the given values."""
    return {name: value for name, value in values.items() if float(r.option(name) or 0.0) > value}
