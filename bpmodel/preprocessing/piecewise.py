"""Piecewise-linear encoding: a number becomes several outputs, one for each bin of its range."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from bpmodel.domains import check, whole
from bpmodel.intake.rows import validated
from bpmodel.preprocessing import finite

BINS = whole(1, 10_000)
"""How many bins a column may have."""


class PiecewiseLinearEncoder(TransformerMixin, BaseEstimator):
    """Encode each column piecewise linearly: output t shows how far the value has passed through bin t.

    With bin edges b_0 < … < b_T at quantiles of the column, output t is (x - b_{t-1}) / (b_t - b_{t-1}), clipped to [0, 1]
    (Gorishniy, Rubachev and Babenko, 2022, arXiv 2203.05556, equation 1), minus its mean over the rows of the fit. The paper
    neither centers nor clips x beyond the outer edges. Here outputs are centered because networks with the usual initial weights
    learn faster from inputs around 0, and clipped because a single extreme row would outweigh all others.

    Parameters
    ----------
    n_bins : int from 1 to 10000, default=16
        Maximum number of bins of a column. Equal quantiles give fewer bins; a constant column has one output, 0.

    Attributes
    ----------
    bin_edges_ : list of ndarray of shape (bins + 1,)
        For each column.
    mean_ : ndarray of shape (n_features_out,)

    Examples
    --------
    >>> from bpmodel.preprocessing import PiecewiseLinearEncoder
    >>> encoder = PiecewiseLinearEncoder(n_bins=2).fit([[0.0], [1.0], [3.0]])
    >>> encoder.bin_edges_[0].tolist()
    [0.0, 1.0, 3.0]
    >>> (encoder.transform([[0.5], [2.0]]) + encoder.mean_).tolist()
    [[0.5, 0.0], [1.0, 0.5]]
    """

    def __init__(self, n_bins: int = 16) -> None:
        self.n_bins = n_bins

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the bins of X, of shape (rows, columns)."""
        check(type(self).__name__, "n_bins", self.n_bins, BINS)
        X = validated(self, X, dtype=np.float64)
        units = np.array([finite.unit(column) for column in X.T])
        quantiles = np.quantile(X / units, np.linspace(0, 1, self.n_bins + 1), axis=0) * units
        self.bin_edges_ = [np.unique(edges) for edges in quantiles.T]
        self.mean_ = self._encode(X).mean(axis=0)
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return the encoded columns, of shape (rows, n_features_out)."""
        check_is_fitted(self)
        return self._encode(validated(self, X, dtype=np.float64, reset=False)) - self.mean_

    def _encode(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = []
        for column, edges in zip(X.T, self.bin_edges_, strict=True):
            unit = finite.unit(edges)
            ends = edges / unit
            widths = np.diff(ends) if len(ends) > 1 else np.ones(1)  # a constant column
            with np.errstate(over="ignore"):
                passed = column[:, None] / unit - ends[: len(widths)]
            parts.append(np.clip(passed, 0.0, widths) / widths)
        return np.hstack(parts)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Return a name for each output: the column's name and the number of the bin, from 1."""
        names = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        counts = [max(len(edges) - 1, 1) for edges in self.bin_edges_]
        pairs = zip(names, counts, strict=True)
        return np.array([f"{name}_{bin}" for name, n in pairs for bin in range(1, n + 1)], dtype=object)
