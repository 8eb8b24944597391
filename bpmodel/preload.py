"""Load the machine code for fits and predictions before the first fit, or compile it if it is not in the cache yet."""

from __future__ import annotations

import numpy as np

from bpmodel.estimators import BPRegressor
from bpmodel.network.loop import train


def preloaded() -> bool:
    """Return whether this process has loaded machine code for at least one precision."""
    return bool(train.compiled.overloads)


def preload(dtype: str) -> None:
    """Train and predict on a few rows in one precision, "float32" or "float64"."""
    X = np.linspace(-1, 1, 40).reshape(-1, 1)
    network = BPRegressor(hidden_layer_sizes=(2,), max_iter=1, dtype=dtype)
    training = network.begin_fit(X, X.ravel())
    training.advance(1)
    network.end_fit(training).predict(X)
