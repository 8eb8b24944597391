"""From what a fit left behind to findings: what went wrong, where it was first seen, the numbers, the cause, what to change.

Two things are kept apart that both end as "the loss exploded". *Depth*: derivatives grow or shrink from layer to layer, which
is visible before the first step, follows from weights and activations (`probes.Signals.chi`), and is cured there. *Step
size*: the steps are too long for the curvature of the loss, which follows from the learning rate and the scale of the data,
and is cured there. A finding is made only where it did harm: a run that learned is healthy, whatever its numbers.

The limits were set on a few dozen runs of small networks; they are not calibrated on a corpus yet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpmodel.monitor import Verdict

# ---------------------------------------------------------------------------------------------------------- results


@dataclass(frozen=True)
class Finding:
    """One thing that went wrong.

    Attributes
    ----------
    code : str
        ``exploding_step``, ``exploding_depth``, …: the names of `RULES`.
    epoch : int
        Where it was first seen; 0 is before the first step.
    evidence : dict of str to float
    cause, remedy : str
        A sentence each.
    change : dict
        The remedy as hyperparameters, for ``set_params``; empty if it concerns the data.
    reference : str
    """

    code: str
    epoch: int
    evidence: dict[str, float]
    cause: str
    remedy: str
    change: dict[str, Any] = field(default_factory=dict)
    reference: str = ""

    def __str__(self) -> str:
        numbers = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in self.evidence.items())
        where = "before the first step" if self.epoch == 0 else f"at epoch {self.epoch}"
        source = f" [{self.reference}]" if self.reference else ""
        return f"{self.code} {where} ({numbers})\n  {self.cause}{source}\n  {self.remedy}"


@dataclass(frozen=True)
class Diagnosis:
    """Findings, the most likely cause first; none for a healthy run."""

    findings: tuple[Finding, ...]
    summary: str

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __str__(self) -> str:
        return "\n".join([self.summary, *map(str, self.findings)])

    @property
    def codes(self) -> list[str]:
        return [finding.code for finding in self.findings]

    def to_json(self) -> str:
        """Return the findings as JSON; numbers that are not finite are null."""
        rows = [asdict(finding) for finding in self.findings]
        for row in rows:
            row["evidence"] = {name: v if np.isfinite(v) else None for name, v in row["evidence"].items()}
        return json.dumps({"summary": self.summary, "findings": rows}, indent=2)


# ----------------------------------------------------------------------------------------------------- what is known


@dataclass(frozen=True)
class Scales:
    """What the rows look like, in the units the network sees; of up to `SAMPLE` rows."""

    input_std: float
    """largest standard deviation of a column"""
    input_least_std: float
    """least one that is not 0"""
    input_mean: float
    """largest absolute mean of a column"""
    target_std: float
    target_mean: float
    """largest absolute value over the outputs; for classes 0"""
    target_tail: float
    """largest distance from the median, in interquartile ranges; for classes 0"""
    least_class: float
    """share of the rarest class; for regression 1"""


SAMPLE = 2000


@np.errstate(over="ignore", invalid="ignore")
def scales(X: Any, targets: NDArray, index: NDArray[np.integer], classes: bool) -> Scales:
    """Measure the first rows of an index; columns of sparse rows are taken with their zeros."""
    index = index[:: max(len(index) // SAMPLE, 1)][:SAMPLE]
    rows, y = X[index], np.asarray(targets[index], dtype=np.float64)
    if hasattr(rows, "toarray"):
        mean = np.asarray(rows.mean(axis=0)).ravel()
        std = np.sqrt(np.maximum(np.asarray(rows.multiply(rows).mean(axis=0)).ravel() - mean**2, 0))
    else:
        rows = np.asarray(rows, dtype=np.float64)
        mean, std = rows.mean(axis=0), rows.std(axis=0)
    varied = std[std > 1e-12 * np.maximum(np.abs(mean), 1)]
    ordered = np.sort(y, axis=0)
    low, middle, high = (ordered[(len(y) - 1) * quarter // 4] for quarter in (1, 2, 3))
    spread = np.maximum(high - low, 1e-12)
    several = classes and y.shape[1] > 1
    share = y.mean(axis=0)
    return Scales(
        input_std=float(std.max(initial=0)),
        input_least_std=float(varied.min(initial=np.inf)),
        input_mean=float(np.abs(mean).max(initial=0)),
        target_std=0.0 if classes else float(y.std(axis=0).max()),
        target_mean=0.0 if classes else float(np.abs(y.mean(axis=0)).max()),
        target_tail=0.0 if classes else float((np.abs(y - middle) / spread).max()),
        least_class=1.0 if not classes else float(share.min() if several else min(share.min(), 1 - share.max())),
    )


@dataclass(frozen=True)
class Record:
    """All that a diagnosis is made from."""

    options: Mapping[str, Any]
    verdict: Verdict
    history: Mapping[str, NDArray[np.float64]]
    probes: Mapping[str, NDArray]
    scales: Scales
    activations: list[str]
    units: list[int]
    baseline: float
    """loss of the dummy predictor"""
    first_loss: float

    @property
    def diverged(self) -> bool:
        return self.verdict.diverged

    @property
    def loss(self) -> NDArray[np.float64]:
        return self.history["loss"]

    @property
    def final_share(self) -> float:
        """Median loss of the last tenth of the epochs, as a multiple of the dummy predictor's; inf if it diverged."""
        return self._share(self.loss)

    def _share(self, losses: NDArray[np.float64]) -> float:
        if self.diverged or len(losses) == 0:
            return np.inf
        return float(np.median(losses[-max(len(losses) // 10, 1) :]) / max(self.baseline, 1e-300))

    @property
    def learned(self) -> bool:
        """Whether the loss came down to half of the dummy predictor's, on validation rows, too, where there are any."""
        validation = self.history["validation_loss"]
        held_out = self._share(validation) if np.isfinite(validation).all() else 0.0
        return max(self.final_share, held_out) < 0.5

    @property
    def depth_ratio(self) -> float:
        """Norm of the first layer's derivatives over that of the last layer's, at the first probe."""
        delta = self.probes["delta_norm"]
        return float(delta[0, 0] / max(delta[0, -1], 1e-300)) if len(delta) else np.nan

    @property
    def lost_units(self) -> NDArray[np.float64]:
        """Share of units without a slope, probe by probe, in the layer where it is largest: dead, or saturated if S-shaped."""
        dead, flat = self.probes["dead"][:, :-1], self.probes["saturated"][:, :-1]
        if dead.size == 0:
            return np.zeros(0)
        s_shaped = np.array([name in S_SHAPED for name in self.activations])
        return np.where(s_shaped, np.maximum(dead, flat), dead).max(axis=1)

    @property
    def rate(self) -> float:
        return float(self.options["learning_rate_init"])

    def last(self, name: str) -> NDArray[np.float64]:
        """Return the hidden layers' row of the last probe with numbers."""
        rows = self.probes[name][:, :-1]
        return rows[-1] if len(rows) else np.zeros(0)


# ------------------------------------------------------------------------------------------------------------- rules

Rule = Callable[[Record], Finding | None]

LARGE_SCALE = 10.0
DEPTH_RATIO = 10.0
S_SHAPED = ("logistic", "tanh")


def unscaled_input(r: Record) -> Finding | None:
    s = r.scales
    if r.learned or max(s.input_std, s.input_mean) <= LARGE_SCALE:
        return None
    return Finding(
        "unscaled_input",
        0,
        {"largest_std": s.input_std, "least_std": s.input_least_std, "largest_mean": s.input_mean},
        "Columns of X are far from mean 0 and standard deviation 1; the curvature of the loss in the first layer's weights grows "
        "with their square, so every learning rate is too high for some of them and too low for others.",
        "Put a StandardScaler in front: make_pipeline(StandardScaler(), network).",
        reference="LeCun et al., Efficient BackProp, 1998",
    )


def unscaled_target(r: Record) -> Finding | None:
    s = r.scales
    far = s.target_std > LARGE_SCALE or s.target_mean > LARGE_SCALE * max(s.target_std, 0.1)
    if r.learned or not far or r.options.get("scale_target"):
        return None
    return Finding(
        "unscaled_target",
        0,
        {"std": s.target_std, "mean": s.target_mean, "first_loss": r.first_loss, "dummy_loss": r.baseline},
        "The target is far from mean 0 and standard deviation 1; the first gradients are as large as it is.",
        "Let the network learn the standardised target: scale_target=True.",
        {"scale_target": True},
        "LeCun et al., Efficient BackProp, 1998",
    )


def exploding_depth(r: Record) -> Finding | None:
    grows = r.depth_ratio > DEPTH_RATIO or r.first_loss > LARGE_SCALE * r.baseline
    chi = r.probes["chi"][:1, :-1]
    if r.learned or not grows or chi.size == 0 or np.prod(np.sqrt(chi)) <= DEPTH_RATIO:
        return None
    change: dict[str, Any] = {"init": "auto", "init_gain": 1.0}
    if r.options["init"] == "auto" and r.options["init_gain"] == 1.0:
        change = {"normalization": "layer"}
    settings = ", ".join(f"{name}={value!r}" for name, value in change.items())
    return Finding(
        "exploding_depth",
        0,
        {"ratio_first_to_last_layer": r.depth_ratio, "mean_chi": float(np.exp(np.mean(np.log(chi))))},
        "Derivatives grow from layer to layer on their way back: the weights are too large for this depth and activation "
        "(chi > 1), which no learning rate changes.",
        f"Start from weights that fit the activation: {settings}.",
        change,
        "He et al., 2015; Schoenholz et al., 2017",
    )


def exploding_step(r: Record) -> Finding | None:
    ratio = r.probes["step_ratio"]
    longest = float(np.nanmax(ratio)) if np.isfinite(ratio).any() else np.nan
    lost = r.lost_units
    killed = not r.learned and lost.size > 0 and lost[0] < 0.2 and lost[-1] > 0.5 and longest > 0.02
    if not (r.diverged or killed):
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
    dead_at_start = float(r.probes["dead"][0, :-1].max(initial=0))
    if r.diverged or r.final_share < 0.9 or not r.depth_ratio < 1e-2 or dead_at_start > 0.9:
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
    if r.diverged or r.learned or dead.size == 0 or dead.max() < 0.5 or r.options["dropout"] > 0.5:
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
    if flips < 0.5 or swing < 0.05:
        return None
    return Finding(
        "oscillating",
        len(r.loss) // 2,
        {"turns": flips, "swing": swing, "learning_rate": r.rate},
        "The loss goes up and down from epoch to epoch instead of down: the steps jump across the valley.",
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
        "The loss falls, but each step moves the weights by less than a ten-thousandth of their size.",
        f"Raise the learning rate: learning_rate_init={r.rate * 100:g}.",
        {"learning_rate_init": r.rate * 100},
    )


def class_imbalance(r: Record) -> Finding | None:
    if r.diverged or r.scales.least_class >= 0.05 or r.final_share < 0.5 or r.options.get("class_weight"):
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
    if r.learned or r.scales.target_tail < 30 or r.options.get("loss") != "squared_error":
        return None
    return Finding(
        "outliers",
        0,
        {"farthest_target_in_interquartile_ranges": r.scales.target_tail},
        "A few targets are so far out that their squared errors outweigh all others.",
        "Use a loss that grows linearly: loss='huber', scale_target=True.",
        {"loss": "huber", "scale_target": True},
        "Huber, 1964",
    )


def no_signal(r: Record) -> Finding | None:
    validation = r.history["validation_loss"]
    if r.diverged or not np.isfinite(validation).all() or r.final_share > 0.5 or validation.min() < 0.95 * r.baseline:
        return None
    return Finding(
        "no_signal",
        int(np.argmin(validation)) + 1,
        {"least_validation_loss_to_dummy": float(validation.min() / r.baseline), "training_to_dummy": r.final_share},
        "The training loss falls and the validation loss never beats the dummy predictor: the rows are learned by heart.",
        "Look for inputs that say something about the target, or for more rows; no hyperparameter replaces them.",
    )


def overfitting(r: Record) -> Finding | None:
    validation = r.history["validation_loss"]
    if r.diverged or not np.isfinite(validation).all() or r.final_share > 0.5:
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
        {"early_stopping": True, "alpha": max(10 * float(r.options["alpha"]), 0.01)},
        "Prechelt, 1998",
    )


def underfitting(r: Record) -> Finding | None:
    if r.diverged or r.final_share < 0.5 or len(r.loss) < 2:
        return None
    return Finding(
        "underfitting",
        len(r.loss),
        {"loss_to_dummy": r.final_share, "hidden_units": float(sum(r.units[1:-1])), "epochs": float(len(r.loss))},
        "The training loss itself stays high: the network is too small, too strongly penalised, or trained too briefly.",
        "Widen the network, lower alpha and dropout, or raise max_iter.",
        {"hidden_layer_sizes": (100, 100), "alpha": 1e-4, "dropout": 0.0, "max_iter": max(200, 4 * len(r.loss))},
    )


RULES: tuple[Rule, ...] = (
    unscaled_input,
    outliers,
    unscaled_target,
    exploding_depth,
    exploding_step,
    vanishing_gradient,
    saturated_units,
    dead_units,
    oscillating,
    slow_convergence,
    no_signal,
    overfitting,
    class_imbalance,
    underfitting,
)
"""In the order of causes: what the data or the start explain comes before what follows from them."""


def diagnose(record: Record) -> Diagnosis:
    """Return what went wrong in a fit, the most likely cause first."""
    if record.scales.target_std == 0 and record.baseline <= 1e-12 and not record.diverged:
        return Diagnosis((), "healthy: the target is constant")
    with np.errstate(all="ignore"):
        found = [finding for rule in RULES if (finding := rule(record)) is not None]
    if len(found) > 1 and found[-1].code == "underfitting":
        found.pop()  # a consequence of the others
    if not found:
        return Diagnosis((), f"healthy: {record.verdict.reason}")
    many = "1 finding" if len(found) == 1 else f"{len(found)} findings, the most likely cause first"
    return Diagnosis(tuple(found), f"{record.verdict}; {many}")
