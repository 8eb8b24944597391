"""The effect of a fault on a run, from the losses and validation scores of a fit that nothing stopped.

These rules use nothing that the monitor or the diagnosis has found.

A run has *exploded* if one of these holds:

1. a loss or a weight is not finite;
2. the mean loss of an epoch is over `PEAK` times the dummy predictor's and over `RISE` times the loss before the first step.
   A network may start far above the dummy predictor, because its target or its weights are too large. If it only comes down
   from there, or stays, it has not exploded;
3. it exploded and then died: after the first epoch the loss of an epoch is over `RISE` times the dummy predictor's and over
   the loss before the first step; the last loss is within `NEAR` of the dummy predictor's; and every unit of a layer is dead.

The losses are those of the history, including penalties; the penalties of the cells are too small to reach `PEAK`.

A run is *harmed* if it exploded, or if its best validation score is below that of its control (the same seed without the
fault) by more than the margin. The margin is 2 standard errors of the difference of the medians, and at least `LEAST_MARGIN`
of the control's score. A cell is *positive* if half of its runs exploded, or if the median of its scores is below the
control's by more than the margin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.stability.runs import Run

PEAK = 10.0
RISE = 2.0
NEAR = 0.1
DEAD = 0.99
LEAST_MARGIN = 0.05


class Label(NamedTuple):
    """The effect of a cell's fault; the tuples have an entry for each seed."""

    positive: bool
    exploded: tuple[bool, ...]
    harmed: tuple[bool, ...]


def peak(run: Run) -> float:
    """Return the largest loss of an epoch as a multiple of the dummy predictor's; inf if a loss is not finite."""
    if not (run.finite and np.isfinite(run.loss).all()):
        return np.inf
    return float(run.loss.max(initial=0) / max(run.baseline, 1e-300))


def exploded(run: Run) -> bool:
    """Return whether a run exploded, by the rules above."""
    unit = max(run.baseline, 1e-300)
    highest, first, last = peak(run), run.first_loss / unit, run.loss[-1] / unit
    if highest > max(PEAK, RISE * first):
        return True
    later = run.loss[1:].max(initial=0) / unit
    dead = run.probes["dead"][-1:, :-1].max(initial=0)
    return bool(later > max(RISE, first) and abs(last - 1) < NEAR and dead > DEAD)


def margin(runs: Sequence[Run], controls: Sequence[Run]) -> float:
    """Return by how much a score must be lower than the control's to count as lower."""
    scores = [[run.best for run in side] for side in (runs, controls)]
    error = np.sqrt(sum(np.var(side, ddof=1) / len(side) for side in scores)) if len(runs) > 1 else 0.0
    return float(max(2 * error, LEAST_MARGIN * np.median(scores[1])))


def label(runs: Sequence[Run], controls: Sequence[Run], least: float = 0.0) -> Label:
    """Label the runs of a cell, one for each seed, by their controls; `least` is a smallest margin known from elsewhere."""
    allowed = max(margin(runs, controls), least)
    boom = tuple(exploded(run) for run in runs)
    worse = [control.best - run.best > allowed for run, control in zip(runs, controls, strict=True)]
    lower = np.median([run.best for run in controls]) - np.median([run.best for run in runs]) > allowed
    harmed = tuple(bool(b or w) for b, w in zip(boom, worse, strict=True))
    return Label(bool(np.mean(boom) >= 0.5 or lower), boom, harmed)
