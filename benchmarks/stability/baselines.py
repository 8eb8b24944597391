"""What other systems would say about the same runs: their published rules, on the signals that our fits record.

A rule that names a trouble counts as every code of ours that it could mean. Where these systems watch more closely than we
record, their rules are approximated; where there is a choice, in their favor:

- AUTOTRAINER (Zhang et al., 2021) looks at one batch every few epochs. Here it sees the gradient norms of the first and the
  last layer and the share of dead units, in the probes taken after 30 percent of the epochs (the epochs 1, 2, 4, 8, … and the
  last). Accuracy is that on the validation rows. For regressions, which it does not know, it is R^2.
- SageMaker Debugger's built-in rules, with their defaults. The mean absolute gradient is computed from the gradient norm of a
  layer, and the distance of its percentiles 5 and 95 as 3.29 times the root mean square, which holds for a normal
  distribution. `PoorWeightInitialization` lacks its third criterion, the variances of the activations' inputs. A unit is
  saturated if its derivative is below 0.05 instead of 1e-7. `LossNotDecreasing` compares the losses of epochs, not of steps.
- NaN only: a loss or a weight is not finite, as callbacks named TerminateOnNaN check.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.stability.runs import Run

EXPLODING = ("exploding_step", "exploding_depth")
LEAST_EPOCHS = 10
S_SHAPED = ("tanh", "logistic")


class Judgement(NamedTuple):
    """What one system says about one run: `codes` are ours that its first message could mean; empty if it is silent."""

    explosion: bool
    codes: tuple[str, ...]

    @property
    def alarm(self) -> bool:
        return self.explosion or bool(self.codes)


Rule = tuple[Callable[[Run], bool], tuple[str, ...]]


def judged(run: Run, rules: tuple[Rule, ...], explosions: tuple[Callable[[Run], bool], ...]) -> Judgement:
    """Return the codes of the first rule that fires, and whether a rule for explosions fires."""
    with np.errstate(all="ignore"):
        first = next((codes for fires, codes in rules if fires(run)), ())
        return Judgement(any(fires(run) for fires in explosions), first)


def not_finite(run: Run) -> bool:
    return not (run.finite and bool(np.isfinite(run.loss).all()))


def nan_only(run: Run) -> Judgement:
    return judged(run, ((not_finite, EXPLODING),), (not_finite,))


# ------------------------------------------------------------------------------------------------ AUTOTRAINER


def _late(run: Run, name: str) -> NDArray[np.float64]:
    """Return the rows of a probe that were taken after 30 percent of the epochs."""
    return run.probes[name][run.probes["epoch"] >= 0.3 * len(run.loss)]


def _first_and_last_gradient(run: Run) -> tuple[NDArray, NDArray]:
    norms = _late(run, "gradient_norm")
    return norms[:, 0], norms[:, -1]


def _learns_badly(run: Run) -> bool:
    return float(np.nanmax(run.score, initial=0)) < 0.7 or slow(run)


def gradient_explodes(run: Run) -> bool:
    first, last = _first_and_last_gradient(run)
    lost = not_finite(run) or bool((run.loss >= 1e3).any()) or not np.isfinite([first, last]).all()
    return _learns_badly(run) and (lost or bool((first / last > 70).any()))


def gradient_vanishes(run: Run) -> bool:
    first, last = _first_and_last_gradient(run)
    return _learns_badly(run) and bool(((first / last < 1e-3) & (first < 1e-4)).any())


def relus_die(run: Run) -> bool:
    dead, units = _late(run, "dead")[:, :-1], run.units[1:-1]
    return _learns_badly(run) and bool((dead @ np.array(units) / sum(units) >= 0.7).any())


def accuracy_swings(run: Run) -> bool:
    return bool(np.mean(np.diff(run.score) <= -0.03) >= 0.2) if len(run.score) > 1 else False


def slow(run: Run) -> bool:
    return bool(np.abs(np.diff(run.score)).max(initial=0) < 0.01)


AUTOTRAINER: tuple[Rule, ...] = (
    (gradient_explodes, EXPLODING),
    (gradient_vanishes, ("vanishing_gradient",)),
    (relus_die, ("dead_units",)),
    (accuracy_swings, ("oscillating",)),
    (slow, ("slow_convergence",)),
)


def autotrainer(run: Run) -> Judgement:
    return judged(run, AUTOTRAINER, (gradient_explodes,))


# ------------------------------------------------------------------------------------------------ SageMaker Debugger


def _root_mean_squares(run: Run) -> NDArray[np.float64]:
    """Return the root mean square of every layer's gradient, for the probes that have one: shape (probes, layers)."""
    sizes = np.array([a * b for a, b in zip(run.units[:-1], run.units[1:], strict=True)])
    norms = run.probes["gradient_norm"]
    return norms[np.isfinite(norms).all(axis=1)] / np.sqrt(sizes)


def tensor_explodes(run: Run) -> bool:
    return not_finite(run) or not np.isfinite(run.probes["weight_norm"]).all()


def gradient_below_limit(run: Run) -> bool:
    return bool((_root_mean_squares(run) < 1e-7).any())


def weights_start_poorly(run: Run) -> bool:
    start = _root_mean_squares(run)[:1]
    narrow = bool((3.29 * start < 0.001).any())
    patience = run.loss[:6]
    return narrow or (len(patience) == 6 and bool((np.diff(patience) >= 0).all()))


def relu_layer_dies(run: Run) -> bool:
    relu = np.array([name == "relu" for name in run.activations])
    return bool((run.probes["dead"][:, :-1][:, relu] > 0.5).any())


def layer_saturates(run: Run) -> bool:
    s_shaped = np.array([name in S_SHAPED for name in run.activations])
    return bool((run.probes["saturated"][:, :-1][:, s_shaped] > 0.5).any())


def updates_too_long(run: Run) -> bool:
    return bool((run.probes["step_ratio"] > 10).any())


def updates_too_short(run: Run) -> bool:
    return bool((run.probes["step_ratio"] < 1e-8).any())


def loss_rises(run: Run) -> bool:
    return bool((run.loss[LEAST_EPOCHS:] > 1.05 * run.loss[:-LEAST_EPOCHS]).any())


def loss_stays(run: Run) -> bool:
    return bool((run.loss[LEAST_EPOCHS:] > 0.999 * run.loss[:-LEAST_EPOCHS]).any())


SAGEMAKER: tuple[Rule, ...] = (
    (tensor_explodes, EXPLODING),
    (updates_too_long, ("exploding_step",)),
    (weights_start_poorly, ("exploding_depth", "vanishing_gradient", "symmetric_init")),
    (gradient_below_limit, ("vanishing_gradient",)),
    (relu_layer_dies, ("dead_units",)),
    (layer_saturates, ("saturated_units",)),
    (updates_too_short, ("slow_convergence",)),
    (loss_rises, ("exploding_step", "oscillating")),
    (loss_stays, ("slow_convergence", "underfitting")),
)


def sagemaker(run: Run) -> Judgement:
    return judged(run, SAGEMAKER, (tensor_explodes, updates_too_long))


def bpmodel(run: Run) -> Judgement:
    """Return what our own verdict and diagnosis say about a run with ``on_divergence="stop"``."""
    explosion = run.status != "ok" or any(code.startswith("exploding") for code in run.codes)
    return Judgement(explosion, run.codes[:1])


RULES_OF: dict[str, Callable[[Run], Judgement]] = {
    "NaN only": nan_only,
    "AUTOTRAINER": autotrainer,
    "SageMaker": sagemaker,
}
"""system -> its judgement of the run that nothing stopped."""
