"""Tables whose columns begin and end at the same characters in all lines, with blanks between them and inside of texts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from search.tables.reading import UnreadableError
from search.tables.text.cells import numeric_columns

LEAST = 4
"""Lines from which columns are guessed: blanks that stand below each other in fewer are chance."""

Columns = tuple[tuple[int, int], ...]
"""The first character of each column, and the first behind it."""


def columns(lines: Sequence[str]) -> Columns:
    """Return the columns of a table; empty if there are no two of them, or none of numbers.

    Examples
    --------
    >>> lines = ["name      size", "New York  12.5", "Ulm        7.5", "Den Haag   8.0"]
    >>> columns(lines)
    ((0, 8), (10, 14))
    """
    lines = [line.rstrip() for line in lines if line.strip()]
    if len(lines) < LEAST or any("\t" in line for line in lines):
        return ()
    width = max(map(len, lines))
    used = [any(i < len(line) and line[i] != " " for line in lines) for i in range(width)]
    edges = [i for i in range(width + 1) if (i < width and used[i]) != (i > 0 and used[i - 1])]
    found = tuple(zip(edges[::2], edges[1::2], strict=True))
    cells = [_cut(line, found) for line in lines[1:]]
    return found if len(found) > 1 and numeric_columns(cells, len(found)) else ()


def separated(line: str, columns: Columns, number: int) -> str:
    """Return a line with tabs between its columns.

    Raises
    ------
    UnreadableError
        If there is something between the columns.

    Examples
    --------
    >>> separated("Den Haag   8.0\\n", ((0, 8), (10, 14)), 4)
    'Den Haag\\t8.0\\n'
    """
    if len(line.rstrip()) > columns[-1][1] or any(
        line[end:start].strip() for (_, end), (start, _) in pairwise(columns)
    ):
        raise UnreadableError(f"line {number} does not fit the columns of the lines above: {line.strip()!r}")
    return "\t".join(_cut(line, columns)) + "\n" if line.strip() else "\n"


def _cut(line: str, columns: Columns) -> list[str]:
    return [line[start:end].strip() for start, end in columns]
