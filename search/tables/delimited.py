"""Delimited text files: CSV, TSV and their relatives, as spreadsheets, databases and sensors write them."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from search.tables.dialects import BLANKS, SEPARATORS, Dialect, guess_dialect, is_number
from search.tables.encodings import guess_encoding
from search.tables.reading import Asked, Table, UnreadableError, tidy, unique

HEAD, LINES = 1 << 20, 400
"""Bytes and lines at the beginning of a file from which its dialect is guessed."""

EXTRA, ROW_NAMES = "cell after the last column", "row names"
SHOWN = 60
COMPRESSED: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def read(path: Path, asked: Asked) -> Table:
    """Read a delimited text file; what is not asked for is guessed.

    Raises
    ------
    UnreadableError
        If a row has too few or too many cells, the text has other bytes than its encoding allows, or there is no table.
    """
    with opened(path) as file:
        head = file.read(HEAD)
    if not head.strip():
        raise UnreadableError("it is empty")
    encoding = asked.encoding or guess_encoding(head, _chunks(path))
    _check_bytes(path, encoding)
    lines = _first_lines(head, encoding)
    dialect = guess_dialect(lines, asked.separator, asked.decimal)
    names, doubled = unique([ROW_NAMES, *dialect.names] if dialect.row_names else dialect.names)
    frame = _parsed(path, encoding, dialect, names, asked)
    notes = _told(encoding, dialect, asked)
    if dialect.row_names:
        frame = frame.drop(columns=ROW_NAMES)
        notes.append("the first cell of each row, which has no name in the header, left out")
    for name in sorted(doubled):
        notes.append(f"{dialect.names.count(name)} columns are called {name!r}: all but the first got a number")
    return replace(tidy(frame, doubled, notes), decimal=dialect.decimal)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, also a compressed one, to read its bytes."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
            if len(members) != 1:
                raise UnreadableError(f"it holds {len(members)} files; it must hold one")
            with archive.open(members[0]) as member:
                yield member
        return
    with COMPRESSED.get(path.suffix, open)(path, "rb") as file:
        yield file


def _chunks(path: Path) -> Iterator[bytes]:
    with opened(path) as file:
        yield from iter(lambda: file.read(HEAD), b"")


def _check_bytes(path: Path, encoding: str) -> None:
    """Raise where a text holds zero bytes, as files do that were cut off while they were written."""
    if encoding.startswith("utf-16"):
        return
    lines = 1
    for chunk in _chunks(path):
        if (position := chunk.find(b"\0")) >= 0:
            line = lines + chunk.count(b"\n", 0, position)
            raise UnreadableError(f"line {line} has a zero byte: the file is damaged")
        lines += chunk.count(b"\n")


def _first_lines(head: bytes, encoding: str) -> list[str]:
    try:
        text = head.decode(encoding, errors="ignore" if len(head) == HEAD else "strict")
    except (UnicodeDecodeError, LookupError) as error:
        raise UnreadableError(f"it is not text in {encoding}: {error}") from None
    return list(islice(io.StringIO(text, newline=None), LINES))


def _parsed(path: Path, encoding: str, dialect: Dialect, names: list[str], asked: Asked) -> pd.DataFrame:
    """Return the rows below the header, one column for each name."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.DtypeWarning)
            frame = _read_csv(path, encoding, dialect, names, asked, in_pieces=True)
    except pd.errors.DtypeWarning:  # a column is numbers in one piece and texts in another
        frame = _read_csv(path, encoding, dialect, names, asked, in_pieces=False)
    except UnicodeDecodeError as error:
        raise UnreadableError(f"it is not text in {encoding}: {error}") from None
    except pd.errors.ParserError as error:
        raise UnreadableError(_ragged(path, encoding, dialect) or " ".join(str(error).split())) from None
    except pd.errors.EmptyDataError:
        raise UnreadableError("it has no rows below its header") from None
    suspicious = frame[EXTRA].notna().any() or frame[names[-1]].isna().any()
    if suspicious and (reason := _ragged(path, encoding, dialect)):
        raise UnreadableError(reason)
    return frame.drop(columns=EXTRA)


def _read_csv(
    path: Path, encoding: str, dialect: Dialect, names: list[str], asked: Asked, *, in_pieces: bool
) -> pd.DataFrame:
    """Read the rows below the header with pandas: in pieces, which takes half the time, or types each column as a whole."""
    with opened(path) as file, io.TextIOWrapper(file, encoding=encoding, newline=None) as text:
        above = _above(text, dialect)
        plain = not any('"' in line for line in above)  # then pandas reads the file itself, in half the time
        return pd.read_csv(
            path if plain else text,  # type: ignore[arg-type]
            skiprows=len(above) if plain else 0,
            encoding=encoding,
            sep=r"\s+" if dialect.separator == BLANKS else dialect.separator,
            decimal=dialect.decimal,
            header=None,
            names=[*names, EXTRA],
            index_col=False,
            na_values=None if asked.na_values is None else list(asked.na_values),
            keep_default_na=asked.na_values is None,
            skipinitialspace=True,
            low_memory=in_pieces,
        )


def _above(text: IO[str], dialect: Dialect) -> list[str]:
    """Move a text behind its header, and its units; return the lines passed. A row may take several lines."""
    passed = [text.readline() for _ in range(dialect.header)]

    def noted() -> Iterator[str]:
        for line in iter(text.readline, ""):
            passed.append(line)
            yield line

    left = 2 if dialect.units else 1
    reader = csv.reader(noted(), delimiter="," if dialect.separator == BLANKS else dialect.separator)
    while left and (cells := next(reader, None)) is not None:
        left -= any(cell.strip() for cell in cells)
    return passed


def _ragged(path: Path, encoding: str, dialect: Dialect) -> str | None:
    """Say which row has too few or too many cells; None if all are complete.

    An empty cell after the last column does no harm: many programs end each line with a separator.
    """
    with opened(path) as file, io.TextIOWrapper(file, encoding=encoding, newline=None) as text:
        skipped = sum(1 for _ in zip(range(dialect.header), text, strict=False))
        if dialect.separator == BLANKS:
            rows = ((number, line.split()) for number, line in enumerate(text, start=1))
        else:
            reader = csv.reader(text, delimiter=dialect.separator)
            rows = ((reader.line_num, row) for row in reader)
        next(rows, None)
        for number, row in rows:
            cells = len(row)
            if cells in (0, dialect.width) or not any(cell.strip() for cell in row):
                continue
            if cells < dialect.width or any(cell.strip() for cell in row[dialect.width :]):
                shown = dialect.separator.join(row)
                shown = shown if len(shown) <= SHOWN else shown[:SHOWN] + "…"
                return f"line {skipped + number} has {cells} cells, and the header {dialect.width}: {shown!r}"
    return None


def _told(encoding: str, dialect: Dialect, asked: Asked) -> list[str]:
    """Say how the text is written, as far as that was guessed and is not plain CSV."""
    parts = []
    if asked.separator is None and dialect.separator != ",":
        parts.append(f"separator {SEPARATORS.get(dialect.separator, 'blanks')}")
    if asked.decimal is None and dialect.decimal != ".":
        parts.append("decimal comma")
    if asked.encoding is None and encoding != "utf-8":
        parts.append(f"encoding {encoding}")
    notes = [f"read with {', '.join(parts)}"] if parts else []
    if dialect.header:
        notes.append(f"the header is in line {dialect.header + 1}; the lines above it left out")
    if all(map(is_number, dialect.names)):
        notes.append(f"the header is of numbers, {', '.join(dialect.names[:3])}: if it is a row of data, add a header")
    if dialect.units:
        notes.append(f"the row below the header holds units and is left out: {', '.join(filter(None, dialect.units))}")
    return notes


def is_text(head: bytes) -> bool:
    """Return whether bytes look like a text, and not like a binary file."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or not head:
        return True
    values = np.frombuffer(head[:4096], dtype=np.uint8)
    control = (values < 9) | ((values > 13) & (values < 32))
    return bool(control.mean() < 0.05) or head[1::2].count(0) > 0.4 * len(head[1::2])
