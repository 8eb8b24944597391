"""Rows in the order of time: shuffled folds would train on the neighbors of the rows they validate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from search.profiling import limits
from search.profiling.evidence import Evidence
from search.profiling.finding import Change, Finding
from search.profiling.naming import like_a_time, listed, shown
from search.profiling.spacing import spacing

PARTS = {
    "year": (r"(?:^|_)(?:year|yr|jahr)$|^年份?$", 0, 2200),
    "month": (r"(?:^|_)(?:month|mnth|mon|monat)$|^月份?$", 1, 12),
    "day": (r"(?:^|_)(?:day|dom|tag)$|^日$", 1, 31),
    "hour": (r"(?:^|_)(?:hour|hr|stunde)$|^小?时$", 0, 23),
}
"""Parts of a date in columns of their own: their names, least and largest value; from the longest part to the shortest."""


def time_columns(e: Evidence) -> Iterator[Finding]:
    """Find a column that orders the rows: dates without gaps, or different numbers that are called a time.

    Its values only rise, or only fall, in the order of the file, or they are dates that are nearly all different. ``time`` is
    written if they rise or fall and the target depends on its predecessor; else it is a comment.
    """
    found = [finding for name in _candidates(e) if (finding := _ordering(e, name))]
    if found:
        yield max(found, key=lambda finding: finding.written)


def _candidates(e: Evidence) -> list[str]:
    numbers = [n for n in e.named("number") if like_a_time(n) and e.distinct[n] == len(e.y)]
    return [n for n in (*e.named("date"), *numbers) if not e.gaps[n] and e.distinct[n] >= limits.FEWEST_ROWS]


def _ordering(e: Evidence, name: str) -> Finding | None:
    times = e.numbers[name]
    ordered = times.is_monotonic_increasing or times.is_monotonic_decreasing
    correlation = _autocorrelation(e, times.to_numpy())
    depends = correlation >= _limit(e.distinct[name])
    if not ordered and not (
        depends and e.kinds[name] == "date" and e.distinct[name] >= limits.MOSTLY_DIFFERENT * len(e.y)
    ):
        return None
    steps = spacing(e.every[name].dropna().to_numpy(), e.kinds[name] == "date")
    told = f"{shown(name)} orders the rows in time: {steps}"
    told += f"; the target resembles its predecessor (correlation {correlation:.2f})" if depends else ""
    written = ordered and depends
    told += (
        "; folds should be in time order"
        if written
        else "; shuffled folds are too optimistic if later rows are to be predicted"
    )
    changes = [Change("data", "time", name, active=written)]
    if e.task == "regression" and steps.regular and not steps.doubled and written:
        season = max(1, min(steps.season, len(e.y) // 10))
        changes.append(Change("data", "lags", season, active=False, why="to forecast the target from its last values"))
        across = ", but lags reach across gaps" if steps.gaps else ""
        told += f"; to forecast the target from its last values, set lags{across}"
    return Finding("time", (name,), told, "orders the rows", tuple(changes))


def parts_of_dates(e: Evidence) -> Iterator[Finding]:
    """Find year, month, day and hour in columns of their own, in whose order the rows are.

    Folds in the order of the file are written if year and month are there and the target depends on its predecessor.
    """
    if len(e.y) < limits.FEWEST_ROWS or e.named("date"):
        return
    columns = [name for pattern, low, high in PARTS.values() if (name := _part(e, pattern, low, high))]
    if len(columns) < 2 or _part(e, *PARTS["year"]) != columns[0]:
        return
    values = [e.numbers[name].to_numpy() for name in columns]
    place = np.zeros(len(e.y))
    for part, value in zip(columns, values, strict=True):
        before = place
        place = place * 10_000 + value
        if (np.diff(place) < 0).any():  # ordered by the longer parts alone
            columns, place = columns[: columns.index(part)], before
            break
    if len(columns) < 2:
        return
    correlation = _autocorrelation(e, np.arange(len(e.y), dtype=float))
    depends = correlation >= _limit(len(e.y))
    told = f"{listed(columns)} are parts of a date, and the rows are in its order"
    told += (
        f"; the target resembles its predecessor (correlation {correlation:.2f}): folds should be in the order of the rows"
        * depends
    )
    changes = (Change("cv", "kind", "time_series", active=depends),)
    yield Finding("parts_of_date", tuple(columns), told, "part of a date", changes)


def _part(e: Evidence, pattern: str, low: int, high: int) -> str | None:
    names = pd.Series(e.X.columns, dtype=object).astype(str)
    for name in e.X.columns[names.str.lower().str.contains(pattern).to_numpy(dtype=bool)]:
        if e.whole(name) and not e.gaps[name] and e.numbers[name].between(low, high).all():
            return str(name)
    return None


def _limit(n: int) -> float:
    return max(limits.AUTOCORRELATION, 3 / n**0.5)


def _autocorrelation(e: Evidence, times: NDArray[np.float64]) -> float:
    """Return the correlation of the target with its predecessor in time.

    Of classes, the most frequent one against the others is taken; of rows with the same time, the mean.
    """
    y = e.target
    if e.task == "classification":
        y = (y == np.bincount(y.astype(int)).argmax()).astype(float)
    means = pd.Series(y).groupby(times).mean().to_numpy()
    before, after = means[:-1], means[1:]
    if len(means) < limits.FEWEST_ROWS or before.std() == 0 or after.std() == 0:
        return 0.0
    return float(np.corrcoef(before, after)[0, 1])
