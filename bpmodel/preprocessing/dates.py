"""Encode dates as numbers: elapsed time, and position in the year, the week and the day."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

MONDAY = 3
"""The weekday of 1970-01-01, a Thursday, if Monday is 0."""


class Cycle(NamedTuple):
    """A periodic part of a date: whole numbers from 0 to `length` - 1."""

    name: str
    length: int


CYCLES = (Cycle("month", 12), Cycle("weekday", 7), Cycle("hour", 24))


class DateEncoder(TransformerMixin, BaseEstimator):
    """Encode dates as elapsed days, and month, weekday and hour as points on a circle.

    Dates are days since the start of 1970, including fractions of a day. A missing date is NaN, and so are all its outputs. Each
    column becomes the days since its earliest date, and the sine and cosine of 2 pi (part / length) for month, weekday and hour:
    December is next to January. A part that has only one value in the column is left out.

    Attributes
    ----------
    start_ : ndarray of shape (n_features,)
        Earliest date of each column.
    cycles_ : list of list of int
        For each column, the indices of the rows of `CYCLES` that vary in it.

    Examples
    --------
    >>> from bpmodel.preprocessing.dates import DateEncoder
    >>> encoder = DateEncoder().fit([[0.0], [90.5]])    # 1970-01-01, and the noon of April 1
    >>> encoder.get_feature_names_out(["sold"])[:3].tolist()
    ['sold_days', 'sold_month_sin', 'sold_month_cos']
    >>> encoder.transform([[90.5]])[0, :3].round(6).tolist()
    [90.5, 1.0, 0.0]
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the earliest dates and the parts that vary in X, of shape (rows, columns)."""
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan")
        self.start_ = np.array([np.min(column, initial=np.inf, where=~np.isnan(column)) for column in X.T])
        self.start_[np.isinf(self.start_)] = 0.0  # a column without dates
        parts = _parts(X)
        self.cycles_ = [
            [i for i, part in enumerate(parts) if len(np.unique(part[~np.isnan(part[:, column]), column])) > 1]
            for column in range(X.shape[1])
        ]
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Return the encoded dates, of shape (rows, n_features_out)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        parts = _parts(X)
        columns = []
        for column, cycles in enumerate(self.cycles_):
            columns.append(X[:, column] - self.start_[column])
            for cycle in cycles:
                angle = 2 * np.pi * parts[cycle][:, column] / CYCLES[cycle].length
                columns += [np.sin(angle), np.cos(angle)]
        return np.column_stack(columns)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Return a name for each output."""
        names: list[str] = []
        for name, cycles in zip(
            OneToOneFeatureMixin.get_feature_names_out(self, input_features), self.cycles_, strict=True
        ):
            names.append(f"{name}_days")
            names += [f"{name}_{CYCLES[cycle].name}_{wave}" for cycle in cycles for wave in ("sin", "cos")]
        return np.array(names, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _parts(days: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return month, weekday and hour of dates, in the order of `CYCLES`; NaN for a missing date."""
    missing = np.isnan(days)
    known = np.where(missing, 0.0, days)
    moments = np.round(known * 86_400e3).astype("datetime64[ms]")  # 13 / 24 is inexact, and may be a little less
    month, day, hour = (moments.astype(f"datetime64[{unit}]").astype(np.int64) for unit in "MDh")
    return [np.where(missing, np.nan, part) for part in (month % 12, (day + MONDAY) % 7, hour % 24)]
