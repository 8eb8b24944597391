"""The table of all rules of diagnosis: each rule reads the record of a fit and returns a finding of one kind, or None.

Two causes lead to "the loss exploded", and the rules distinguish them: weights that are too large for the depth (`layer_rules`),
and steps that are too long for the curvature of the loss (`step_rules`). A finding requires harm: a fit that learned is healthy,
whatever its measurements. The thresholds were set on the corpus and the first draws of ``benchmarks.stability``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bpmodel.diagnosis.data_rules import class_imbalance, no_signal, outliers, unscaled_input, unscaled_target
from bpmodel.diagnosis.evidence import Record
from bpmodel.diagnosis.findings import Finding
from bpmodel.diagnosis.layer_rules import (
    dead_units,
    exploding_depth,
    saturated_units,
    symmetric_init,
    vanishing_gradient,
)
from bpmodel.diagnosis.step_rules import (
    exploding_step,
    loss_spike,
    oscillating,
    overfitting,
    slow_convergence,
    underfitting,
)


@dataclass(frozen=True)
class Rule:
    """One kind of finding, and how repair and preflight use it.

    Attributes
    ----------
    find : callable
        ``find(record)`` returns a `Finding` or None; its name is the code of the finding.
    repair : {"cause", "symptom", "none"}
        How a repair treats the finding. No learning rate cures a "cause"; all causes are changed at once. A "symptom" may follow
        from a cause and is treated only if no cause is found. For "none" the learning rate is lowered.
    at_start : bool
        Whether it can be found before the first step, by `preflight`.
    consequence : bool
        Whether it counts only if nothing else is found.
    amount : bool
        Whether it is about how much to fit. A search over the hyperparameters of its remedy has the better answer.
    """

    find: Callable[[Record], Finding | None]
    repair: Literal["cause", "symptom", "none"]
    at_start: bool = False
    consequence: bool = False
    amount: bool = False

    @property
    def code(self) -> str:
        return self.find.__name__

    def __call__(self, record: Record) -> Finding | None:
        return self.find(record)


RULES: tuple[Rule, ...] = (
    Rule(unscaled_input, "cause", at_start=True),
    Rule(outliers, "none", at_start=True),
    Rule(unscaled_target, "cause", at_start=True),
    Rule(symmetric_init, "cause", at_start=True),
    Rule(exploding_depth, "cause", at_start=True),
    Rule(exploding_step, "none"),
    Rule(vanishing_gradient, "symptom", at_start=True),
    Rule(saturated_units, "symptom", at_start=True),
    Rule(dead_units, "symptom"),
    Rule(loss_spike, "none"),
    Rule(oscillating, "none"),
    Rule(slow_convergence, "none"),
    Rule(class_imbalance, "none"),
    Rule(no_signal, "none"),
    Rule(overfitting, "none", amount=True),
    Rule(underfitting, "none", consequence=True, amount=True),
)
"""The rules in causal order: problems of the data or the start come before their consequences.

To add a rule: write a function in one of the `*_rules` modules, a row here, and a row of the table in `docs/divergence.md`.
"""
