"""Rank-based transformation of columns to a normal distribution."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from bpmodel.intake.rows import validated
from bpmodel.preprocessing import finite

KNOTS = 1000
ROWS_PER_KNOT = 30
FEWEST_KNOTS = 10


class NormalScores(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Map each column to a normal distribution by its ranks.

    A value becomes z with Phi(z) = (share of rows below it) + (share of rows equal to it) / 2. Gorishniy et al. (2021, arXiv
    2106.11959) reach nearly the same with `QuantileTransformer` and noise added to the rows it is fitted on. Without noise it
    maps the smallest and the largest value to -5.2 and 5.2, however many rows have them: in a column with two values, both.
    Shared ranks are the limit of vanishing noise; they need no random numbers and work for columns of any scale.

    As in that paper, a column has one knot per 30 rows, at least 10 and at most 1000. Here the knots are evenly spaced in z, with
    linear interpolation between them. Beyond the range of the fit, z keeps the value at the end. A constant column becomes 0.

    Attributes
    ----------
    knots_ : list of (values, scores), two ndarrays of shape (n_knots,) for each column

    Examples
    --------
    >>> from bpmodel.preprocessing import NormalScores
    >>> NormalScores().fit_transform([[1.0], [2.0], [2.0], [9999.0]]).round(2).ravel().tolist()
    [-1.15, 0.0, 0.0, 1.15]
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the ranks of the values of X, of shape (rows, columns)."""
        self.knots_ = [_knots(column) for column in validated(self, X, dtype=np.float64).T]
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return the scores, of the shape of X."""
        check_is_fitted(self)
        X = validated(self, X, dtype=np.float64, reset=False)
        return np.column_stack([_scores(column, *knots) for column, knots in zip(X.T, self.knots_, strict=True)])


def _scores(
    column: NDArray[np.float64], values: NDArray[np.float64], scores: NDArray[np.float64]
) -> NDArray[np.float64]:
    unit = finite.unit(values)
    with np.errstate(over="ignore"):
        found = np.interp(column / unit, values / unit, scores)
    return np.clip(found, scores[0], scores[-1])  # two knots may be so close that the slope between them is infinite


def _knots(column: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sorted knot values and their normal scores."""
    values, counts = np.unique(column, return_counts=True)
    below = np.cumsum(counts) - counts
    scores = ndtri((below + counts / 2) / len(column))
    most = min(max(len(column) // ROWS_PER_KNOT, FEWEST_KNOTS), KNOTS)
    if len(values) > most:
        kept = np.unique(np.searchsorted(scores, np.linspace(scores[0], scores[-1], most)))
        values, scores = values[kept], scores[kept]
    return values, scores
