"""What each column of a table is, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from search.profiling.evidence import Evidence
from search.profiling.finding import Finding
from search.profiling.findings import dropped, keys
from search.profiling.naming import share, shown

LEVELS = 32
"""Levels of a category that get an input each; the rarest share one."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name, kind : str
    missing : str
        The number of missing values and their share; empty if there are none.
    distinct : int
    example : str
        The first value.
    becomes : str
        What the preprocessing makes of it.
    warnings : tuple of str
    """

    name: str
    kind: str
    missing: str
    distinct: int
    example: str
    becomes: str
    warnings: tuple[str, ...] = ()


def _levels(column: pd.Series, distinct: int) -> str:
    levels = distinct + bool(column.isna().any())
    return f"one-hot, {levels} levels" if levels <= LEVELS else f"one-hot, {LEVELS} of {levels} levels"


def _date(column: pd.Series, distinct: int) -> str:
    dates = pd.to_datetime(column.dropna(), utc=True)
    fields = {"month": dates.dt.month, "weekday": dates.dt.day_of_week, "hour": dates.dt.hour}
    parts = [name for name, field in fields.items() if field.nunique() > 1]
    return f"days; {', '.join(parts)} on a circle" if parts else "days"


BECOMES: dict[str, Callable[[pd.Series, int], str]] = {
    "number": lambda column, distinct: "scaled",
    "duration": lambda column, distinct: "scaled",
    "truth": lambda column, distinct: "0 and 1",
    "date": _date,
    "category": _levels,
    "text": lambda column, distinct: "left out",
}
"""What the preprocessing makes of each kind of column by default."""


def _example(value: object, kind: str) -> str:
    """Return a value as a person would write it.

    >>> _example(0.1 + 0.2, "number"), _example(pd.Timestamp("2024-02-29"), "date"), _example(True, "truth")
    ('0.3', '2024-02-29', 'true')
    """
    if kind in ("number", "truth"):
        return shown(value)
    return str(value).removesuffix("+00:00").removesuffix(" 00:00:00")


def columns(e: Evidence, found: Sequence[Finding]) -> list[Column]:
    """Return one row for each column of a table, in their order."""
    out, group = set(dropped(found)), {c.value for c, _ in keys(found, "cv") if c.key == "group" and c.active}
    rows = []
    for name in e.X.columns:
        column, distinct, gaps = e.X[name], e.distinct[name], e.gaps[name]
        becomes = (
            "left out" if name in out else "the group" if name in group else BECOMES[e.kinds[name]](column, distinct)
        )
        if gaps and becomes == "scaled":
            becomes = "median where missing, scaled"
        filled = column.dropna()
        example = "" if filled.empty else _example(filled.iloc[0], e.kinds[name])
        warnings = tuple(dict.fromkeys(finding.why for finding in found if name in finding.columns))
        missing = f"{gaps} ({share(gaps, len(e.y))})" if gaps else ""
        rows.append(Column(str(name), e.kinds[name], missing, distinct, example, becomes, warnings))
    return rows
