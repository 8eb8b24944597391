"""Input scaling: shift and divide each column, so that all columns have about the same weight."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

SCALINGS = {
    "none": "no scaling",
    "standard": "subtract the mean of each column and divide by its standard deviation; sparse columns are only divided",
    "robust": "subtract the median of each column and divide by its interquartile range (if that is 0, by half of its range), "
    "then clip smoothly to (-3, 3) by x / sqrt(1 + (x / 3)^2) (Holzmueller et al., 2024); for dense rows only",
}
BOUND = 3.0


class Scaling(NamedTuple):
    """Shift and scale learned from the columns."""

    shift: NDArray[np.float64]
    """(inputs,)"""
    scale: NDArray[np.float64]
    """(inputs,)"""
    clip: bool


def learn(kind: str, X: Any) -> Scaling | None:
    """Learn the scaling of the columns of X, of shape (rows, inputs); return None if no scaling is wanted."""
    if kind == "none":
        return None
    if issparse(X):
        mean = np.asarray(X.mean(axis=0)).ravel()
        variance = np.asarray(X.multiply(X).mean(axis=0)).ravel() - mean**2
        return Scaling(np.zeros(X.shape[1]), _positive(np.sqrt(np.maximum(variance, 0)), 1e-7 * np.abs(mean)), False)
    X = np.asarray(X, dtype=np.float64)
    if kind == "standard":
        largest = np.maximum(np.abs(X).max(axis=0), np.finfo(np.float64).tiny)
        shares = X / largest  # their squares are finite
        mean = shares.mean(axis=0)
        return Scaling(mean * largest, _positive(shares.std(axis=0) * largest, 1e-12 * np.abs(mean) * largest), False)
    low, middle, high = np.quantile(X, [0.25, 0.5, 0.75], axis=0)
    spread = high - low
    return Scaling(middle, _positive(np.where(spread > 0, spread, np.ptp(X, axis=0) / 2), 0.0), True)


def apply(scaling: Scaling | None, X: Any) -> Any:
    """Return the scaled inputs, in the precision of X; differences are computed in double precision."""
    if scaling is None:
        return X
    if issparse(X):
        return X.multiply(1 / scaling.scale).tocsr().astype(X.dtype)
    Z = (X - scaling.shift) / scaling.scale
    if scaling.clip:
        Z /= np.sqrt(1 + (Z / BOUND) ** 2)
    return Z.astype(X.dtype, copy=False)


def _positive(scale: NDArray[np.float64], rounding: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return the divisors; they are 1 for columns that are constant up to rounding."""
    return np.where(scale > rounding, scale, 1.0)
