"""All rules of diagnosis: each looks at what a fit left behind and returns a finding of one kind, or none.

Two causes both end as "the loss exploded" and are kept apart: weights that are too large for the depth (`layer_rules`), and
steps that are too long for the curvature of the loss (`step_rules`). A finding needs harm: a run that learned is healthy,
whatever its numbers. The thresholds were set on the corpus and the first draws of ``benchmarks.stability``.
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
    """One kind of finding, and what is done with it.

    Attributes
    ----------
    find : callable
        ``find(record)`` returns a `Finding` or None; its name is the code of the finding.
    repair : {"cause", "symptom", "none"}
        What a repair restructures: a "cause" is one that no learning rate cures, and all of them are changed at once; a
        "symptom" may follow from a cause, and is treated where no cause is found. "none" is left to a lower learning rate.
    at_start : bool
        Whether it needs no step, so that `preflight` can look for it.
    consequence : bool
        Whether it only counts where nothing else is found.
    """

    find: Callable[[Record], Finding | None]
    repair: Literal["cause", "symptom", "none"]
    at_start: bool = False
    consequence: bool = False

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
    Rule(overfitting, "none"),
    Rule(underfitting, "none", consequence=True),
)
"""In the order of causes: what the data or the start explain comes before what follows from them.

To add one: a function in one of the `*_rules` modules, a row here, and a row of the table in `docs/divergence.md`.
"""
