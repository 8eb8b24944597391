"""What a network learns in place of a skewed target."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, _fit_context
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from bpmodel.option import documented
from bpmodel.preprocessing.constructors import TargetConstructor
from bpmodel.preprocessing.options import TARGET

SCALE = 0.1
"""From about this share of the median the logarithm is one; smaller targets are left nearly as they are, also 0."""

FARTHEST = 10.0
"""Predictions are at most so many times the largest target: a small error of the network is a large one after `exp`."""


@documented(TARGET)
class TargetTransformer(TargetConstructor, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Transform targets, and predictions back to the targets' own units.

    With "log", z = sign(y) log(1 + |y| / s), where s is a tenth of the median of the |y| that are not 0: a logarithm that zero
    and negative targets have, too, and that does not depend on the unit. Back from z, |y| is at most 10 times the largest |y|
    of the fit. The mean of z is that of a geometric mean of y, so predictions aim below the mean of skewed noise.

    Attributes
    ----------
    scale_, largest_ : ndarray of shape (n_outputs,)
        s, and the largest |y|.

    Examples
    --------
    >>> from sklearn.compose import TransformedTargetRegressor
    >>> from bpmodel import BPRegressor
    >>> from bpmodel.preprocessing import TargetTransformer
    >>> transformer = TargetTransformer(target_transform="log")
    >>> y = [[-10.0], [0.0], [10.0], [1000.0]]
    >>> transformer.fit_transform(y).round(2).ravel().tolist()
    [-2.4, 0.0, 2.4, 6.91]
    >>> model = TransformedTargetRegressor(BPRegressor(scale_target=True), transformer=transformer)
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the scale of targets, of shape (rows, outputs)."""
        sizes = np.abs(validate_data(self, X, dtype=np.float64))
        self.scale_ = np.array([SCALE * np.median(column[column > 0]) if column.any() else 1.0 for column in sizes.T])
        self.largest_ = sizes.max(axis=0)
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return what the network learns, of the shape of X."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return np.sign(X) * np.log1p(np.abs(X) / self.scale_) if self.target_transform == "log" else X

    def inverse_transform(self, X: Any) -> NDArray[np.float64]:
        """Return targets in their own units, of the shape of X."""
        check_is_fitted(self)
        X = check_array(X, dtype=np.float64, ensure_all_finite=False, estimator=self)
        if self.target_transform == "none":
            return X
        most = np.log1p(FARTHEST * self.largest_ / self.scale_)
        return np.sign(X) * np.expm1(np.minimum(np.abs(X), most)) * self.scale_
