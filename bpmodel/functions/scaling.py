"""Input scaling: shift and divide each column, so that all columns have about the same weight."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

BOUND = 3.0

FARTHEST = 1e100
"""A number whose square is finite. In units of the scale, a clipped value this far away is equal to its bound."""


class Scaling(NamedTuple):
    """Shift and scale learned from the columns."""

    shift: NDArray[np.float64]
    """(inputs,)"""
    scale: NDArray[np.float64]
    """(inputs,)"""
    clip: bool


class Rule(NamedTuple):
    """One way to learn a scaling.

    `dense` and `sparse` take rows and their weights (None if all are equal) and return a `Scaling`. `dense` is None if nothing is
    scaled, `sparse` is None if sparse rows are not supported.
    """

    meaning: str
    dense: Callable[[NDArray[np.float64], NDArray | None], Scaling] | None
    sparse: Callable[[Any, NDArray | None], Scaling] | None

    @property
    def takes_sparse(self) -> bool:
        return self.dense is None or self.sparse is not None


def _standard(X: NDArray[np.float64], weight: NDArray | None) -> Scaling:
    largest = np.maximum(np.abs(X).max(axis=0), np.finfo(np.float64).tiny)
    shares = X / largest  # their squares are finite
    mean = np.average(shares, axis=0, weights=weight)
    std = shares.std(axis=0) if weight is None else np.sqrt(np.average((shares - mean) ** 2, axis=0, weights=weight))
    return Scaling(mean * largest, _positive(std * largest, 1e-12 * np.abs(mean) * largest), False)


def _standard_sparse(X: Any, weight: NDArray | None) -> Scaling:
    X = X.astype(np.float64)
    largest = float(np.abs(X.data).max(initial=0.0))
    unit = largest if largest > FARTHEST else 1.0  # the squares of values this large are not finite
    X = X / unit
    squares = X.multiply(X)
    if weight is None:
        mean, mean_square = (np.asarray(A.mean(axis=0)).ravel() for A in (X, squares))
    else:
        mean, mean_square = (np.asarray(A.T @ weight).ravel() / weight.sum() for A in (X, squares))
    std = np.sqrt(np.maximum(mean_square - mean**2, 0))
    return Scaling(np.zeros(X.shape[1]), _positive(std * unit, 1e-7 * np.abs(mean) * unit), False)


def _robust(X: NDArray[np.float64], weight: NDArray | None) -> Scaling:
    largest = np.abs(X).max(axis=0)
    unit = np.where(largest > FARTHEST, largest, 1.0)  # else the differences of such numbers may be infinite
    shares = X / unit
    low, middle, high = quantiles(shares, [0.25, 0.5, 0.75], weight)
    spread = high - low
    with np.errstate(over="ignore"):
        scale = np.minimum(np.where(spread > 0, spread, np.ptp(shares, axis=0) / 2) * unit, np.finfo(np.float64).max)
    return Scaling(middle * unit, _positive(scale, 0.0), True)


def _minmax(X: NDArray[np.float64], weight: NDArray | None) -> Scaling:
    low, high = X.min(axis=0), X.max(axis=0)
    return Scaling(low / 2 + high / 2, _positive(high / 2 - low / 2, 0.0), False)  # halves first: the sum may overflow


def _minmax_sparse(X: Any, weight: NDArray | None) -> Scaling:
    largest = np.asarray(abs(X).max(axis=0).toarray()).ravel().astype(np.float64)
    return Scaling(np.zeros(X.shape[1]), _positive(largest, 0.0), False)


SCALINGS: Mapping[str, Rule] = MappingProxyType(
    {
        "none": Rule("no scaling", None, None),
        "standard": Rule(
            "subtract the mean of each column and divide by its standard deviation; sparse columns are only divided",
            _standard,
            _standard_sparse,
        ),
        "minmax": Rule(
            "map the range of each column to [-1, 1], as MATLAB's mapminmax does; values outside of the range seen in fit are "
            "mapped outside of it, and a constant column becomes 0. Sparse columns are divided by their largest absolute value",
            _minmax,
            _minmax_sparse,
        ),
        "robust": Rule(
            "subtract the median of each column and divide by its interquartile range (if that is 0, by half of its range), "
            "then clip smoothly to (-3, 3) by x / sqrt(1 + (x / 3)^2) (Holzmueller et al., 2024); for dense rows only",
            _robust,
            None,
        ),
    }
)
"""The values of `scale_input`. The range [-1, 1] trains better than [0, 1]: on Friedman's problem R^2 was 0.89 against 0.78 with
relu and 0.80 against 0.72 with tanh; on diabetes and breast cancer the two differed by less than two of their standard errors."""


def learn(kind: str, X: Any, weight: NDArray | None = None) -> Scaling | None:
    """Learn the scaling of the columns of X; return None if no scaling is wanted.

    Parameters
    ----------
    kind : str
        A row of `SCALINGS`.
    X : array or sparse matrix of shape (rows, inputs)
    weight : ndarray of shape (rows,), optional
        Positive weights; one of k counts as k equal rows.
    """
    rule = SCALINGS[kind]
    if rule.dense is None:
        return None
    if issparse(X):
        if rule.sparse is None:
            raise ValueError(f"scale_input={kind!r} needs dense rows; X is sparse")
        return rule.sparse(X, weight)
    return rule.dense(np.asarray(X, dtype=np.float64), weight)


def apply(scaling: Scaling | None, X: Any) -> Any:
    """Return the scaled inputs, in the precision of X; differences are computed in double precision.

    Raises
    ------
    ValueError
        If a scaled value is too large for that precision.
    """
    if scaling is None:
        return X
    try:
        with np.errstate(over="raise"):
            if issparse(X):
                return X.multiply(1 / scaling.scale).tocsr().astype(X.dtype)
            Z = (X - scaling.shift) / scaling.scale
            return _clipped(Z, scaling.clip).astype(X.dtype, copy=False)
    except FloatingPointError:
        if not issparse(X):
            with np.errstate(over="ignore"):  # the difference of halves is finite
                Z = _clipped((X / 2 - scaling.shift / 2) / scaling.scale * 2, scaling.clip).astype(X.dtype, copy=False)
            if np.isfinite(Z).all():
                return Z
        raise ValueError(
            f"Input X contains a value too large for {X.dtype!r} when it is scaled; the columns vary much less in the rows of fit"
        ) from None


def _clipped(Z: NDArray, clip: bool) -> NDArray:
    """Return scaled values, clipped smoothly if they are to be; what is clipped may be infinite."""
    if clip:
        np.clip(Z, -FARTHEST, FARTHEST, out=Z)
        Z /= np.sqrt(1 + (Z / BOUND) ** 2)
    return Z


def quantiles(X: NDArray[np.float64], shares: list[float], weight: NDArray | None = None) -> NDArray[np.float64]:
    """Return weighted quantiles of each column, of shape (shares, columns).

    A weight of k counts as k equal rows. The usual quantile of n rows interpolates between the two rows around position
    h = (n - 1) share. That is the mean of the sorted values over the positions from h to h + 1, where each row takes up a length
    of 1. With weights, each row takes up the length of its weight.

    Examples
    --------
    >>> X = np.array([[1.0], [2.0], [4.0]])
    >>> quantiles(X, [0.5], np.array([1.0, 2.0, 3.0])).tolist() == np.quantile([1, 2, 2, 4, 4, 4], [0.5]).reshape(1, 1).tolist()
    True
    """
    if weight is None:
        return np.quantile(X, shares, axis=0)
    order = np.argsort(X, axis=0)
    ordered, lengths = np.take_along_axis(X, order, axis=0), weight[order]
    ends = np.cumsum(lengths, axis=0)
    starts = ends - lengths
    found = []
    for share in shares:
        begin = np.maximum(ends[-1] - 1, 0) * share
        overlap = np.clip(np.minimum(ends, begin + 1) - np.maximum(starts, begin), 0, None)
        found.append((overlap / overlap.sum(axis=0) * ordered).sum(axis=0))  # a sum of shares of the values is finite
    return np.stack(found)


def _positive(scale: NDArray[np.float64], rounding: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Return the divisors; they are 1 for columns that are constant up to rounding."""
    return np.where(scale > rounding, scale, 1.0)
