"""Tables with few rows."""

from __future__ import annotations

from collections.abc import Iterator

from search.profiling import limits
from search.profiling.evidence import Evidence
from search.profiling.finding import Change, Finding
from search.tables.reading import number

REPEATS = 3


def few_rows(e: Evidence) -> Iterator[Finding]:
    """Find a table with so few rows that scores depend on the split: splits are repeated, or there are fewer folds."""
    n = len(e.y)
    if n >= limits.FEW_ROWS:
        return
    changes = [Change("cv", "repeats", REPEATS)]
    if n < e.n_splits:
        changes.append(Change("cv", "n_splits", max(2, n)))
    told = f"there are only {number(n, 'row')}: the score of one split is mostly luck"
    sentence = f"{told}, and the mean of {REPEATS} splits says more"
    yield Finding("few_rows", (), sentence, "few rows", tuple(changes))


def wide(e: Evidence) -> Iterator[Finding]:
    """Find a table with more columns than rows."""
    if e.X.shape[1] > len(e.y):
        told = f"there are more columns ({e.X.shape[1]}) than rows ({len(e.y)})"
        sentence = f"{told}: chance relations are likely, and strong regularization (alpha) is needed"
        yield Finding("wide", (), sentence, "more columns than rows")
