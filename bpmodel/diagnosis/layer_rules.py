"""Rules on the layers: exploding and vanishing gradients, and dead or saturated units.

Whether gradients grow or shrink from layer to layer depends on the weights and activations (`probes.Signals.chi`) and is visible
before the first step. The remedy is also a change of weights or activations: no learning rate helps.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpmodel.diagnosis.evidence import S_SHAPED, Record
from bpmodel.diagnosis.findings import Finding

FAR_START = 10.0
"""Loss before the first step, over the dummy predictor's, above which the start is too large."""

LARGE_CHI = 2.0
"""Mean growth of squared gradients per layer that is too large even for a few layers if the network starts with a high loss."""

DEPTH_RATIO, STEEP_RATIO = 10.0, 100.0
"""Ratios of the first layer's gradients to the last layer's above which growth is too large; the second one is for batch
normalization, where some growth is harmless."""


def symmetric_init(r: Record) -> Finding | None:
    if not r.symmetric:
        return None
    return Finding(
        "symmetric_init",
        0,
        {"hidden_layer": float(r.symmetric)},
        "All units of a hidden layer start with the same weights and receive the same gradients, so they stay identical.",
        "Use random initial weights: init='auto', init_gain=1.0.",
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
        far, enough = r.first_loss > FAR_START * r.baseline, 0.5
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
        "Gradients grow from layer to layer in the backward pass, "
        + (
            "because many layers use batch normalization. No learning rate can fix this."
            if normalized
            else "because the weights are too large for this depth and activation (chi > 1). No learning rate can fix this."
        ),
        f"Keep the gradients at the same size: {settings}" + (", or fewer layers." if normalized else "."),
        change,
        "Yang et al., 2019" if normalized else "He et al., 2015; Schoenholz et al., 2017",
    )


def vanishing_gradient(r: Record) -> Finding | None:
    dead_at_start = float(r.probes["dead"][:1, :-1].max(initial=0))
    if r.diverged or r.learned or not r.vanishes or dead_at_start > 0.9:
        return None
    return Finding(
        "vanishing_gradient",
        0,
        {"ratio_first_to_last_layer": r.depth_ratio, "layers": float(len(r.units) - 1)},
        "Gradients shrink from layer to layer in the backward pass, so the first layers do not learn.",
        "Use an activation and initial weights that keep the gradients at the same size: activation='relu', init='auto', or "
        "fewer layers.",
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
        "Most units are saturated: their activations have slopes below 0.05, so gradients that pass through them shrink.",
        "Use smaller initial weights: init='auto', init_gain=1.0. Scaling the inputs also helps.",
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
        "Most units of a layer are off for every row and no longer receive gradients, usually after steps that were too long.",
        f"Use activation='leaky_relu' and learning_rate_init={r.rate / 10:g}.",
        {"activation": "leaky_relu", "learning_rate_init": r.rate / 10},
        "Lu et al., Dying ReLU and Initialization, 2019",
    )
