"""Learning-rate schedules: one row each.

The learning rate of a step is a base rate, which changes only after epochs, times a factor that depends on the progress of the
fit. `after_epoch(rate, initial, power, samples)` returns the base rate for the next epoch; `samples` counts the training rows
seen so far. `after_plateau(rate)` returns the new base rate when training has stopped improving; 0 ends the fit.
`factor(t, epoch, period, decay)` takes the completed share t in [0, 1) of the fit's `max_iter` epochs, and the same as a number
of epochs, fractions included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bpmodel.compiler.kernels import kernel
from bpmodel.compiler.tables import Table


@kernel
def keep(rate, initial, power, samples):
    return rate


@kernel
def stop(rate):
    return 0.0


@kernel
def one(t, epoch, period, decay):
    return 1.0


class Schedule(NamedTuple):
    """One schedule.

    The schedules of scikit-learn's MLP work with ``solver="sgd"`` only, there and here. A schedule with `ends` has lowered the
    rate completely by the last epoch; running all epochs is then intended and not a lack of convergence.
    """

    name: str
    meaning: str
    after_epoch: Callable = keep
    after_plateau: Callable = stop
    factor: Callable = one
    sgd_only: bool = False
    ends: bool = False


@kernel
def inverse_scaling(rate, initial, power, samples):
    return initial / (samples + 1.0) ** power


@kernel
def divide_by_five(rate):
    """A fifth of the rate, down to 1e-6"""
    return 0.0 if rate <= 1e-6 else rate / 5.0


@kernel
def step(t, epoch, period, decay):
    return decay ** np.floor(epoch / period)


@kernel
def exponential(t, epoch, period, decay):
    return decay ** (epoch / period)


@kernel
def cosine(t, epoch, period, decay):
    """Loshchilov & Hutter (2017)"""
    return 0.5 * (1.0 + np.cos(np.pi * t))


@kernel
def cosine_restarts(t, epoch, period, decay):
    """Loshchilov & Hutter (2017), all periods of the same length"""
    return 0.5 * (1.0 + np.cos(np.pi * ((epoch / period) % 1.0)))


@kernel
def one_cycle(t, epoch, period, decay):
    """Smith & Topin (2018), two half cosines as in fastai: from 1/25 up during the first 30 percent, then down to 1/250000"""
    if t < 0.3:
        return 1.0 - 0.48 * (1.0 + np.cos(np.pi * t / 0.3))
    return 4e-6 + 0.499998 * (1.0 + np.cos(np.pi * (t - 0.3) / 0.7))


@kernel
def coslog4(t, epoch, period, decay):
    """Holzmueller et al. (2024): four cosine cycles, each twice as long as the one before, starting and ending at 0"""
    return 0.5 * (1.0 - np.cos(2.0 * np.pi * np.log2(1.0 + 15.0 * t)))


SCHEDULES = Table(
    "schedule",
    (
        Schedule("constant", "stays constant", sgd_only=True),
        Schedule(
            "invscaling", "is divided by (number of rows seen)^power_t", after_epoch=inverse_scaling, sgd_only=True
        ),
        Schedule(
            "adaptive",
            "is divided by 5 each time training stops improving",
            after_plateau=divide_by_five,
            sgd_only=True,
        ),
        Schedule("step", "is multiplied by decay_rate every decay_epochs epochs", factor=step),
        Schedule(
            "exponential", "decays smoothly, by a factor of decay_rate every decay_epochs epochs", factor=exponential
        ),
        Schedule("cosine", "falls to 0 at max_iter along half a cosine wave", factor=cosine, ends=True),
        Schedule(
            "cosine_restarts",
            "like 'cosine', but falls to 0 and restarts every decay_epochs epochs",
            factor=cosine_restarts,
        ),
        Schedule(
            "one_cycle",
            "rises from 1/25 of learning_rate_init to all of it during the first 30 % of max_iter, then falls to almost 0",
            factor=one_cycle,
            ends=True,
        ),
        Schedule(
            "coslog4",
            "goes through four cosine cycles, each twice as long as the previous one",
            factor=coslog4,
            ends=True,
        ),
    ),
    register="register_schedule",
)
