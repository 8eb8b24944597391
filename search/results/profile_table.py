"""What `bpsearch init` prints of a table: its columns, and what was found, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

from search.profiling.finding import Finding
from search.profiling.naming import quoted
from search.profiling.overview import Column
from search.tables.reading import number

MOST_ROWS = 40
"""Columns that are all listed; of more, those with a warning."""

LONGEST, LONGEST_EXAMPLE = 60, 12
NARROW = 76
"""Width below which there is no room for examples."""


class Cells(NamedTuple):
    """A column of the printed table."""

    text: Callable[[Column], str]
    width: int
    """Least width; whatever is left goes to the texts."""
    justify: JustifyMethod = "left"


CELLS = {
    "column": Cells(lambda column: _plain(column.name, LONGEST), 12),
    "kind": Cells(lambda column: column.kind, 8),
    "missing": Cells(lambda column: column.missing, 7, "right"),
    "distinct": Cells(lambda column: f"{column.distinct}", 8, "right"),
    "example": Cells(lambda column: _plain(column.example, LONGEST_EXAMPLE), 12),
    "becomes": Cells(lambda column: column.becomes, 10),
    "warning": Cells(lambda column: "; ".join(column.warnings), 10),
}


def table(columns: Sequence[Column], width: int) -> Table:
    """Return a table with a row for each column, or of many columns for those with a warning; it fits a width from 60 on."""
    shown = {name: cells for name, cells in CELLS.items() if width >= NARROW or name != "example"}
    rows = [[_plain(cells.text(column), LONGEST) for cells in shown.values()] for column in listed(columns)]
    room = width - sum(cells.width for cells in shown.values()) - len(shown)
    made = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for i, (name, cells) in enumerate(shown.items()):
        wanted = max([cells.width, *(cell_len(row[i]) for row in rows)])
        given = min(wanted - cells.width, max(room, 0))
        room -= given
        made.add_column(name, justify=cells.justify, width=cells.width + given, overflow="fold")
    for row in rows:
        made.add_row(*map(Text, row))
    return made


def listed(columns: Sequence[Column]) -> list[Column]:
    """Return the columns that get a row: all of up to `MOST_ROWS`, else up to so many that have a warning."""
    if len(columns) <= MOST_ROWS:
        return list(columns)
    return [column for column in columns if column.warnings][:MOST_ROWS]


def rest(columns: Sequence[Column]) -> str:
    """Return a line on the columns without a row; empty if there are none.

    >>> rest([Column(f"x{i}", "number", "1 (2 %)" if i else "", 9, "1", "scaled") for i in range(50)])
    'all 50 columns: 50 number; 49 with missing values'
    """
    shown = set(map(id, listed(columns)))
    others = [column for column in columns if id(column) not in shown]
    if not others:
        return ""
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(column.kind for column in others).items())
    gaps = sum(bool(column.missing) for column in others)
    warned = sum(bool(column.warnings) for column in others)
    more = [f"{gaps} with missing values"] * bool(gaps) + [f"{number(warned, 'other')} with a warning"] * bool(warned)
    return "; ".join([f"{f'{len(others)} other' if shown else f'all {len(others)}'} columns: {kinds}", *more])


def sentences(found: Sequence[Finding]) -> list[str]:
    """Return what was found, a sentence each, and what the study file has of it."""
    return [f"{finding.sentence}{_written(finding)}" for finding in found]


def _written(finding: Finding) -> str:
    """Name the keys that a finding writes; comments in brackets.

    >>> from search.profiling.finding import drop
    >>> _written(Finding("leak", ("a",), "…", "…", drop("a", active=False)))
    ' [comment: drop]'
    """
    keys = list(dict.fromkeys(change.key for change in finding.changes if change.active))
    comments = list(dict.fromkeys(change.key for change in finding.changes if not change.active))
    parts = [", ".join(keys)] * bool(keys) + [f"comment: {', '.join(comments)}"] * bool(comments)
    return f" [{'; '.join(parts)}]" if parts else ""


def _plain(text: str, most: int) -> str:
    """Return a text on one line, cut if it is long.

    >>> _plain("a" + chr(10), 9), _plain("abcdef", 4)
    ('"a\\\\n"', 'abc…')
    """
    if not text.isprintable():
        text = quoted(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"
