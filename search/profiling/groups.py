"""Rows that belong together, such as those of one patient: they must not be split between folds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from search.profiling import limits
from search.profiling.evidence import Evidence
from search.profiling.finding import Change, Finding
from search.profiling.naming import like_a_time, like_an_identifier, shown

MOST_KEYS, MOST_ROWS = 300, 20_000
"""Groups that are looked at, and their rows, lest it take long; of more, the first in order of value."""


def groups(e: Evidence) -> Iterator[Finding]:
    """Find the column whose values name groups of rows that are alike.

    Candidates are texts and whole numbers with two rows a value or more. The share of variance between groups is taken of each
    other column: where it is at least `ALIKE` in half of them (two or more), the group is written as a key. It is a comment where
    the column's name is an identifier's, or where the mean share of the others and that of the target are at least `SIMILAR`.
    Of several candidates, the one with the most groups is told.
    """
    found = [finding for name in _candidates(e) if (finding := _judged(e, name))]
    if found:
        yield max(found, key=lambda finding: (finding.written, e.distinct[finding.columns[0]]))


def _candidates(e: Evidence) -> list[str]:
    named = [name for name in e.named("category", "text", "number") if not like_a_time(name)]
    return [
        name
        for name in named
        if limits.KEYS <= e.distinct[name] <= len(e.y) / 2
        and (e.kinds[name] != "number" or e.whole(name))
        and not e.gaps[name]
    ]


def _judged(e: Evidence, name: str) -> Finding | None:
    keys = e.numbers[name].to_numpy()
    rows = np.flatnonzero(np.isin(keys, np.unique(keys)[:MOST_KEYS]))[:MOST_ROWS]
    others = [other for other in e.X.columns if other != name and e.distinct[other] > 1]
    shares = [_between(e.numbers[other].to_numpy()[rows], keys[rows]) for other in others]
    own = _between(e.target[rows], keys[rows])
    known = np.array([share for share in shares if not np.isnan(share)])
    fixed = int((known >= limits.ALIKE).sum())
    strong = fixed >= 2 and fixed >= len(known) / 2
    similar = len(known) > 0 and known.mean() >= limits.SIMILAR and own >= limits.SIMILAR
    if not (strong or similar or like_an_identifier(name)):
        return None
    count = e.distinct[name]
    rows_each = f"{shown(name)} has {count} values with {len(e.y) / count:.3g} rows each"
    alike = f", whose rows agree in {fixed} other columns" if strong else ""
    sentence = f"{rows_each}{alike}: if new rows will have new values of it, keep its rows in one fold"
    return Finding("group", (name,), sentence, "group of rows", (Change("cv", "group", name, active=strong),))


def _between(values: NDArray[np.float64], keys: NDArray[np.float64]) -> float:
    """Return the share of the variance of values that lies between groups; NaN where it has none.

    1 - (pooled variance within groups) / (variance of all), by the values that are there.
    """
    frame = pd.DataFrame({"value": values, "key": keys}).dropna()
    total = frame["value"].var()
    grouped = frame.groupby("key")["value"]
    sizes = grouped.size()
    freedom = int((sizes - 1).sum())
    if not total > 0 or freedom < 1:
        return float("nan")
    within = float((grouped.var().fillna(0) * (sizes - 1)).sum()) / freedom
    return 1 - within / float(total)
