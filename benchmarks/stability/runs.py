"""One fit of a cell, and its plain record, to which labels and rules are applied."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.stability.corpus import NONE, Cell
from benchmarks.stability.sets import Rows, load
from bpmodel import BPClassifier, BPRegressor

FALL = 0.1
"""Fall of R^2 or accuracy that counts."""


class Run(NamedTuple):
    """The record of one fit."""

    loss: NDArray[np.float64]
    """(epochs,), mean training loss"""
    score: NDArray[np.float64]
    """(epochs,), R^2 or accuracy on the validation rows"""
    baseline: float
    """loss of the dummy predictor"""
    first_loss: float
    """loss before the first step"""
    finite: bool
    """whether all weights are finite at the end"""
    probes: Mapping[str, NDArray]
    """probes of each layer, as in `BPRegressor.probes_`"""
    activations: tuple[str, ...]
    units: tuple[int, ...]
    """width of each layer, inputs first"""
    status: str
    epoch: int | None
    """epoch in which the divergence was detected"""
    codes: tuple[str, ...]
    """codes of the findings, most likely cause first"""
    dummy_score: float
    """accuracy of the most frequent class on the validation rows; 0 for R^2"""
    seconds: float
    repairs: int = 0

    @property
    def best(self) -> float:
        """Best validation score of an epoch, R^2 or accuracy, rescaled so that the dummy predictor has 0 and a perfect one 1."""
        finite = self.score[np.isfinite(self.score)]
        best = float(finite.max(initial=self.dummy_score))
        return (best - self.dummy_score) / max(1 - self.dummy_score, 1e-12)

    @property
    def fell(self) -> bool:
        """Whether the validation score ended lower than its best by `FALL`: the network overfits."""
        known = self.score[np.isfinite(self.score)]
        return len(known) > 0 and bool(known.max() - np.median(known[-max(len(known) // 10, 1) :]) >= FALL)

    @property
    def top(self) -> str:
        """Code of the first finding, or `NONE`."""
        return self.codes[0] if self.codes else NONE


def data(cell: Cell, seed: int) -> Rows:
    """Return the rows of a cell with its fault; the same for the same seed."""
    rows = load(cell.data, seed)
    rows = rows._replace(random=np.random.default_rng(seed + 1000))
    return rows if cell.spoil is None else cell.spoil(rows)


def estimator(cell: Cell, rows: Rows, seed: int, **options: Any) -> Any:
    """Return the unfitted estimator of a cell; it trains for all its epochs."""
    everything = {"random_state": seed, "n_iter_no_change": np.inf, "tol": 0.0, **cell.base, **cell.change, **options}
    return (BPClassifier if rows.classes else BPRegressor)(**everything)


def fit(cell: Cell, seed: int, **options: Any) -> Run:
    """Fit a cell, with options on top of its own, and record the fit.

    If the cell prepares its weights, they are drawn in a first epoch with an almost zero learning rate; the fit goes on from
    there.
    """
    rows = data(cell, seed)
    model = estimator(cell, rows, seed, **options)
    X, y = rows.X[rows.training], rows.y[rows.training]
    if cell.prepare is not None:
        wanted = model.get_params()
        model.set_params(warm_start=True, max_iter=1, learning_rate_init=1e-12).fit(X, y)
        model.set_params(max_iter=wanted["max_iter"], learning_rate_init=wanted["learning_rate_init"])
        cell.prepare(model)
    started = time.perf_counter()
    model.fit(X, y, X_val=rows.X[rows.validation], y_val=rows.y[rows.validation])
    return record(model, rows, time.perf_counter() - started)


def record(model: Any, rows: Rows, seconds: float) -> Run:
    """Return the record of a fitted estimator."""
    baseline, first_loss = model.baseline_loss_, model.initial_loss_
    _, counts = np.unique(rows.y[rows.validation], return_counts=True)
    return Run(
        loss=model.history_["loss"],
        score=model.history_["validation_score"],
        baseline=baseline,
        first_loss=first_loss,
        finite=bool(np.isfinite(model._parameters).all()),
        probes=model.probes_,
        activations=tuple(model._activations),
        units=tuple(model._layer_units),
        status=model.verdict_.status,
        epoch=model.verdict_.epoch,
        codes=tuple(model.diagnose().codes),
        dummy_score=counts.max() / counts.sum() if rows.classes else 0.0,
        seconds=seconds,
        repairs=len(getattr(model, "repairs_", ())),
    )
