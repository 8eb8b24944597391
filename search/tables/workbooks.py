"""Sheets of Excel workbooks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from search.tables.dialects import Row, table_rows
from search.tables.reading import Asked, Table, UnreadableError, tidy, unique

ROWS = 100
"""Rows among which the header is looked for."""


def read(path: Path, asked: Asked) -> Table:
    """Read a sheet of an Excel workbook, by default the first that is not empty.

    Raises
    ------
    UnreadableError
        If there is no such sheet, or no table in it.
    """
    with pd.ExcelFile(path, engine="openpyxl") as book:
        names = book.sheet_names
        if asked.sheet is not None and asked.sheet not in names and asked.sheet not in range(len(names)):
            raise UnreadableError(f"sheet = {asked.sheet!r} is not one of its sheets, {', '.join(map(repr, names))}")
        notes = []
        for sheet in names if asked.sheet is None else [asked.sheet]:
            cells = pd.read_excel(
                book,
                sheet_name=sheet,
                header=None,
                na_values=None if asked.na_values is None else list(asked.na_values),
                keep_default_na=asked.na_values is None,
            ).dropna(how="all", axis=1)
            if not cells.empty:
                break
        else:
            raise UnreadableError("its sheets are empty")
    if len(names) > 1 and asked.sheet is None:
        others = ", ".join(repr(name) for name in names if name != sheet)
        notes.append(f"read from sheet {sheet!r}; there are also {others}")
    texts = cells.head(ROWS).fillna("").astype("str")
    rows = table_rows([Row(i, list(row), False) for i, row in enumerate(texts.itertuples(index=False, name=None))])
    if len(rows) < 2:
        raise UnreadableError("it has no rows below a header")
    header = rows[0]
    if header.line:
        notes.append(f"the header is in row {header.line + 1}; the rows above it left out")
    columns, doubled = unique([str(name).strip() for name in header.cells])
    frame = cells.iloc[header.line + 1 :].set_axis(columns, axis=1).infer_objects()
    return tidy(frame.reset_index(drop=True), doubled, notes)
