"""Repair of exploded runs: by bpmodel itself and, for comparison, by a random remedy.

A run is *repaired* if its fit ended well and its best validation score is within 10 percent of that of its control (the same
seed without the fault). Scores count from that of the dummy predictor. It is not enough that a symptom is gone.

The time of a repaired fit, with everything that was tried, is compared with that of the control, one right after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numpy.random import default_rng

from benchmarks.stability import faults as f
from benchmarks.stability.corpus import Cell
from benchmarks.stability.labels import exploded
from benchmarks.stability.measure import Judged
from benchmarks.stability.runs import Run, fit
from benchmarks.stability.sets import SETS, Rows, standardized
from bpmodel.options import ON_DIVERGENCE

TOLERANCE = 0.1
DRAWS = 3

Options = Mapping[str, Any]


class Remedy(NamedTuple):
    """A change of options, as a function of those of the faulty fit, or of rows."""

    name: str
    change: Callable[[Options], dict[str, Any]] = lambda options: {}
    rows: f.Spoil | None = None
    regression_only: bool = False


def _standardized_input(rows: Rows) -> Rows:
    return rows._replace(X=standardized(rows.X))


REMEDIES = (
    Remedy("a tenth of the learning rate", lambda o: {"learning_rate_init": o["learning_rate_init"] / 10}),
    Remedy("a hundred times the learning rate", lambda o: {"learning_rate_init": o["learning_rate_init"] * 100}),
    Remedy("initial weights", lambda o: {"init": "auto", "init_gain": 1.0}),
    Remedy("layer normalization", lambda o: {"normalization": "layer"}),
    Remedy("relu", lambda o: {"activation": "relu"}),
    Remedy("leaky relu", lambda o: {"activation": "leaky_relu"}),
    Remedy("standardized inputs", rows=_standardized_input),
    Remedy("standardized target", lambda o: {"scale_target": True}, regression_only=True),
    Remedy("Huber's loss", lambda o: {"loss": "huber", "scale_target": True}, regression_only=True),
    Remedy("clipped gradients", lambda o: {"clipping": "norm"}),
    Remedy("wider layers", lambda o: {"hidden_layer_sizes": (100, 100)}),
    Remedy("penalized weights", lambda o: {"alpha": 0.01}),
)
"""The remedies that the diagnosis may advise, and clipping."""


class Attempt(NamedTuple):
    """One exploded run, and the result of its repair."""

    cell: Cell
    seed: int
    repaired: bool
    tries: int
    time_ratio: float
    score: float
    control_score: float


def can_repair() -> bool:
    return "repair" in ON_DIVERGENCE


def is_repaired(run: Run, control: Run) -> bool:
    """Return whether a run ended well, with a score within `TOLERANCE` of the control's."""
    return run.status == "ok" and not exploded(run) and run.best >= (1 - TOLERANCE) * control.best


def repair(runs: Sequence[Judged]) -> list[Attempt]:
    """Fit exploded runs with ``on_divergence="repair"``, each right after its control.

    They run one at a time, because they are timed.
    """
    attempts = []
    for run in runs:
        if run.exploded:
            control = fit(run.cell.control, run.seed)
            new = fit(run.cell, run.seed, on_divergence="repair")
            good = is_repaired(new, control)
            ratio = new.seconds / control.seconds
            attempts.append(Attempt(run.cell, run.seed, good, new.repairs, ratio, new.best, control.best))
    return attempts


def treated(cell: Cell, remedy: Remedy) -> Cell:
    """Return a cell with a remedy on top of its fault."""
    options = {**cell.base, **cell.change}
    both = [spoil for spoil in (cell.spoil, remedy.rows) if spoil is not None]
    spoil = f.both(*both) if both else None
    return cell._replace(change={**cell.change, **remedy.change(options)}, spoil=spoil)


def drawn(run: Judged) -> list[bool]:
    """Return, for each of `DRAWS` different random remedies, whether it alone repairs the run."""
    _, classes = SETS[run.cell.data]
    possible = [remedy for remedy in REMEDIES if not (classes and remedy.regression_only)]
    chosen = default_rng([run.seed, *map(ord, run.cell.id)]).choice(len(possible), DRAWS, replace=False)
    return [is_repaired(fit(treated(run.cell, possible[i]), run.seed), run.control) for i in chosen]


def at_random(runs: Sequence[Judged], jobs: int = 2) -> list[bool]:
    """Return whether random remedies repair exploded runs: `DRAWS` answers for each run."""
    work = [delayed(drawn)(run) for run in runs if run.exploded]
    return [answer for answers in Parallel(jobs, backend="threading")(work) for answer in answers]


def times(attempts: Sequence[Attempt]) -> tuple[float, float]:
    """Return the median and the 90th percentile of the times of repaired fits, as multiples of their controls'."""
    ratios = [attempt.time_ratio for attempt in attempts if attempt.repaired]
    return (float(np.median(ratios)), float(np.quantile(ratios, 0.9))) if ratios else (np.nan, np.nan)
