"""Learning-rate schedules: one row each, two scalar rules.

`after_epoch(rate, initial, power, samples)` gives the rate for the next epoch, where `samples` counts the training rows
seen so far. `after_plateau(rate)` gives the rate to go on with when training has stopped improving; not going on is a
rate of 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bpmodel.compiled import kernel


class Schedule(NamedTuple):
    """One schedule, as in scikit-learn's MLP (there for ``solver="sgd"`` only, and so here)."""

    name: str
    after_epoch: Callable
    after_plateau: Callable


@kernel
def keep(rate, initial, power, samples):
    return rate


@kernel
def stop(rate):
    return 0.0


@kernel
def inverse_scaling(rate, initial, power, samples):
    """initial / (samples + 1)^power"""
    return initial / (samples + 1.0) ** power


@kernel
def divide_by_five(rate):
    """A fifth of the rate, down to 1e-6"""
    return 0.0 if rate <= 1e-6 else rate / 5.0


SCHEDULES: dict[str, Schedule] = {
    row.name: row
    for row in (
        Schedule("constant", keep, stop),
        Schedule("invscaling", inverse_scaling, stop),
        Schedule("adaptive", keep, divide_by_five),
    )
}
