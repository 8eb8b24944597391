"""JSON: a list of objects, or an object in each line; the names of their values are the columns."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from bpmodel.names.amounts import bytes_told
from bpmodel.names.short import short
from search.tables import size
from search.tables.opening import opened
from search.tables.reading import Asked, Table, UnreadableError, tidy

OBJECT = 40
"""Bytes of a value while the records become columns."""

LONG = 19
"""Digits from which on a whole number may be too large for 64 bits."""

GROWTH = 25
"""Bytes that a byte of JSON may take while it is read: ``{},`` becomes an object of 64 bytes and its place."""

ENDS = re.compile(r"\r\n?|\n")
"""Ends of lines that stand in no text: JSON writes them as escapes there, but not the others of Unicode."""

HALF = re.compile("[\ud800-\udfff]")
HALF_WRITTEN = re.compile(r"\\u[dD][89a-fA-F]")
"""One of two codes that are a character together, in UTF-16: JSON may have one alone, written as an escape."""

DEEP = "its values are nested too deep; a column needs single values"


def read(path: Path, asked: Asked) -> Table:
    """Read the objects of a JSON file as rows. Values come as they are, and a name that an object lacks is missing.

    Raises
    ------
    UnreadableError
        If it is no JSON, holds something else than objects, or objects inside of objects.
    """
    most = size.memory() / GROWTH
    with opened(path) as file:
        raw = file.read(int(min(most, sys.maxsize - 1)) + 1)
    if len(raw) > most:
        raise UnreadableError(
            f"it has more than {bytes_told(most)}; as JSON it would take {GROWTH} times as much, and this machine has "
            f"{bytes_told(size.memory())} of memory; save the table as CSV or Parquet"
        )
    encoding = asked.encoding or json.detect_encoding(raw)  # PowerShell writes UTF-16
    try:
        text = raw.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise UnreadableError(
            f"it is not text in {encoding.removesuffix('-sig')}: {error}; name its encoding ([data] encoding, init --encoding)"
        ) from None
    try:
        records = json.loads(text, parse_int=_whole)
    except json.JSONDecodeError:
        records = _lines(text)
    except RecursionError:
        raise UnreadableError(DEEP) from None
    if isinstance(records, dict):
        records = [records]
    if not (isinstance(records, list) and records and all(isinstance(record, dict) for record in records)):
        raise UnreadableError('it is JSON, but not of rows: [{"name": value, …}, …], or such an object in each line')
    halves = HALF_WRITTEN.search(text) is not None
    for number, record in enumerate(records, start=1):
        for name, value in record.items():
            if isinstance(value, dict | list):
                kind = "an object" if isinstance(value, dict) else "a list"
                raise UnreadableError(f"{short(name)} of row {number} is {kind}; a column needs single values")
            if halves and (HALF.search(name) or (isinstance(value, str) and HALF.search(value))):
                raise UnreadableError(
                    f"{short(name)} of row {number} has half a character, {short(value)}, as texts do that were cut; "
                    "a table needs whole ones"
                )
    columns = dict.fromkeys(name for record in records for name in record)
    size.check_table(len(records), len(columns), OBJECT * len(records) * len(columns))
    return tidy(pd.DataFrame(records), set(), [], every_row=asked.every_row)


def _lines(text: str) -> list[Any]:
    found = []
    for number, line in enumerate(ENDS.split(text), start=1):
        if line.strip():
            try:
                found.append(json.loads(line, parse_int=_whole))
            except RecursionError:
                raise UnreadableError(DEEP) from None
            except json.JSONDecodeError as error:
                raise UnreadableError(f"line {number} is no JSON: {error.msg}") from None
    return found


def _whole(digits: str) -> int | float:
    """Return a whole number; one of so many digits that no array holds it comes as a fraction, as it does from CSV.

    >>> _whole("12"), _whole("1" + "0" * 5000)
    (12, inf)
    """
    return int(digits) if len(digits) < LONG else float(digits)
