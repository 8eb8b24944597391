"""The rules of diagnosis: each looks at what a fit left behind and makes a finding of one kind, or none.

Two things are kept apart that both end as "the loss exploded". *Depth*: derivatives grow or shrink from layer to layer, which
is visible before the first step, follows from weights and activations (`probes.Signals.chi`), and is cured there. *Step
size*: the steps are too long for the curvature of the loss, which follows from the learning rate and the scale of the data,
and is cured there. A finding is made only where it did harm: a run that learned is healthy, whatever its numbers.

The limits were set on a few dozen runs of small networks; they are not calibrated on a corpus yet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bpmodel.findings import Finding
from bpmodel.record import S_SHAPED, Record

Rule = Callable[[Record], Finding | None]

LARGE_SCALE, SMALL_SCALE, LARGE_OFFSET = 10.0, 0.05, 3.0
TAIL = 30.0
"""Interquartile ranges from the median that only outliers are away."""

VANISHED = 1e-2
LARGE_CHI = 2.0
"""In a few layers already too much, if the network starts far away."""

DEPTH_RATIO, STEEP_RATIO = 10.0, 100.0


def unscaled_input(r: Record) -> Finding | None:
    s = r.scales
    far = s.input_std > LARGE_SCALE or s.input_mean > LARGE_OFFSET or s.input_std < SMALL_SCALE
    if r.learned or not far:
        return None
    scaling = "robust" if s.input_tail > TAIL else "standard"
    return Finding(
        "unscaled_input",
        0,
        {"largest_std": s.input_std, "least_std": s.input_least_std, "largest_mean": s.input_mean},
        "Columns of X are far from mean 0 and standard deviation 1; derivatives of the first layer's weights grow with them, the "
        "curvature of the loss with their square, so that a learning rate is too high for some weights and too low for others.",
        f"Scale the columns: scale_input={scaling!r}, or a scaler in front.",
        {"scale_input": scaling},
        "LeCun et al., Efficient BackProp, 1998",
    )


def unscaled_target(r: Record) -> Finding | None:
    s = r.scales
    large = s.target_std > LARGE_SCALE or s.target_mean > LARGE_SCALE * max(s.target_std, 0.1)
    small = 0 < s.target_std < SMALL_SCALE
    if r.learned or not (large or small) or r.option("scale_target"):
        return None
    return Finding(
        "unscaled_target",
        0,
        {"std": s.target_std, "mean": s.target_mean, "first_loss": r.first_loss, "dummy_loss": r.baseline},
        "The target is far from mean 0 and standard deviation 1, and the network starts as far from it.",
        "Let the network learn the standardised target: scale_target=True.",
        {"scale_target": True},
        "LeCun et al., Efficient BackProp, 1998",
    )


def symmetric_init(r: Record) -> Finding | None:
    if not r.symmetric:
        return None
    return Finding(
        "symmetric_init",
        0,
        {"hidden_layer": float(r.symmetric)},
        "All units of a hidden layer start with the same weights, get the same derivatives, and so stay copies of one unit.",
        "Draw the starting weights at random: init='auto', init_gain=1.0.",
        {"init": "auto", "init_gain": 1.0},
        "Goodfellow et al., Deep Learning, 2016, section 8.4",
    )


def exploding_depth(r: Record) -> Finding | None:
    chi = r.probes["chi"][:1, :-1]
    if chi.size == 0:
        return None
    normalized = r.option("normalization") == "batch"
    if normalized:
        grows, enough = r.depth_ratio > STEEP_RATIO, 0.2
    else:
        far, enough = r.first_loss > LARGE_SCALE * r.baseline, 0.5
        steep = np.prod(np.sqrt(chi)) > DEPTH_RATIO and (far or r.depth_ratio > DEPTH_RATIO)
        grows = steep or (far and np.exp(np.mean(np.log(chi))) > LARGE_CHI)
    if r.worst_share < enough or not grows:
        return None
    change: dict[str, Any] = {"init": "auto", "init_gain": 1.0}
    if normalized or (r.option("init") == "auto" and r.option("init_gain") == 1.0):
        change = {"normalization": "layer"}
    settings = ", ".join(f"{name}={value!r}" for name, value in change.items())
    return Finding(
        "exploding_depth",
        0,
        {"ratio_first_to_last_layer": r.depth_ratio, "mean_chi": float(np.exp(np.mean(np.log(chi))))},
        "Derivatives grow from layer to layer on their way back, "
        + (
            "as they do where many layers normalise batches, which no learning rate changes."
            if normalized
            else "for the weights are too large for this depth and activation (chi > 1), which no learning rate changes."
        ),
        f"Keep them level: {settings}" + (", or fewer layers." if normalized else "."),
        change,
        "Yang et al., 2019" if normalized else "He et al., 2015; Schoenholz et al., 2017",
    )


def exploding_step(r: Record) -> Finding | None:
    ratio = r.probes["step_ratio"]
    longest = float(np.nanmax(ratio)) if np.isfinite(ratio).any() else np.nan
    lost = r.lost_units
    killed = not r.learned and lost.size > 0 and lost[0] < 0.2 and lost[-1] > 0.5 and longest > 0.02
    killed = killed and not r.shrunk and not r.depth_ratio < VANISHED
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
        "The steps are longer than the curvature of the loss allows: each overshoots farther than the one before"
        + (", until most units of a layer lay where their activation is flat." if killed else "."),
        f"Lower the learning rate: learning_rate_init={rate:g}.",
        {"learning_rate_init": rate},
        "Cohen et al., 2021",
    )


def vanishing_gradient(r: Record) -> Finding | None:
    dead_at_start = float(r.probes["dead"][:1, :-1].max(initial=0))
    if r.diverged or r.learned or not r.depth_ratio < VANISHED or dead_at_start > 0.9:
        return None
    return Finding(
        "vanishing_gradient",
        0,
        {"ratio_first_to_last_layer": r.depth_ratio, "layers": float(len(r.units) - 1)},
        "Derivatives shrink from layer to layer on their way back, so the first layers do not learn.",
        "Use activations and weights that keep their size: activation='relu', init='auto', or fewer layers.",
        {"activation": "relu", "init": "auto", "init_gain": 1.0},
        "Glorot & Bengio, 2010",
    )


def saturated_units(r: Record) -> Finding | None:
    flat = [float(v) for v, name in zip(r.last("saturated"), r.activations, strict=False) if name in S_SHAPED]
    if r.diverged or r.learned or not flat or max(flat) < 0.5:
        return None
    return Finding(
        "saturated_units",
        int(r.probes["epoch"][-1]),
        {"share_of_flat_slopes": max(flat)},
        "Most units lie where their activation is flat (slopes below 0.05): derivatives that pass them shrink.",
        "Start from smaller weights: init='auto', init_gain=1.0; scaled inputs help, too.",
        {"init": "auto", "init_gain": 1.0},
        "Glorot & Bengio, 2010",
    )


def dead_units(r: Record) -> Finding | None:
    dead = r.last("dead")
    if r.diverged or r.learned or dead.size == 0 or dead.max() < 0.5 or r.option("dropout") > 0.5 or r.shrunk:
        return None
    return Finding(
        "dead_units",
        int(r.probes["epoch"][-1]),
        {"share_of_dead_units": float(dead.max()), "learning_rate": r.rate},
        "Most units of a layer are off for every row and get no derivative any more, usually after steps that were too long.",
        f"Use activation='leaky_relu' and learning_rate_init={r.rate / 10:g}.",
        {"activation": "leaky_relu", "learning_rate_init": r.rate / 10},
        "Lu et al., Dying ReLU and Initialization, 2019",
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
        "The loss goes up and down from epoch to epoch instead of down: the steps jump across the valley.",
        f"Lower the learning rate: learning_rate_init={r.rate / 10:g}.",
        {"learning_rate_init": r.rate / 10},
    )


def loss_spike(r: Record) -> Finding | None:
    spikes, loss = r.history.get("spikes", np.zeros(0)), r.loss
    epochs = np.flatnonzero(spikes > 0)
    if r.diverged or r.learned or len(epochs) == 0 or epochs[0] == 0 or r.option("clipping") != "none":
        return None
    jumps = np.array([loss[e] / max(loss[:e].min(), 1e-300) for e in epochs if e > 0])
    worst = int(epochs[epochs > 0][np.argmax(jumps)])
    recovered = np.flatnonzero(loss[worst:] <= 1.05 * loss[:worst].min())
    lost = int(recovered[0]) if len(recovered) else len(loss) - worst
    if jumps.max() < 1.5 or lost < max(0.1 * len(loss), 3):
        return None
    return Finding(
        "loss_spike",
        worst + 1,
        {"steps": float(spikes.sum()), "loss_to_best_before": float(jumps.max()), "epochs_lost": float(lost)},
        "Single steps were far longer than those before and threw the weights back: rare rows, or a place of high curvature.",
        "Clip gradients at their running median: clipping='median'.",
        {"clipping": "median"},
        "Chowdhery et al., PaLM, 2022, section 5.1",
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
        "The loss falls, but each step moves the weights by less than a ten-thousandth of their size.",
        f"Raise the learning rate: learning_rate_init={r.rate * 100:g}.",
        {"learning_rate_init": r.rate * 100},
    )


def class_imbalance(r: Record) -> Finding | None:
    if r.diverged or not r.scales.least_class < 0.05 or r.learned or r.option("class_weight"):
        return None
    return Finding(
        "class_imbalance",
        0,
        {"share_of_rarest_class": r.scales.least_class},
        "One class is so rare that ignoring it costs almost nothing.",
        "Weight the classes: class_weight='balanced'.",
        {"class_weight": "balanced"},
    )


def outliers(r: Record) -> Finding | None:
    usual = r.scales.target_spread**2 / 2 / max(r.baseline, 1e-300) if r.option("scale_target") is False else 1.0
    if r.worst_share < 0.5 * min(usual, 1.0) or not r.scales.target_tail > TAIL or r.option("loss") != "squared_error":
        return None
    return Finding(
        "outliers",
        0,
        {"farthest_target_in_interquartile_ranges": r.scales.target_tail},
        "A few targets are so far out that their squared errors outweigh all others.",
        "Use a loss that grows linearly, on a target that they do not scale: loss='huber', scale_target=False.",
        {"loss": "huber", "scale_target": False},
        "Huber, 1964",
    )


def no_signal(r: Record) -> Finding | None:
    validation = r.validation
    if r.diverged or not len(validation) or r.final_share > 0.5 or validation.min() < 0.95 * r.baseline:
        return None
    return Finding(
        "no_signal",
        int(np.argmin(validation)) + 1,
        {"least_validation_loss_to_dummy": float(validation.min() / r.baseline), "training_to_dummy": r.final_share},
        "The training loss falls and the validation loss never beats the dummy predictor: the rows are learned by heart.",
        "Look for inputs that say something about the target, or for more rows; no hyperparameter replaces them.",
    )


def overfitting(r: Record) -> Finding | None:
    validation = r.validation
    if r.diverged or not len(validation) or r.final_share > 0.5:
        return None
    best, last = int(np.argmin(validation)), float(validation[-1])
    if (
        last - validation[best] < 0.2 * r.baseline
        or last < 1.2 * validation[best]
        or validation[best] > 0.95 * r.baseline
    ):
        return None
    return Finding(
        "overfitting",
        best + 1,
        {
            "validation_loss": last,
            "least_validation_loss": float(validation[best]),
            "training_to_dummy": r.final_share,
        },
        "The validation loss rises while the training loss still falls.",
        "Keep the best epoch and penalise weights: early_stopping=True, and a larger alpha.",
        {"early_stopping": True, "alpha": max(10 * float(r.option("alpha")), 0.01)},
        "Prechelt, 1998",
    )


def underfitting(r: Record) -> Finding | None:
    hidden = r.units[1:-1]
    causes: dict[str, dict[str, Any]] = {
        "all activations are the identity, so the network is a linear model": {"activation": "relu"}
        if hidden and set(r.activations) == {"identity"}
        else {},
        "the penalties have shrunk the weights to less than half": {"alpha": 1e-4, "l1": 0.0, "weight_decay": 0.0}
        if r.shrunk
        else {},
        "a hidden layer of one or two units lets little through": {"hidden_layer_sizes": (100, 100)}
        if hidden and min(hidden) <= 2
        else {},
    }
    known = next(((cause, change) for cause, change in causes.items() if change), None)
    if r.diverged or r.final_share < (0.1 if known else 0.5) or len(r.loss) < 2:
        return None
    general = {"hidden_layer_sizes": (100, 100), "alpha": 1e-4, "dropout": 0.0, "max_iter": max(200, 4 * len(r.loss))}
    cause, change = known or ("the network is too small, too strongly penalised, or trained too briefly", general)
    settings = ", ".join(f"{name}={value!r}" for name, value in change.items())
    return Finding(
        "underfitting",
        len(r.loss),
        {"loss_to_dummy": r.final_share, "hidden_units": float(sum(hidden)), "epochs": float(len(r.loss))},
        f"The training loss itself stays high: {cause}.",
        f"Let it fit more: {settings}.",
        change,
    )


RULES: tuple[Rule, ...] = (
    unscaled_input,
    outliers,
    unscaled_target,
    symmetric_init,
    exploding_depth,
    exploding_step,
    vanishing_gradient,
    saturated_units,
    dead_units,
    loss_spike,
    oscillating,
    slow_convergence,
    class_imbalance,
    no_signal,
    overfitting,
    underfitting,
)
"""In the order of causes: what the data or the start explain comes before what follows from them."""
