"""Numbers that stand for a missing value, such as -999."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from search.profiling import limits
from search.profiling.evidence import Evidence
from search.profiling.finding import Change, Finding
from search.profiling.naming import listed

SENTINELS = (-999999, -99999, -9999, -999, -998, -200, -99, -9, 9999, 99999, 999999, 999.9, 9999.9, 99999.9)
"""Numbers that loggers, weather services and surveys write for what they do not know."""


def sentinels(e: Evidence) -> Iterator[Finding]:
    """Find columns in which one of `SENTINELS` repeats, and lies far from all other values or is the only negative one."""
    columns = {name: e.numbers[name].dropna() for name in e.named("number")}
    for sentinel in SENTINELS:
        names = tuple(name for name, values in columns.items() if _stands_apart(values, sentinel))
        if names:
            text = f"{sentinel:g}"
            verb = "has" if len(names) == 1 else "have"
            sentence = (
                f"{listed(names)} {verb} the value {text} several times, apart from all others: does it mean missing?"
            )
            change = Change("data", "na_values", ["", "NA", text], active=False)
            yield Finding("sentinel", names, sentence, f"if {text} means missing", (change,))


def _stands_apart(values: pd.Series, sentinel: float) -> bool:
    """Return whether a value repeats, and is farther from the nearest other value than these are from each other.

    A negative value beside others from 0 on needs no such distance if it is frequent.
    """
    times, others = int((values == sentinel).sum()), values[values != sentinel]
    if times < limits.SENTINEL_TIMES or len(others) < limits.FEWEST_ROWS:
        return False
    low, high = float(others.min()), float(others.max())
    frequent = times >= limits.ROW_COPIES * len(values)
    return max(low - sentinel, sentinel - high) > high - low or (sentinel < 0 <= low and frequent)
