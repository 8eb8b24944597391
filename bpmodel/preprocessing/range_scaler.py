"""Scaling by range: columns between -1 and 1."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from bpmodel.functions import scaling
from bpmodel.intake.rows import validated
from bpmodel.preprocessing import finite


class RangeScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Map the range of each column to [-1, 1], as MATLAB's mapminmax does.

    z = (x - (min + max) / 2) / ((max - min) / 2). Values outside of the range seen in fit are mapped outside of [-1, 1]. A
    constant column becomes 0; in scikit-learn's MinMaxScaler it becomes the lower end of the range.

    Attributes
    ----------
    center_, scale_ : ndarray of shape (n_features,)

    Examples
    --------
    >>> from bpmodel.preprocessing import RangeScaler
    >>> RangeScaler().fit([[0.0, 7.0], [4.0, 7.0]]).transform([[1.0, 7.0], [6.0, 8.0]]).tolist()
    [[-0.5, 0.0], [2.0, 1.0]]
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the range of the columns of X, of shape (rows, columns)."""
        learned = scaling.learn("minmax", validated(self, X, dtype=np.float64))
        assert learned is not None
        self.center_, self.scale_ = learned.shift, learned.scale
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return the scaled columns, of the shape of X."""
        check_is_fitted(self)
        X = validated(self, X, dtype=np.float64, reset=False)
        with np.errstate(over="ignore"):
            shares = (X / 2 - self.center_ / 2) / self.scale_  # the difference of two halves is finite
            return finite.bounded(shares * 2)
