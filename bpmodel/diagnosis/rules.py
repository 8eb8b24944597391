"""All rules of diagnosis: each looks at what a fit left behind and makes a finding of one kind, or none.

Two things are kept apart that both end as "the loss exploded": too large weights for the depth (`layer_rules`), and too long
steps for the curvature of the loss (`step_rules`). A finding is made only where it did harm: a run that learned is healthy,
whatever its numbers. The limits were set on the corpus and the first draws of ``benchmarks.stability``.
"""

from __future__ import annotations

from collections.abc import Callable

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

Rule = Callable[[Record], Finding | None]

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
