"""From an estimator's options to what the training loops are told: names become row numbers, None what a row says."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from bpmodel.full_batch.training import BLOCK_ROWS, FullBatchSettings
from bpmodel.functions.clipping import CLIPPINGS
from bpmodel.functions.optimizers import OPTIMIZERS, Rule
from bpmodel.functions.schedules import SCHEDULES
from bpmodel.network.fit import Settings
from bpmodel.network.monitor import STEADY_ROWS

FEW_ROWS = 64
"""Up to so many rows ``dtype="auto"`` means double precision.

An epoch of so few rows takes 1.1 to 1.5 times as long in it with a layer of up to 100 units, twice with wide layers, and is
over in 10 microseconds to 3 milliseconds.
"""


def precision(dtype: str, n_rows: int, *, incremental: bool) -> np.dtype:
    """Return the precision of a network's first fit; one that learns in parts will see more rows than those of the first part."""
    if dtype == "auto":
        dtype = "float64" if n_rows <= FEW_ROWS and not incremental else "float32"
    return np.dtype(dtype)


def stochastic(options: Any, dtype: np.dtype, n_rows: int, baseline: float, *, incremental: bool) -> Settings:
    """Return the settings of a fit in minibatches, with numbers in the precision of the network."""
    batch_size = options.batch_size
    optimizer, clipping, schedule = (
        OPTIMIZERS[options.solver],
        CLIPPINGS[options.clipping],
        SCHEDULES[options.learning_rate],
    )
    if batch_size == "auto":
        batch_size = n_rows if optimizer.whole else min(200, n_rows)
    elif batch_size > n_rows:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=6
        )
        batch_size = n_rows
    number: Any = dtype.type
    return Settings(
        optimizer=list(OPTIMIZERS).index(options.solver),
        rule=Rule(
            number(options.momentum),
            bool(options.nesterovs_momentum),
            number(options.beta_1),
            number(options.beta_2),
            number(options.rho),
            number(options.epsilon),
        ),
        learning_rate_init=float(options.learning_rate_init),
        schedule=list(SCHEDULES).index(
            "constant" if schedule.sgd_only and options.solver != "sgd" else options.learning_rate
        ),
        power_t=float(options.power_t),
        decay_rate=float(options.decay_rate),
        decay_epochs=float(options.decay_epochs),
        warmup_epochs=float(options.warmup_epochs),
        l2=float(options.alpha),
        l1=float(options.l1),
        weight_decay=float(optimizer.weight_decay if options.weight_decay is None else options.weight_decay),
        dropout=float(options.dropout),
        input_noise=float(options.input_noise),
        max_norm=float(options.max_norm or 0),
        ema_decay=float(options.ema_decay),
        clipping=list(CLIPPINGS).index(options.clipping),
        clip_threshold=float(clipping.threshold if options.clip_threshold is None else options.clip_threshold),
        batch_size=int(batch_size),
        shuffle=bool(options.shuffle),
        max_iter=int(options.max_iter),
        tol=float(options.tol),
        n_iter_no_change=float(options.n_iter_no_change),
        early_stopping=bool(options.early_stopping),
        watch=options.on_divergence != "ignore",
        repairing=options.on_divergence == "repair",
        probing=not incremental,
        baseline=float(baseline),
        steady_rows=STEADY_ROWS if incremental else 1,
    )


def full_batch(options: Any, n_rows: int) -> FullBatchSettings:
    """Return the settings of a fit by a full-batch solver."""
    return FullBatchSettings(
        batch_size=min(n_rows, BLOCK_ROWS),
        alpha=float(options.alpha),
        tol=float(options.tol),
        max_fun=int(options.max_fun),
        n_iter_no_change=float(options.n_iter_no_change),
        early_stopping=bool(options.early_stopping),
        watch=options.on_divergence != "ignore",
    )
