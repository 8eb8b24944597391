"""Robust scaling with smooth clipping: outliers keep their order but stay within bounds."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from bpmodel.functions import scaling
from bpmodel.functions.scaling import Scaling
from bpmodel.preprocessing import finite


class SmoothClipScaler(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Scale each column by its median and interquartile range, then clip it smoothly to (-3, 3).

    z = (x - median) / (interquartile range), and z / sqrt(1 + (z / 3)^2), as in RealMLP (Holzmueller et al., 2024, arXiv
    2407.04491). If the interquartile range is 0, half of the column's range replaces it. A constant column becomes 0.

    Attributes
    ----------
    center_, scale_ : ndarray of shape (n_features,)

    Examples
    --------
    >>> from bpmodel.preprocessing import SmoothClipScaler
    >>> SmoothClipScaler().fit_transform([[0.0], [1.0], [2.0], [3.0], [1000.0]]).round(2).ravel().tolist()
    [-0.95, -0.49, 0.0, 0.49, 3.0]
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn median and interquartile range of X, of shape (rows, columns)."""
        learned = scaling.learn("robust", finite.rows(self, X))
        assert learned is not None
        self.center_, self.scale_ = learned.shift, learned.scale
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return the scaled columns, of the shape of X."""
        check_is_fitted(self)
        X = finite.rows(self, X, reset=False)
        return scaling.apply(Scaling(self.center_, self.scale_, clip=True), X)
