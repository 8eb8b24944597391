"""The values of a column of a known kind, as numbers or texts."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bpmodel.preprocessing.texts import dates, durations, numerals, truths
from bpmodel.preprocessing.texts.marks import Format, Hints, clean

MISSING = "missing"
"""The category level for a missing value."""

LARGEST = 1e150
"""Numbers beyond it count as infinite: their squares are not finite, so columns with them have no standard deviation."""


class _Writing(Protocol):
    """A module of `texts`."""

    def formats(self, texts: Sequence[str], counts: NDArray[np.integer], hints: Hints) -> list[Format]: ...

    def read(self, texts: Sequence[str], format: Format) -> NDArray[np.float64]: ...


class Written(NamedTuple):
    """A kind of values that texts may stand for.

    Attributes
    ----------
    texts : module
        Reads clean texts.
    default : dict
        The format where a column had no texts in fit.
    value : callable
        Returns the number for a value that is no text, NaN if it is of another kind.
    """

    texts: _Writing
    default: Format
    value: Callable[[Any], float]


def _truth(value: Any) -> float:
    return float(value) if isinstance(value, Real | np.bool_) and value in (0, 1) else np.nan


def _number(value: Any) -> float:
    if not isinstance(value, Real | Decimal | np.bool_):
        return np.nan
    try:
        return float(value)
    except (
        OverflowError,
        ValueError,
    ):  # of whole numbers and fractions beyond the largest float, and of signaling NaNs
        return np.nan


def _day(value: Any) -> float:
    if isinstance(value, datetime.date | np.datetime64 | pd.Period):
        return float(dates.iso_days(pd.Series([str(value)], dtype="str"))[0])
    text = f"{float(value):.17g}" if isinstance(value, Real) else ""
    if dates.is_compact(text) or dates.is_month(text):
        return float(dates.read([text], {})[0])
    return np.nan


def _second(value: Any) -> float:
    if isinstance(value, datetime.time):
        return value.hour * 3600.0 + value.minute * 60 + value.second + value.microsecond / 1e6
    if isinstance(value, datetime.timedelta | np.timedelta64):
        return pd.Timedelta(value).total_seconds()
    return _number(value)


def _written(texts: Any, default: Format, value: Callable[[Any], float]) -> Written:
    return Written(cast("_Writing", texts), default, value)


WRITTEN = {
    "truth": _written(truths, {"true": "true", "false": "false"}, _truth),
    "date": _written(dates, {"day_first": None}, _day),
    "duration": _written(durations, {}, _second),
    "number": _written(numerals, {"decimal": ".", "thousands": None, "unit": ""}, _number),
}
"""The kinds that are read from texts, in the order in which they are tried."""


def read(frame: pd.DataFrame, name: str, formats: Mapping[str, Format]) -> NDArray:
    """Return columns of one kind as an array of shape (rows, columns), in the unit of the kind: it may be a view of the table.

    Parameters
    ----------
    frame : DataFrame
    name : str
        A key of `KINDS`.
    formats : mapping of str to dict
        The format of the columns that have one.
    """
    if name == "number" and all(map(_is_numeric, frame.dtypes)):
        values = frame.to_numpy(dtype=np.float64, na_value=np.nan)
        usual = max(values.max(initial=0), -values.min(initial=0)) <= LARGEST  # not if one is NaN
        return values if usual else np.where(np.abs(values) <= LARGEST, values, np.nan)
    read_one = KINDS[name].read
    return np.column_stack([read_one(column, formats.get(str(label), {})) for label, column in frame.items()])


def numbers(column: pd.Series, format: Format) -> NDArray[np.float64]:
    """Return a column as numbers; NaN for values that are missing, infinite or no number."""
    if _is_numeric(column.dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        plain = format.get("decimal", ".") == "." and format.get("thousands") != "."
        values = _read_texts(column, "number", format, _plain_numbers(column) if plain else None)
    return np.where(np.abs(values) <= LARGEST, values, np.nan)


def _plain_numbers(column: pd.Series) -> pd.Series | None:
    """Return a column as numbers as pandas reads them; None if it cannot, as with whole numbers beyond the largest float."""
    try:
        return cast("pd.Series", pd.to_numeric(column, errors="coerce"))
    except OverflowError:
        return None


def truth_values(column: pd.Series, format: Format) -> NDArray[np.float64]:
    """Return a column of truth values, or words for them, as 0 and 1; NaN for anything else."""
    if column.dtype == bool:
        return column.to_numpy(dtype=np.float64)
    plain = _read_texts(column, "truth", {})
    return np.where(np.isnan(plain), _read_texts(column, "truth", format), plain) if format else plain


def days(column: pd.Series, format: Format = {}) -> NDArray[np.float64]:  # noqa: B006 - it is not changed
    """Return a column of dates as days since the start of 1970, in UTC if they have a time zone; NaN for anything else."""
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if pd.api.types.is_datetime64_any_dtype(column):
        return dates.iso_days(column)
    iso = None
    if pd.api.types.is_string_dtype(column.dtype):
        texts = as_texts(column)
        iso = pd.Series(dates.iso_days(texts.where(texts.str.fullmatch(dates.ISO.pattern))), index=column.index)
    return _read_texts(column, "date", format, iso)


def seconds(column: pd.Series, format: Format) -> NDArray[np.float64]:
    """Return a column of durations, or times of day, in seconds; NaN for anything else."""
    if pd.api.types.is_timedelta64_dtype(column):
        return column.dt.total_seconds().to_numpy(dtype=np.float64, na_value=np.nan)
    return numbers(column, {}) if _is_numeric(column.dtype) else _read_texts(column, "duration", format)


def labels(column: pd.Series, format: Format = {}) -> NDArray[np.object_]:  # noqa: B006 - it is not changed
    """Return a column of categories as texts; "missing" for missing values."""
    codes, levels = pd.factorize(column)
    names = np.array([*map(_label, levels), MISSING], dtype=object)
    return names[codes]


def as_texts(column: pd.Series) -> pd.Series:
    """Return a column as texts, also of bytes that are none; missing values stay missing.

    >>> as_texts(pd.Series([b"a\\xff", 1, None])).tolist()
    ['a�', '1', nan]
    """
    if column.dtype == object or isinstance(column.dtype, pd.CategoricalDtype):
        column = column.map(_decoded, na_action="ignore").astype(object)
    return column.astype("str")


def _decoded(value: Any) -> Any:
    """Return bytes as text, and anything else as it is."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _label(level: object) -> str:
    """Return the text of a category level; whole numbers give the same text whatever their type."""
    level = _decoded(level)
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)


def _is_numeric(dtype: Any) -> bool:
    return pd.api.types.is_numeric_dtype(dtype)


def _read_texts(column: pd.Series, name: str, format: Format, known: pd.Series | None = None) -> NDArray[np.float64]:
    """Return a column as numbers of one kind; each different value that is not `known` is read once."""
    values = np.full(len(column), np.nan)
    if known is not None:
        values = known.to_numpy(dtype=np.float64, na_value=np.nan).copy()
    left = np.flatnonzero(np.isnan(values) & column.notna().to_numpy(dtype=bool))
    if len(left):
        codes, levels = levels_of(column.iloc[left])
        written = WRITTEN[name]
        values[left] = np.append(values_of(levels, written, format or written.default), np.nan)[codes]
    return values


def values_of(levels: Sequence[Any], written: Written, format: Format) -> NDArray[np.float64]:
    """Return the numbers that different values stand for; NaN for those that cannot be read, or are infinite."""
    texts = [level for level in levels if isinstance(level, str)]
    read = iter(written.texts.read(texts, format))
    numbers = np.array(
        [next(read) if isinstance(level, str) else written.value(level) for level in levels], dtype=np.float64
    )
    return np.where(np.abs(numbers) <= LARGEST, numbers, np.nan)


def levels_of(column: pd.Series) -> tuple[NDArray[np.intp], list[Any]]:
    """Return the index of each value among the different ones, -1 if it is missing, and these; texts are clean."""
    try:
        codes, levels = pd.factorize(column.astype(object))
    except TypeError:  # lists and the like have no hash
        return np.arange(len(column)), column.tolist()
    cleaned = [clean(level) if isinstance(level, str) else level for level in map(_decoded, levels)]
    if len(set(cleaned)) < len(cleaned):
        again, different = pd.factorize(np.array(cleaned, dtype=object))
        return np.append(again, -1)[codes], list(different)
    return codes, cleaned


class Kind(NamedTuple):
    """How a column of one kind is read, given its format."""

    read: Callable[[pd.Series, Format], NDArray]
    filled: bool
    """Whether missing values are read as NaN and must be filled."""
    used: bool = True
    """Whether a network sees them: texts that are nearly all different are no input."""


KINDS = {
    "number": Kind(numbers, True),
    "truth": Kind(truth_values, True),
    "date": Kind(days, True),
    "duration": Kind(seconds, True),
    "category": Kind(labels, False),
    "text": Kind(labels, False, used=False),
}


def typed(column: pd.Series, kind: str, format: Format, known: NDArray[np.float64] | None = None) -> pd.Series:
    """Return a column with the values that its texts stand for: floats (durations in seconds), truth values or dates.

    `known` are these values in the unit of the kind, if they have been read before.

    >>> typed(pd.Series(["29/03/2024", None]), "date", {"day_first": True}).tolist()
    [Timestamp('2024-03-29 00:00:00'), NaT]
    """
    values = KINDS[kind].read(column, format) if known is None else known
    made: Any
    if kind == "date":
        moments = np.full(len(values), "NaT", dtype="datetime64[us]")
        known = ~np.isnan(values)
        moments[known] = np.round(values[known] * dates.EPOCH_DAY).astype("datetime64[us]")
        made = moments
    elif kind == "truth":
        names = np.array([False, True, None], dtype=object)
        made = names[np.where(np.isnan(values), 2, values).astype(int)]
        made = made.astype(bool) if not np.isnan(values).any() else made
    else:
        made = values
    return pd.Series(made, index=column.index, name=column.name)
