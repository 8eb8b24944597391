"""Rows of a text with too few or too many cells."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterator
from itertools import islice
from typing import IO

import numpy as np
import pandas as pd

from search.tables.reading import number
from search.tables.text.dialects import BLANKS, WORD, Dialect

SHOWN = 60
TOO_LONG = f", or a cell of more than {csv.field_size_limit():,} characters"
"""What the module csv does not tell from a quote without an end."""

PLAIN = ",;\t"
"""Separators that are part of no other character, in any encoding with single bytes for Latin letters."""

BLOCK = 1 << 22
"""Bytes that are read at a time."""


def found(text: IO[str], dialect: Dialect) -> str | None:
    """Say which row has too few or too many cells; None if all are complete.

    An empty cell after the last column does no harm: many programs end each line with a separator.

    Examples
    --------
    >>> import io
    >>> from search.tables.text.dialects import guess_dialect
    >>> text = "a,b\\n1,2\\n3,4\\n5\\n"
    >>> found(io.StringIO(text), guess_dialect(text.splitlines()))
    "line 4 has 1 cell, the header 2: '5'"
    """
    if _are_complete(text, dialect):
        return None
    text.seek(0)
    top = dialect.top
    skipped = sum(1 for _ in zip(range(top.line), text, strict=False))
    above, end = top.header + top.below, 0
    try:
        for start, end, row in _rows(text, dialect):  # noqa: B007 - the last end is wanted
            if not any(cell.strip() for cell in row):
                continue
            above -= 1
            cells = len(row)
            if above < 0 and (cells < top.width or any(cell.strip() for cell in row[top.width :])):
                shown = " ".join(dialect.separator.join(row).split("\n"))
                shown = shown if len(shown) <= SHOWN else shown[:SHOWN] + "…"
                whole = "header" if top.header else "first row"
                return f"line {skipped + start} has {number(cells, 'cell')}, the {whole} {top.width}: {shown!r}"
    except csv.Error:
        return _unended(skipped + end + 1, TOO_LONG)
    return None


def none_is_short(file: IO[bytes], dialect: Dialect) -> bool:
    """Return whether no row of a text has too few cells, if it is known that none has too many: a look at its bytes.

    Then all lines together have as many separators as they should. With quotes, or separators of several bytes, nothing is known.
    """
    if dialect.separator not in PLAIN:
        return False
    for _ in range(dialect.top.line):
        file.readline()
    separators, lines, last = 0, 0, b""
    while chunk := file.read(BLOCK):
        if dialect.quote.encode() in chunk:
            return False
        separators += int(np.count_nonzero(np.frombuffer(chunk, dtype=np.uint8) == ord(dialect.separator)))
        lines += chunk.count(b"\n")
        last = chunk[-1:]
    return separators == (lines + (last != b"\n")) * (dialect.top.width - 1)


def _are_complete(text: IO[str], dialect: Dialect) -> bool:
    """Return whether a text has no quotes and all lines from the header on have as many cells: a look without splitting them."""
    separator, most = dialect.separator, dialect.top.width - 1
    if separator == BLANKS:
        return False
    for line in islice(text, dialect.top.line, None):
        count = line.count(separator)
        closed = count == most + 1 and line.endswith((separator, f"{separator}\n"))
        if dialect.quote in line or (count != most and not closed and line.strip()):
            return False
    return True


def unended(text: IO[str], dialect: Dialect) -> str:
    """Say where the last quote begins, if it does not end."""
    skipped = sum(1 for _ in zip(range(dialect.top.line), text, strict=False))
    start, end = 1, 0
    try:
        for start, end, _ in _rows(text, dialect):  # noqa: B007 - the last one is wanted
            pass
    except csv.Error:
        return _unended(skipped + end + 1, TOO_LONG)
    return _unended(skipped + start)


def quiet(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Pass on tables that pandas reads, without its warning of a first row that has empty cells after the last column."""
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.ParserWarning)
            frame = next(frames, None)
        if frame is None:
            return
        yield frame


def _unended(line: int, otherwise: str = "") -> str:
    return f"line {line} has a quote that does not end{otherwise}"


def _rows(text: IO[str], dialect: Dialect) -> Iterator[tuple[int, int, list[str]]]:
    """Yield the first and the last line of each row, from 1, and its cells."""
    if dialect.separator == BLANKS:
        for number, line in enumerate(text, start=1):
            yield number, number, [a or b for a, b in WORD.findall(line)]
        return
    reader, last = csv.reader(text, delimiter=dialect.separator, quotechar=dialect.quote), 0
    for row in reader:
        yield last + 1, reader.line_num, row
        last = reader.line_num
