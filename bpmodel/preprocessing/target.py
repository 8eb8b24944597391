"""Transformation of skewed targets, and back."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from bpmodel.intake.rows import validated
from bpmodel.option import documented
from bpmodel.preprocessing import finite
from bpmodel.preprocessing.constructors import TargetConstructor
from bpmodel.preprocessing.options import TARGET

SCALE = 0.1
"""Share of the median above which the transformation is about logarithmic; smaller targets, including 0, are nearly linear."""

FARTHEST = 10.0
"""Bound of predictions as a multiple of the largest target: `exp` turns a small error of the network into a large one."""


@documented(TARGET)
class TargetTransformer(TargetConstructor, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Transform targets, and predictions back to the targets' own units.

    With "log", z = sign(y) log(1 + |y| / s), where s is a tenth of the median of all |y| that are not 0. This logarithm is also
    defined for zero and negative targets, and it does not depend on the unit. The inverse limits |y| to 10 times the largest |y|
    of the fit. The mean of z corresponds to a geometric mean of y, so with skewed noise predictions lie below the mean.

    Attributes
    ----------
    scale_, largest_ : ndarray of shape (n_outputs,)
        s and the largest |y|.

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

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the scale of targets, of shape (rows, outputs)."""
        self._check_options()
        sizes = np.abs(validated(self, X, dtype=np.float64))
        self.scale_ = np.array([_scale(column[column > 0]) for column in sizes.T])
        self.largest_ = sizes.max(axis=0)
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return the transformed targets, of the shape of X."""
        check_is_fitted(self)
        X = validated(self, X, dtype=np.float64, reset=False)
        if self.target_transform == "none":
            return X
        with np.errstate(over="ignore"):
            return np.sign(X) * np.log1p(finite.bounded(np.abs(X) / self.scale_))

    def inverse_transform(self, X: Any) -> NDArray[np.float64]:
        """Return targets in their own units, of the shape of X."""
        check_is_fitted(self)
        X = check_array(X, dtype=np.float64, ensure_all_finite=False, estimator=self)
        if self.target_transform == "none":
            return X
        with np.errstate(over="ignore"):
            most = np.log1p(finite.bounded(self.largest_ / self.scale_ * FARTHEST))
            return np.sign(X) * finite.bounded(np.expm1(np.minimum(np.abs(X), most)) * self.scale_)


def _scale(sizes: NDArray[np.float64]) -> float:
    """Return a tenth of the median of positive numbers; 1 if there are none."""
    if not len(sizes):
        return 1.0
    median = np.median(sizes / 2) * 2  # in halves: the sum of the two in the middle is finite
    return max(
        SCALE * float(median if median < np.inf else finite.LARGEST), float(np.finfo(np.float64).smallest_subnormal)
    )
