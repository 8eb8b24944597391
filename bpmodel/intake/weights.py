"""Sample weights: one for each row, checked and brought to a size that single precision holds.

A loss is a weighted mean, in which only the ratios of the weights matter. The penalties `alpha` and `l1` are divided by the sum
of the weights, as in scikit-learn's MLP, so a row of weight k counts as k equal rows there, too. That makes sense for weights
that are 1 to `MOST` on average. Others, such as inverse variances or shares of 1, are no numbers of rows: they are divided by
their mean, because otherwise the penalty would drown the data or vanish, and single precision would not hold them.
"""

from __future__ import annotations

from numbers import Complex, Number, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.class_weight import compute_sample_weight

from bpmodel.domains import real
from bpmodel.intake.rows import checked

FACTOR = real(0, None, "left")
"""What the weight of a class may be."""

MOST = 1e6
"""Largest mean of weights that are taken for numbers of rows."""

LARGEST = float(np.finfo(np.float64).max)


def row_weights(weight: Any, n_rows: int) -> NDArray[np.floating]:
    """Return a weight for each row, of shape (n_rows,), from an array or one number; empty if there are none.

    Raises
    ------
    ValueError
        If there is not one for each row, if one is negative or not finite, or if all are zero.

    Examples
    --------
    >>> row_weights(2, 3).tolist(), row_weights(None, 3).size
    ([2.0, 2.0, 2.0], 0)
    """
    if weight is None:
        return np.zeros(0)
    if isinstance(weight, Real) or (isinstance(weight, Number) and not isinstance(weight, Complex)):
        weight = np.full(n_rows, weight, dtype=None if isinstance(weight, float) else object)
    weight = checked(weight, ensure_2d=False, dtype=(np.float64, np.float32), order="C", input_name="sample_weight")
    if weight.shape != (n_rows,):
        raise ValueError(f"sample_weight.shape == {weight.shape}, expected {(n_rows,)}: one weight for each row")
    least = int(weight.argmin())
    if weight[least] < 0:
        raise ValueError(f"sample_weight must be >= 0; row {least} has {weight[least]:g}")
    if not weight.any():
        raise ValueError("sample_weight must contain at least one non-zero number")
    return weight


def sized(weight: NDArray[np.floating], counted: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return weights whose mean over the training rows is 1, unless it is from 1 to `MOST`: then they are unchanged.

    Parameters
    ----------
    weight : ndarray of shape (n,)
        The weights of all rows.
    counted : ndarray of shape (m,)
        Those of the training rows, all positive.

    Examples
    --------
    >>> sized(np.array([1e-30, 3e-30]), np.array([1e-30, 3e-30])).round(12).tolist()
    [0.5, 1.5]
    >>> sized(np.array([2.0, 3.0]), np.array([2.0, 3.0])).tolist()
    [2.0, 3.0]
    """
    return rescaled(weight, counted, np.ones(len(counted)))


def rescaled(factor: NDArray, counted: NDArray, weight: NDArray) -> NDArray:
    """Return factors whose mean over the training rows, weighted by `weight`, is 1, unless it is from 1 to `MOST`."""
    largest = float(counted.max())
    mean = float(np.average(counted.astype(np.float64) / largest, weights=weight))  # in (0, 1]: no sum overflows
    mean = max(mean, float(np.finfo(np.float64).tiny))  # what has the largest factor may count for nothing
    if 1 <= mean * largest <= MOST:
        return factor
    with np.errstate(over="ignore"):  # of rows that count for nearly nothing: the mean may be as small as their weight
        return np.minimum(factor.astype(np.float64) / largest / mean, LARGEST)


def with_classes(
    class_weight: Any, y: NDArray, weight: NDArray[np.floating], index: NDArray[np.integer]
) -> NDArray[np.floating]:
    """Return the sample weights times the weights of the rows' classes, of shape (n,).

    Parameters
    ----------
    class_weight : dict or "balanced"
        "balanced" gives every class the same total weight: the total weight of the training rows over the number of classes times
        the total weight of the class. For multilabel targets the weights of the labels are multiplied.
    y : ndarray of shape (n,) or (n, outputs)
    weight : ndarray of shape (n,), or empty if all are equal
    index : ndarray of int
        The training rows.

    Raises
    ------
    ValueError
        If the weight of a class is negative or not finite, or if no training row has a class with a weight.
    """
    own = weight if weight.size else np.ones(len(y))
    if class_weight == "balanced":
        return own * np.prod([_balanced(labels, own, index) for labels in np.atleast_2d(y.T)], axis=0)
    for label, value in class_weight.items():
        if value not in FACTOR:
            raise ValueError(f"class_weight must be finite and >= 0; class {label!r} has {value!r}")
    factor = compute_sample_weight(class_weight, y)
    counting = index[factor[index] > 0]
    if not len(counting):
        raise ValueError(f"class_weight={class_weight!r} gives no training row a weight above 0")
    with np.errstate(over="ignore"):  # of rows that are not among the training rows
        return np.minimum(own * rescaled(factor, factor[counting], own[counting]), LARGEST)


def _balanced(labels: NDArray, weight: NDArray, index: NDArray[np.integer]) -> NDArray[np.float64]:
    classes, codes = np.unique(labels[index], return_inverse=True)
    totals = np.bincount(codes, weights=weight[index])
    shares = totals.sum() / (len(classes) * totals)
    place = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
    return np.where(classes[place] == labels, shares[place], 0.0)


def rows_that_count(weight: ArrayLike, index: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return the training rows whose weight is not 0.

    Raises
    ------
    ValueError
        If there are none.
    """
    kept = index[np.asarray(weight)[index] > 0]
    if not len(kept):
        raise ValueError("sample_weight is 0 for all training rows; at least one must be positive")
    return kept if len(kept) < len(index) else index
