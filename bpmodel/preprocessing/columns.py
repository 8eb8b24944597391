"""Detect the kind of a raw column, and read its values as numbers or texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ISO_DATE = r"\d{4}-\d{2}(?:-\d{2}(?:[T ].*)?)?"
MISSING = "missing"
"""The category level for a missing value."""

INFERRED = {
    "boolean": "truth",
    "integer": "number",
    "floating": "number",
    "mixed-integer-float": "number",
    "decimal": "number",
    "datetime": "date",
    "datetime64": "date",
    "date": "date",
}
"""Kinds of columns of Python objects, by pandas' names for their inferred types."""


def kind(column: pd.Series) -> str:
    """Return the kind of a column: "number", "truth", "date" or "category".

    A text column has the kind "date" if all its values are ISO dates (``2024-02``, ``2024-02-29``, with or without a time).
    Otherwise it is a "category", even if all texts are digits (real numbers would have been read as numbers) or it has no texts.

    Raises
    ------
    ValueError
        If it has complex numbers.

    Examples
    --------
    >>> kind(pd.Series([1, 2])), kind(pd.Series([True, None])), kind(pd.Series(["2024-02-29"])), kind(pd.Series(["a"]))
    ('number', 'truth', 'date', 'category')
    """
    types = pd.api.types
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "category"
    if types.is_bool_dtype(column):
        return "truth"
    if types.is_complex_dtype(column):
        raise ValueError(f"Complex data not supported: column {column.name!r} has complex numbers")
    if types.is_numeric_dtype(column):
        return "number"
    if types.is_datetime64_any_dtype(column):
        return "date"
    inferred = types.infer_dtype(column, skipna=True)
    if inferred == "string":
        return "date" if _all_dates(column.dropna()) else "category"
    return INFERRED.get(inferred, "category")


def _all_dates(texts: pd.Series) -> bool:
    """Return whether there are texts and all are dates; if the first is not, the others are not read."""
    return bool(len(texts)) and re.fullmatch(ISO_DATE, texts.iloc[0]) is not None and not np.isnan(days(texts)).any()


def numbers(frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return columns as numbers; NaN for values that are missing, infinite or not a number."""
    if not all(map(pd.api.types.is_numeric_dtype, frame.dtypes)):
        frame = pd.DataFrame({name: pd.to_numeric(column, errors="coerce") for name, column in frame.items()})
    values = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def truths(column: pd.Series) -> NDArray[np.float64]:
    """Return a column of booleans, or their names, as 0 and 1; NaN for anything else."""
    if column.dtype == bool:
        return column.to_numpy(dtype=np.float64)
    names = {True: 1.0, False: 0.0, "True": 1.0, "False": 0.0}
    return column.astype(object).map(names).to_numpy(dtype=np.float64)


def days(column: pd.Series) -> NDArray[np.float64]:
    """Return a column of dates as days since the start of 1970, in UTC if they have a time zone; NaN for anything else."""
    if not pd.api.types.is_datetime64_any_dtype(column):
        texts = column.astype("str")  # the text of a date is an ISO date
        column = texts.where(texts.str.fullmatch(ISO_DATE))
    dates = pd.to_datetime(column, format="ISO8601", errors="coerce", utc=True)
    moments = dates.dt.tz_localize(None).to_numpy("datetime64[us]")
    return np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / 86_400e6)


def labels(column: pd.Series) -> NDArray[np.object_]:
    """Return a column of categories as texts; "missing" for missing values."""
    codes, levels = pd.factorize(column)
    names = np.array([*map(_label, levels), MISSING], dtype=object)
    return names[codes]


def _label(level: object) -> str:
    """Return the text of a category level; whole numbers give the same text whatever their type."""
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)


def _one_by_one(read: Callable[[pd.Series], NDArray]) -> Callable[[pd.DataFrame], NDArray]:
    return lambda frame: np.column_stack([read(column) for _, column in frame.items()])


class Kind(NamedTuple):
    """How columns of one kind are read into an array of shape (rows, columns)."""

    read: Callable[[pd.DataFrame], NDArray]
    filled: bool
    """Whether missing values are read as NaN and must be filled."""


KINDS = {
    "number": Kind(numbers, True),
    "truth": Kind(_one_by_one(truths), True),
    "date": Kind(_one_by_one(days), True),
    "category": Kind(_one_by_one(labels), False),
}
