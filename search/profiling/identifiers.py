"""Columns that only tell rows apart, or do not even do that: constants, row numbers, identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bpmodel.preprocessing.texts import dates
from bpmodel.preprocessing.texts.marks import Hints, clean
from bpmodel.preprocessing.values import as_texts
from search.profiling import limits
from search.profiling.evidence import Evidence
from search.profiling.finding import Finding, drop
from search.profiling.naming import like_a_time, like_an_identifier, shown

HASH = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}|[0-9a-f]{16,64}", re.IGNORECASE)


def constants(e: Evidence) -> Iterator[Finding]:
    """Find columns with one value in all rows, or none. One value and gaps are two values: whether it is filled may matter."""
    for name in e.X.columns:
        if e.distinct[name] == 0:
            yield Finding("constant", (name,), f"{shown(name)} has no value in any row", "empty", drop(name))
        elif e.distinct[name] == 1 and not e.gaps[name]:
            value = shown(e.X[name].iloc[0])
            yield Finding("constant", (name,), f"{shown(name)} is {value} in every row", "constant", drop(name))


def row_numbers(e: Evidence) -> Iterator[Finding]:
    """Find columns that count the rows from 0 or 1, in any order; a column that is called a time is not one."""
    n = len(e.y)
    for name in _all_different(e):
        values = e.numbers[name]
        low, high = int(values.min()), int(values.max())
        if low in (0, 1) and high - low == n - 1 and not like_a_time(name):
            ordered = "" if values.is_monotonic_increasing or values.is_monotonic_decreasing else ", in another order"
            yield Finding(
                "row_number",
                (name,),
                f"{shown(name)} counts the rows from {low} to {high}{ordered}",
                "row number",
                drop(name),
            )


def identifiers(e: Evidence) -> Iterator[Finding]:
    """Find columns whose values are all different and no amounts: numbers that were given out, and texts.

    Whole numbers count if so many draws from their range would hardly be all different, if their name says so, or if all have the
    same number of digits, ten or more, as numbers of phones and insurances have.
    """
    n = len(e.y)
    for name in _all_different(e):
        values = e.numbers[name].to_numpy()
        step = np.gcd.reduce(np.diff(np.sort(values)).astype(np.int64))
        places = (values.max() - values.min()) / max(step, 1) + 1
        named = like_an_identifier(name)
        given_out = named or n * n / (2 * places) >= limits.WITHOUT_REPEATS or _as_long(values)
        if given_out and not like_a_time(name):
            sentence = f"{shown(name)} has another whole number in each row, such as {shown(float(values[0]))}"
            yield Finding("identifier", (name,), sentence, "all different", drop(name))
    for name in e.named("category", "text"):
        filled = n - e.gaps[name]
        if filled < limits.FEWEST_ROWS or e.distinct[name] < filled * limits.MOSTLY_DIFFERENT:
            continue
        different = e.distinct[name] == filled
        if not different and e.kinds[name] != "text" and not like_an_identifier(name):
            continue
        texts = as_texts(e.X[name].dropna())
        if dates.ambiguous(list(map(clean, texts)), np.ones(len(texts), dtype=np.intp), Hints()):
            continue  # dates whose day and month cannot be told apart: `day_first` makes them a feature
        what = "code" if texts.head(100).map(lambda text: bool(HASH.fullmatch(text))).all() else "text"
        count = f"another {what} in each row" if different else f"{e.distinct[name]} different {what}s in {filled} rows"
        why = "all different" if different else "nearly all different"
        yield Finding(
            "identifier", (name,), f"{shown(name)} has {count}, such as {shown(texts.iloc[0])}", why, drop(name)
        )


def _as_long(values: NDArray[np.float64]) -> bool:
    digits = {len(f"{value:.0f}") for value in values}
    return len(digits) == 1 and min(digits) >= limits.LONG


def _all_different(e: Evidence) -> list[str]:
    """Return the columns of whole numbers that are all different, of tables with enough rows."""
    n = len(e.y)
    if n < limits.FEWEST_ROWS:
        return []
    return [name for name in e.named("number") if e.distinct[name] == n and e.whole(name) and _small(e, name)]


def _small(e: Evidence, name: str) -> bool:
    """Return whether all values are exact as floats; larger ones may only look whole and different."""
    return float(e.numbers[name].abs().max()) < 2.0**53
