"""Rules on the data: problems of rows, targets and classes that keep every network from learning well."""

from __future__ import annotations

import numpy as np

from bpmodel.diagnosis.evidence import Record
from bpmodel.diagnosis.findings import Finding

LARGE_SCALE, SMALL_SCALE, LARGE_OFFSET = 10.0, 0.05, 3.0

TAIL = 30.0
"""Distance from the median, in interquartile ranges, beyond which only outliers lie."""


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
        "Columns of X are far from mean 0 and standard deviation 1. The gradients of the first layer's weights grow with the "
        "scale of the columns, and the curvature of the loss with its square. No single learning rate suits all weights.",
        f"Scale the columns: scale_input={scaling!r}, or a scaler before the network.",
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
        "The target is far from mean 0 and standard deviation 1, so the initial predictions are far off.",
        "Train on the standardized target: scale_target=True.",
        {"scale_target": True},
        "LeCun et al., Efficient BackProp, 1998",
    )


def outliers(r: Record) -> Finding | None:
    spread = r.scales.target_spread
    usual = spread * (spread / 2 / max(r.baseline, 1e-300))  # the dummy predictor's loss without outliers
    if r.worst_share < 0.5 * min(usual, 1.0) or not r.scales.target_tail > TAIL or r.option("loss") != "squared_error":
        return None
    return Finding(
        "outliers",
        0,
        {"farthest_target_in_interquartile_ranges": r.scales.target_tail},
        "A few targets are such extreme outliers that their squared errors outweigh all others.",
        "Use a loss that grows linearly, and do not let the outliers determine the scale of the target: loss='huber', "
        "scale_target=False.",
        {"loss": "huber", "scale_target": False},
        "Huber, 1964",
    )


def class_imbalance(r: Record) -> Finding | None:
    if r.diverged or not r.scales.least_class < 0.05 or r.learned or r.option("class_weight"):
        return None
    return Finding(
        "class_imbalance",
        0,
        {"share_of_rarest_class": r.scales.least_class},
        "One class is so rare that ignoring it barely increases the loss.",
        "Weight the classes: class_weight='balanced'.",
        {"class_weight": "balanced"},
    )


def no_signal(r: Record) -> Finding | None:
    validation = r.validation
    if r.diverged or not len(validation) or r.final_share > 0.5 or validation.min() < 0.95 * r.baseline:
        return None
    return Finding(
        "no_signal",
        int(np.argmin(validation)) + 1,
        {"least_validation_loss_to_dummy": float(validation.min() / r.baseline), "training_to_dummy": r.final_share},
        "The training loss falls, but the validation loss never beats the dummy predictor: the network memorizes its rows.",
        "Find inputs that are related to the target, or collect more rows; no hyperparameter can replace them.",
    )
