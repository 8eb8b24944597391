"""What a workbook unpacks to and how far its sheets reach, before it is read: one cell in the last row makes a million rows."""

from __future__ import annotations

import re
import zipfile
from typing import IO, Any
from xml.parsers import expat

from search.tables import opening, size
from search.tables.reading import UnreadableError

GROWTH = 6
"""Bytes that a byte of XML may take while it is read."""

CELL = 60
"""Bytes of a cell while it is read: a value of Python, and its place in a row and in a column."""

LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
"""Of a sheet, by the standard."""

PLACE = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})")


def check(file: IO[bytes]) -> None:
    """Check that the sheets of a workbook, a zip archive of XML, can be read.

    Raises
    ------
    UnreadableError
        If it is damaged or has a password, unpacks to too much, or a sheet reaches further than the memory allows.
    """
    members = opening.members(file)
    total = sum(member.file_size for member in members)
    packed = file.seek(0, 2)
    opening.check_unpacked(packed, total, size.memory() / GROWTH)
    with zipfile.ZipFile(file) as archive:
        for member in members:
            if member.flag_bits & opening.ENCRYPTED:
                raise UnreadableError("it is a workbook with a password; save it without one")
            with opening.faults("zip"), archive.open(member) as part:  # a sheet may have any name
                rows, columns = extent(part, whole=member.filename.lower().endswith(".xml"))
            size.check_table(rows, columns, CELL * rows * columns)


def extent(part: IO[bytes], *, whole: bool = True) -> tuple[int, int]:
    """Return the last row and the last column of a sheet that has a cell, from 1; 0 for parts of another kind.

    Unless it must be XML as a `whole`, a part is looked at as far as it is.

    >>> import io
    >>> extent(io.BytesIO(b'<sheetData><row r="7"><c r="C7"/><c/></row><row><c/></row></sheetData>'))
    (8, 4)
    """
    seen = _Seen()
    parser = expat.ParserCreate()
    parser.StartElementHandler = seen.element
    try:
        while chunk := part.read(size.CHUNK):
            parser.Parse(chunk, False)
    except expat.ExpatError as error:
        if not whole:
            return seen.rows, seen.columns
        raise UnreadableError(f"a part of the workbook is damaged: {error}") from None
    return seen.rows, seen.columns


class _Seen:
    """How far the rows and cells reach that were met: those without a place follow the one before."""

    def __init__(self) -> None:
        self.row = self.column = self.rows = self.columns = 0

    def element(self, name: str, attributes: dict[str, Any]) -> None:
        kind = name.rpartition(":")[2]
        place = attributes.get("r", "")
        if kind == "row":
            self.row, self.column = _row(place) if place else self.row + 1, 0
        elif kind == "c":
            self.column += 1
            if match := PLACE.fullmatch(place):
                self.column = _column(match[1])
            elif place:
                raise UnreadableError(f"it is damaged: {place!r} is no cell")
            self.rows, self.columns = max(self.rows, self.row), max(self.columns, self.column)


def _row(place: str) -> int:
    try:
        row = int(float(place))
    except (ValueError, OverflowError):
        row = 0
    if not 0 < row <= LAST_ROW:
        raise UnreadableError(f"it is damaged: {place!r} is no row")
    return row


def _column(letters: str) -> int:
    column = 0
    for letter in letters.upper():
        column = 26 * column + ord(letter) - ord("A") + 1
    return column
