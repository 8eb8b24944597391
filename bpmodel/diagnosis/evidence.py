"""The input of a diagnosis: the record of a fit, and statistics of its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from bpmodel.full_batch.solvers import FULL_BATCH
from bpmodel.network.verdicts import Verdict
from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS

DEFAULTS = {o.name: o.default for o in (*CLASSIFIER_OPTIONS, *REGRESSOR_OPTIONS)}
S_SHAPED = ("logistic", "tanh")


@dataclass(frozen=True)
class Scales:
    """Statistics of the rows as the network sees them, from up to `SAMPLE` rows; tails from up to `TAIL_SAMPLE` rows."""

    input_std: float
    """largest standard deviation of a column"""
    input_least_std: float
    """smallest standard deviation of a column that is not 0"""
    input_mean: float
    """largest absolute mean of a column"""
    input_tail: float
    """largest distance from a column's median, in units of its interquartile range; for sparse rows 0"""
    target_std: float
    target_mean: float
    """largest absolute value over the outputs; for classes 0"""
    target_spread: float
    """smallest interquartile range over 1.35, which is the standard deviation of a normal target; for classes 0"""
    target_tail: float
    """largest distance from the median, in units of the interquartile range; for classes 0"""
    least_class: float
    """share of the rarest class; for regression 1"""


SAMPLE, TAIL_SAMPLE = 2000, 500
UNKNOWN = Scales(*[np.nan] * len(Scales.__dataclass_fields__))
"""Scales of rows that were not measured: NaN, so every comparison with a threshold is false."""


@np.errstate(over="ignore", invalid="ignore")
def scales(X: Any, targets: NDArray, index: NDArray[np.integer], classes: bool) -> Scales:
    """Compute the statistics from a sample of the rows in `index`; the zeros of sparse columns count."""
    index = index[:: max(len(index) // SAMPLE, 1)][:SAMPLE]
    rows, y = X[index], np.asarray(targets[index], dtype=np.float64)
    mean, std, unit = _moments(rows)
    tail = 0.0 if issparse(rows) else _tail(np.asarray(rows, dtype=np.float64), unit)[0]
    varied = std[std > 1e-12 * np.maximum(np.abs(mean), 1)]
    target_mean, target_std, unit = _moments(y)
    target_tail, target_spread = (0.0, 0.0) if classes else _tail(y, unit)
    several = classes and y.shape[1] > 1
    share = y.mean(axis=0)
    return Scales(
        input_std=float(std.max(initial=0)),
        input_least_std=float(varied.min(initial=np.inf)),
        input_mean=float(np.abs(mean).max(initial=0)),
        target_std=0.0 if classes else float(target_std.max()),
        target_mean=0.0 if classes else float(np.abs(target_mean).max()),
        input_tail=tail,
        target_spread=target_spread,
        target_tail=target_tail,
        least_class=1.0 if not classes else float(share.min() if several else min(share.min(), 1 - share.max())),
    )


def _moments(values: Any) -> tuple[NDArray, NDArray, NDArray]:
    """Return means and standard deviations of columns, and the units in which their sums and squares are finite."""
    unit = np.ones(values.shape[1])
    mean, std = _mean_and_std(values)
    if not (np.isfinite(mean).all() and np.isfinite(std).all()):
        unit = np.asarray(abs(values).max(axis=0).todense() if issparse(values) else abs(values).max(axis=0)).ravel()
        unit = np.maximum(unit.astype(np.float64), 1.0)
        mean, std = _mean_and_std(values.multiply(1 / unit).tocsr() if issparse(values) else values / unit)
    return mean * unit, std * unit, unit


def _mean_and_std(values: Any) -> tuple[NDArray, NDArray]:
    if not issparse(values):
        values = np.asarray(values, dtype=np.float64)
        return values.mean(axis=0), values.std(axis=0)
    mean = np.asarray(values.mean(axis=0)).ravel()
    return mean, np.sqrt(np.maximum(np.asarray(values.multiply(values).mean(axis=0)).ravel() - mean**2, 0))


def _tail(values: NDArray[np.float64], unit: NDArray) -> tuple[float, float]:
    """Return the largest distance from the median in interquartile ranges, and the smallest range / 1.35.

    Constant columns are ignored.
    """
    values = values[:TAIL_SAMPLE] / unit
    ordered = np.sort(values, axis=0)
    low, middle, high = (ordered[(len(values) - 1) * quarter // 4] for quarter in (1, 2, 3))
    distance, spread = np.maximum(ordered[-1] - middle, middle - ordered[0]), high - low
    varied = spread > 0
    if not varied.any():
        return 0.0, 0.0
    return float(np.max(distance[varied] / spread[varied])), float((spread * unit)[varied].min() / 1.35)


def symmetric_layer(weights: Sequence[NDArray]) -> int:
    """Return the first hidden layer, counted from 1, whose units all have the same weights up to rounding, or 0."""
    for layer, matrix in enumerate(weights[:-1], start=1):
        if matrix.shape[1] > 1 and np.ptp(matrix, axis=1).max() <= 1e-4 * np.abs(matrix).max():
            return layer
    return 0


@dataclass(frozen=True)
class Record:
    """The complete input of a diagnosis."""

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
    symmetric: int = 0
    """hidden layer whose units all started and ended with equal weights, or 0"""

    def option(self, name: str) -> Any:
        """Return the value of an option, or its default if it was not set; None if there is no such option."""
        return self.options.get(name, DEFAULTS.get(name))

    @property
    def stochastic(self) -> bool:
        """Whether the fit had a learning rate."""
        return self.option("solver") not in FULL_BATCH

    @property
    def diverged(self) -> bool:
        return self.verdict.diverged

    @property
    def loss(self) -> NDArray[np.float64]:
        return self.history["loss"]

    @cached_property
    def validation(self) -> NDArray[np.float64]:
        """Validation losses; empty if there are none."""
        losses = self.history.get("validation_loss", np.zeros(0))
        return losses if np.isfinite(losses).all() else losses[:0]

    @cached_property
    def final_share(self) -> float:
        """Median loss of the last tenth of the epochs, as a multiple of the dummy predictor's; inf if it diverged."""
        return self._share(self.loss)

    @cached_property
    def validation_share(self) -> float:
        """The same of the validation losses; inf if there are none."""
        return self._share(self.validation)

    def _share(self, losses: NDArray[np.float64]) -> float:
        if self.diverged or len(losses) == 0 or not np.isfinite(losses[-1]):
            return np.inf
        return float(np.median(losses[-max(len(losses) // 10, 1) :]) / max(self.baseline, 1e-300))

    @property
    def learned(self) -> bool:
        """Whether the loss fell to half of the dummy predictor's, also on validation rows if there are any."""
        return self.worst_share < 0.5

    @cached_property
    def worst_share(self) -> float:
        """`final_share` of the training rows or of the validation rows, whichever is larger."""
        return max(self.final_share, self.validation_share if len(self.validation) else 0.0)

    @property
    def shrunk(self) -> bool:
        """Whether the weight norm of a hidden layer fell below half of its value at the start."""
        norm = self.probes["weight_norm"][:, :-1]
        return len(norm) > 1 and norm.shape[1] > 0 and bool((norm[-1] < 0.5 * norm[0]).any())

    @property
    def depth_ratio(self) -> float:
        """Gradient norm (d loss / d z) of the first layer divided by that of the last layer, at the first probe."""
        delta = self.probes["delta_norm"]
        return float(delta[0, 0] / max(delta[0, -1], 1e-300)) if len(delta) else np.nan

    @property
    def vanishes(self) -> bool:
        """Whether gradients shrank to a hundredth on their way back to the first layer, before the first step."""
        return self.depth_ratio < 0.01

    @property
    def lost_units(self) -> NDArray[np.float64]:
        """Largest share over the layers, per probe, of dead units, or of saturated units for S-shaped activations."""
        dead, flat = self.probes["dead"][:, :-1], self.probes["saturated"][:, :-1]
        if dead.size == 0:
            return np.zeros(0)
        s_shaped = np.array([name in S_SHAPED for name in self.activations])
        return np.where(s_shaped, np.maximum(dead, flat), dead).max(axis=1)

    @property
    def rate(self) -> float:
        return float(self.option("learning_rate_init"))

    def last(self, name: str) -> NDArray[np.float64]:
        """Return a measurement of the hidden layers from the last probe that has values."""
        rows = self.probes[name][:, :-1]
        return rows[-1] if len(rows) else np.zeros(0)
