"""Numbers that stand for a missing value, such as -999."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from search.profiling import limits
from search.profiling.evidence import Evidence
from search.profiling.finding import Change, Finding
from search.profiling.naming import listed

SENTINELS = (-999999, -99999, -9999, -999, -998, -200, -99, -9, 9999, 99999, 999999, 999.9, 9999.9, 99999.9)
"""Numbers that loggers, weather services and surveys write for what they do not know."""


def sentinels(e: Evidence) -> Iterator[Finding]:
    """Find columns in which one of `SENTINELS` repeats, and lies far from all other values or is the only negative one."""
    cells = {name: e.numbers[name].to_numpy() for name in e.named("number")}
    columns = {name: values[~np.isnan(values)] for name, values in cells.items()}
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


def _stands_apart(values: NDArray[np.float64], sentinel: float) -> bool:
    """Return whether a value repeats, and is farther from the nearest other value than these are from each other.

    A negative value beside others from 0 on needs no such distance if it is frequent.
    """
    times = int(np.count_nonzero(values == sentinel))
    if times < limits.SENTINEL_TIMES or len(values) - times < limits.FEWEST_ROWS:
        return False
    others = values[values != sentinel]
    low, high = float(others.min()), float(others.max())
    frequent = times >= limits.ROW_COPIES * len(values)
    return max(low - sentinel, sentinel - high) > high - low or (sentinel < 0 <= low and frequent)
