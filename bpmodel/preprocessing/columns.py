"""What a column is, decided from all its values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bpmodel.preprocessing.texts import dates
from bpmodel.preprocessing.texts.marks import Format, Hints, is_missing
from bpmodel.preprocessing.values import WRITTEN, Written, levels_of, values_of

FEW = 12
"""Up to so many different whole numbers beside other texts may be codes, such as 1, 2, 3 and X: then they are a category."""

MOST_UNREAD = 0.1
"""Share of the values that may be unreadable in a column of numbers, dates or the like."""

MOST_WORDS, MOST_IN_WORDS = 3, 0.5
"""So many different words, without digits, may have up to this share of the values instead."""

LEAST_TEXTS, NEARLY_UNIQUE = 20, 0.9
"""From so many values on, a column is text if more than this share are different."""

SENTENCES, LEAST_DIFFERENT = 5.0, 0.5
"""A column is also text if its values have so many words on average, and more than this share are different."""

TRIED = 1000
"""Different texts, spread over all, from which it follows how texts are written."""

FIRST = 1000
"""Rows of which the first value that is not missing must be a date for whole numbers to be dates."""

CONTAINERS = (list, tuple, dict, set, frozenset, np.ndarray)


class Found(NamedTuple):
    """What a column is.

    Attributes
    ----------
    kind : str
        A key of `bpmodel.preprocessing.values.KINDS`.
    format : dict
        How its texts are written; empty if they are not read as anything else.
    unread : ndarray of int
        Positions of the values that are not missing, but cannot be read and count as missing.
    values : ndarray of float, optional
        The numbers that the texts stand for, in the unit of the kind.
    """

    kind: str
    format: Format = {}  # noqa: RUF012 - a tuple has no other place
    unread: NDArray[np.intp] = np.empty(0, dtype=np.intp)
    values: NDArray[np.float64] | None = None


INFERRED = {
    "boolean": "truth",
    "integer": "number",
    "floating": "number",
    "mixed-integer-float": "number",
    "decimal": "number",
    "datetime": "date",
    "datetime64": "date",
    "date": "date",
    "period": "date",
    "timedelta": "duration",
    "timedelta64": "duration",
    "time": "duration",
}
"""Kinds of columns of Python objects without texts, by pandas' names for their inferred types."""


def kind(column: pd.Series) -> str:
    """Return the kind of a column: "number", "truth", "date", "duration", "category" or "text"; see `describe`.

    >>> kind(pd.Series([1, 2])), kind(pd.Series([True, None])), kind(pd.Series(["2024-02-29"])), kind(pd.Series(["a"]))
    ('number', 'truth', 'date', 'category')
    """
    return describe(column).kind


def describe(column: pd.Series, hints: Hints = Hints()) -> Found:  # noqa: B008 - it cannot be changed
    """Decide what a column is, from its type or, for texts and Python objects, from all its values.

    Texts are numbers, dates, durations or truth values if nearly all of them can be read as such: marks for missing values,
    such as ``?``, do not count, and up to a tenth of the others may be unreadable. These count as missing. Digits that begin
    with 0 are codes. Whole numbers with eight digits are dates if all of them are, such as 20240229. Other texts are a category,
    or "text" if nearly all are different: then there is nothing to learn from them.

    Raises
    ------
    ValueError
        If it has complex numbers, or lists and the like.

    Examples
    --------
    >>> describe(pd.Series(["$1,200", "$950", "?"])).format
    {'decimal': '.', 'thousands': None, 'unit': '$'}
    >>> describe(pd.Series(["29.03.2024", "01.04.2024"])).kind
    'date'
    """
    types = pd.api.types
    if _is_category(column):
        return Found("category")
    if types.is_bool_dtype(column):
        return Found("truth")
    if types.is_complex_dtype(column):
        raise ValueError(f"Complex data not supported: column {column.name!r} has complex numbers")
    if types.is_numeric_dtype(column):
        return Found("date" if _compact_dates(column) else "number")
    if types.is_datetime64_any_dtype(column):
        return Found("date")
    inferred = types.infer_dtype(column, skipna=True)
    if inferred in INFERRED:
        return Found(INFERRED[inferred])
    codes, levels = levels_of(column)
    if refused := next((type(level).__name__ for level in levels if isinstance(level, CONTAINERS)), None):
        raise ValueError(f"column {column.name!r} has a {refused} in a cell; a cell must hold one value")
    return _from_levels(codes, levels, hints)


def _from_levels(codes: NDArray[np.intp], levels: Sequence[Any], hints: Hints) -> Found:
    """Decide what a column of texts and other objects is."""
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    is_text = np.array([isinstance(level, str) for level in levels], dtype=bool)
    if not is_text.any():
        return Found("category")
    texts = [level for level in levels if isinstance(level, str)]
    marks = np.array([isinstance(level, str) and is_missing(level) for level in levels], dtype=bool)
    for name, written in WRITTEN.items():
        best: tuple[int, Format, NDArray[np.float64]] | None = None
        for way in _ways(written, texts, counts[is_text], hints):
            values = values_of(levels, written, way)
            lost = int(counts[np.isnan(values) & ~marks].sum())
            if best is None or lost < best[0]:
                best = lost, way, values
            if not best[0]:
                break
        if best is not None and _tolerated(best[2], levels, counts, marks):
            rows = np.append(best[2], np.nan)[codes]
            return Found(name, best[1], np.flatnonzero(np.isnan(rows) & (codes >= 0)), rows)
    return Found("text" if _is_text(texts, counts[is_text], counts.sum()) else "category")


def _ways(written: Written, texts: Sequence[str], counts: NDArray[np.intp], hints: Hints) -> list[Format]:
    """Return the ways in which texts may be written, the likeliest first; none if it reads less than half of the rows."""
    step = -(-len(texts) // TRIED)
    some, weights = texts[::step], counts[::step]
    ways = written.texts.formats(some, weights, hints)
    likely = ways[0] if ways else written.default
    readable = np.isfinite(written.texts.read(some, likely)) | np.array([is_missing(text) for text in some])
    if weights[readable].sum() < weights.sum() / 2:
        return []
    return ways if ways or step == 1 else written.texts.formats(texts, counts, hints)


def _tolerated(
    values: NDArray[np.float64], levels: Sequence[Any], counts: NDArray[np.intp], marks: NDArray[np.bool_]
) -> bool:
    """Return whether enough of the different values were read for the others to be missing: see the constants of this module."""
    known = ~np.isnan(values)
    unread = ~known & ~marks
    if not known.any():
        return False
    if not unread.any():
        return True
    if known.sum() <= FEW and (values[known] % 1 == 0).all():
        return False
    share = counts[unread].sum() / counts[known | unread].sum()
    words = [not any(map(str.isdigit, str(levels[i]))) for i in np.flatnonzero(unread).tolist()]
    return bool(share <= MOST_UNREAD or (all(words) and len(words) <= MOST_WORDS and share <= MOST_IN_WORDS))


def _is_text(texts: Sequence[str], counts: NDArray[np.intp], total: int) -> bool:
    if total < LEAST_TEXTS:
        return False
    different = len(texts) / total
    words = sum(len(text.split()) * int(n) for text, n in zip(texts, counts, strict=True)) / counts.sum()
    return different > NEARLY_UNIQUE or (different > LEAST_DIFFERENT and words >= SENTENCES)


def _is_category(column: pd.Series) -> bool:
    arrow = getattr(column.dtype, "pyarrow_dtype", "")
    return isinstance(column.dtype, pd.CategoricalDtype) or str(arrow).startswith("dictionary")


def _compact_dates(column: pd.Series) -> bool:
    """Return whether numbers are dates: all are days such as 20240229, two or more, or months such as 202402, `FEW` or more."""
    first = column.head(FIRST).dropna()
    for is_date, least in ((dates.is_compact, 2), (dates.is_month, FEW)):
        if len(first) and is_date(f"{float(first.iloc[0]):.17g}"):  # spares most columns the others
            different = column.dropna().unique()
            return len(different) >= least and all(is_date(f"{float(value):.17g}") for value in different)
    return False
