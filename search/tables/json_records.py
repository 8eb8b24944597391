"""JSON: a list of objects, or an object in each line; the names of their values are the columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from search.tables.reading import Asked, Table, UnreadableError, tidy
from search.tables.text.survey import opened


def read(path: Path, asked: Asked) -> Table:
    """Read the objects of a JSON file as rows. Values come as they are, and a name that an object lacks is missing.

    Raises
    ------
    UnreadableError
        If it is no JSON, holds something else than objects, or objects inside of objects.
    """
    with opened(path) as file:
        try:
            text = file.read().decode(asked.encoding or "utf-8-sig")
        except (UnicodeDecodeError, LookupError) as error:
            raise UnreadableError(f"it is not text in {asked.encoding or 'utf-8'}: {error}") from None
    try:
        records = json.loads(text)
    except json.JSONDecodeError:
        records = _lines(text)
    if isinstance(records, dict):
        records = [records]
    if not (isinstance(records, list) and records and all(isinstance(record, dict) for record in records)):
        raise UnreadableError('it is JSON, but not of rows: [{"name": value, …}, …], or such an object in each line')
    for number, record in enumerate(records, start=1):
        for name, value in record.items():
            if isinstance(value, dict | list):
                kind = "an object" if isinstance(value, dict) else "a list"
                raise UnreadableError(f"{name!r} of row {number} is {kind}; a column needs single values")
    return tidy(pd.DataFrame(records), set(), [], every_row=asked.every_row)


def _lines(text: str) -> list[Any]:
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise UnreadableError(f"line {number} is no JSON: {error.msg}") from None
    return found
