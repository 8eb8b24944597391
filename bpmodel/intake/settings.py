"""The settings of a fit, from the estimator's options."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache, partial
from typing import Any, get_type_hints

import numpy as np

from bpmodel.full_batch.training import BLOCK_ROWS, FullBatchSettings
from bpmodel.functions.clipping import CLIPPINGS
from bpmodel.functions.optimizers import OPTIMIZERS, Rule
from bpmodel.functions.schedules import SCHEDULES
from bpmodel.network.fit import Settings
from bpmodel.network.parameters import held
from bpmodel.network.watch import STEADY_ROWS


def minibatch(options: Any, dtype: np.dtype, n_rows: int, baseline: float, *, incremental: bool) -> Settings:
    """Return the settings of a minibatch fit, with numbers in the precision of the network.

    Names become table indices; None becomes the table row's default.
    """
    optimizer, clipping = OPTIMIZERS[options.solver], CLIPPINGS[options.clipping]
    constant = SCHEDULES[options.learning_rate].sgd_only and options.solver != "sgd"
    number = partial(held, dtype=dtype)
    share = partial(_share, dtype=dtype)
    return _settings(
        Settings,
        options,
        optimizer=OPTIMIZERS.code(options.solver),
        rule=Rule(
            number(options.momentum),
            bool(options.nesterovs_momentum),
            share(options.beta_1),
            share(options.beta_2),
            share(options.rho),
            number(options.epsilon),
        ),
        schedule=SCHEDULES.code("constant" if constant else options.learning_rate),
        l2=float(options.alpha),
        weight_decay=float(optimizer.weight_decay if options.weight_decay is None else options.weight_decay),
        max_norm=float(options.max_norm or 0),
        clipping=CLIPPINGS.code(options.clipping),
        clip_threshold=float(clipping.threshold if options.clip_threshold is None else options.clip_threshold),
        batch_size=_batch_size(options, n_rows),
        watch=options.on_divergence != "ignore",
        repairing=options.on_divergence == "repair",
        probing=not incremental,
        baseline=float(baseline),
        steady_rows=STEADY_ROWS if incremental else 1,
    )


def full_batch(options: Any, n_rows: int) -> FullBatchSettings:
    """Return the settings of a fit with a full-batch solver."""
    watch = options.on_divergence != "ignore"
    return _settings(FullBatchSettings, options, batch_size=min(n_rows, BLOCK_ROWS), watch=watch)


def _settings(kind: Callable[..., Any], options: Any, **derived: Any) -> Any:
    """Return settings of a kind: what is not derived is the option of the same name, converted to the type of its field."""
    types = _types(kind).items()
    return kind(**derived, **{name: cls(getattr(options, name)) for name, cls in types if name not in derived})


def _share(value: float, dtype: np.dtype) -> Any:
    """Return a decay rate below 1, as a number of a precision: rounded to 1, an average would never change from its start."""
    return min(held(value, dtype), np.nextafter(dtype.type(1), dtype.type(0)))


_types = cache(get_type_hints)


def _batch_size(options: Any, n_rows: int) -> int:
    """Return the batch size; warn at the caller of `fit` if it exceeds the number of rows."""
    if options.batch_size == "auto":
        return n_rows if OPTIMIZERS[options.solver].whole else min(200, n_rows)
    if options.batch_size > n_rows:
        message = "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped"
        warnings.warn(message, stacklevel=8)
    return int(min(options.batch_size, n_rows))
