"""Rows of the same form as those of a table, none of which is one of them: examples that tell nobody's data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bpmodel.preprocessing.values import KINDS

DIGITS = re.compile(r"\d+")
YEAR, DAY = 4, 8
"""Digits of a year, and of a day that is written in one piece."""

TEXT = "text"

SPARE = 6
"""Rows that are tried beside those that are asked for, five or one: these are then a prime number."""

NOUGHT = 1e-2
"""Standard deviations below which a number that is made up is 0."""


def rows(
    table: pd.DataFrame, kinds: Mapping[str, str], formats: Mapping[str, Mapping[str, Any]], n: int
) -> pd.DataFrame:
    """Return up to n made-up rows, in the types of JSON: fewer if some would be rows of the table, but at least one.

    Numbers and durations lie around the mean, and dates around the middle, with two digits and at the beginning of a year. Texts
    that are read as numbers, dates or durations keep their form, with other digits. Categories and truth values are levels,
    the most frequent first: the model holds these anyway. Other texts are the word "text".

    Parameters
    ----------
    table : DataFrame
    kinds : mapping of str to str
        Kind of each column, a key of `bpmodel.preprocessing.values.KINDS` or "other".
    formats : mapping of str to dict
        How the texts of a column are read.
    n : int

    Examples
    --------
    >>> table = pd.DataFrame({"area": [61.2, 80.9], "name": ["Ann Lee", "Bo Li"], "sold": ["24.12.2023", "03.05.2022"]})
    >>> rows(table, {"area": "number", "name": "text", "sold": "date"}, {"sold": {"day_first": True}}, 1).to_dict("records")
    [{'area': 71.0, 'name': 'text', 'sold': '11.11.2011'}]
    """
    tried = n + SPARE
    made = {}
    for j, (name, values) in enumerate(table.items()):
        cells = column(values, kinds.get(str(name), "other"), formats.get(str(name), {}), tried)
        made[name] = [cells[i * (j % (tried - 1) + 1) % tried] for i in range(tried)]  # so that equal columns differ
    kept = [i for i in range(tried) if not _is_there(table, {name: cells[i] for name, cells in made.items()})][:n] or [
        0
    ]
    return pd.DataFrame(
        {name: pd.Series([cells[i] for i in kept], dtype=object).infer_objects() for name, cells in made.items()}
    )


def _is_there(table: pd.DataFrame, row: Mapping[Any, Any]) -> bool:
    same = np.arange(len(table))
    for name, values in table.items():
        left = values if len(same) == len(values) else values.iloc[same]
        same = same[(left.astype(object) == row[name]).fillna(False).to_numpy(dtype=bool)]
    return bool(len(same))


def column(values: pd.Series, kind: str, format: Mapping[str, Any], n: int) -> list[Any]:
    """Return n made-up values of a column, in the types of JSON; None where nothing can be made up."""
    known = values[values.notna().to_numpy(dtype=bool)]
    if not len(known):
        return [None] * n
    if pd.api.types.is_bool_dtype(known.dtype) or kind in ("truth", "category"):
        levels = known.value_counts(sort=True).index.tolist()
        return [_plain(levels[i % len(levels)]) for i in range(n)]
    if pd.api.types.is_datetime64_any_dtype(known.dtype):
        years = known.dt.year.to_numpy(dtype=float)
        return [f"{year:04d}-01-01" for year in _around(years, n, whole=True, digits=YEAR)]
    if pd.api.types.is_timedelta64_dtype(known.dtype):
        return _around(known.dt.total_seconds().to_numpy(dtype=float), n)
    if pd.api.types.is_numeric_dtype(known.dtype):
        return _around(known.to_numpy(dtype=float), n, whole=pd.api.types.is_integer_dtype(known.dtype))
    if kind in KINDS and KINDS[kind].filled:
        return _of_objects(known, kind, format, n)
    return [TEXT if isinstance(known.iloc[0], str) else None] * n


def cells(values: NDArray, n: int) -> list[Any]:
    """Return n made-up values for a column of an array."""
    found = pd.Series(values).infer_objects()
    numbers = pd.api.types.is_numeric_dtype(found.dtype)
    return column(found, "number" if numbers else "category", {}, n)


def _of_objects(known: pd.Series, kind: str, format: Mapping[str, Any], n: int) -> list[Any]:
    """Return values for texts and objects that are read as numbers, dates or durations."""
    readable = np.isfinite(KINDS[kind].read(known, dict(format)))
    texts = known[[isinstance(value, str) and is_read for value, is_read in zip(known, readable, strict=True)]]
    if not len(texts):
        numbers = KINDS[kind].read(known, dict(format))
        return _around(numbers[np.isfinite(numbers)], n) if kind != "date" else [f"{2011 + i}-11-11" for i in range(n)]
    form = str(texts.iloc[0])
    made = [_other_digits(form, i) for i in range(n)]
    read = KINDS[kind].read(pd.Series(made, dtype=object), dict(format))
    return [text if finite else None for text, finite in zip(made, np.isfinite(read), strict=True)]


def _other_digits(text: str, i: int) -> str:
    """Return a text of the same form with other digits: the eleventh of November of a year, or ones.

    >>> _other_digits("2024-02-29T13:45:00", 3), _other_digits("1.234,50 €", 0), _other_digits("20240229", 0)
    ('2014-11-11T11:11:11', '1.111,11 €', '20111111')
    """

    def other(found: re.Match[str]) -> str:
        run = len(found[0])
        year = f"20{11 + i % 9}"
        return year if run == YEAR else f"{year}1111" if run == DAY else "1" * run

    return DIGITS.sub(other, text)


def _around(values: NDArray[np.float64], n: int, *, whole: bool = False, digits: int = 2) -> list[Any]:
    """Return n numbers around the mean of others, with few digits, and no sign that none of the others has."""
    values = values[np.isfinite(values)]
    if not len(values):
        return [None] * n
    scale = float(np.max(np.abs(values))) or 1.0
    mean, std = scale * float(np.mean(values / scale)), scale * float(np.std(values / scale))
    near = [mean + step * std for step in _steps(n)]
    made = [0.0 if abs(value) < NOUGHT * std else float(f"{value:.{digits}g}") for value in near]
    made = [abs(value) for value in made] if values.min() >= 0 else made
    return [round(value) for value in made] if whole else made


def _steps(n: int) -> Sequence[float]:
    """Return steps of half a standard deviation, to both sides in turn.

    >>> _steps(4)
    [0.0, 0.5, -0.5, 1.0]
    """
    return [0.5 * ((i + 1) // 2) * (1 if i % 2 else -1) + 0.0 for i in range(n)]


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, str | bool | int | float) else str(value)
