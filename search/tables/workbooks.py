"""Sheets of Excel workbooks."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from bpmodel.names.short import listed
from search.tables import extents, missing, opening
from search.tables.reading import Asked, Table, UnreadableError, damage, tidy, typed_anew, unique
from search.tables.text import footers
from search.tables.text.cells import numeric_columns
from search.tables.text.tops import Row, find_top, told

ROWS = 100
"""Rows among which the header is looked for."""


def read(path: Path, asked: Asked) -> Table:
    """Read a sheet of an Excel workbook, by default the first visible one that has two rows and two columns.

    Raises
    ------
    UnreadableError
        If there is no such sheet, no table in it, or formulas without values, as programs write them that do not calculate.
    """
    marks = {"na_values": asked.na_values and list(asked.na_values), "keep_default_na": asked.na_values is None}
    with _opened(path) as book:
        sheet, cells, notes = _chosen(book, asked, marks)
        _check_formulas(path, sheet, cells)
        used = cells.notna().any()
        cells = cells.loc[:, used]
        rows = _as_rows(cells.head(ROWS))
        top = find_top(rows, asked.header)
        if not top.rows:
            raise UnreadableError("it has no rows below a header")
        notes += told(top, "row", asked.header)
        names, doubled = unique([name.strip() for name in top.names])
        filled = [row.line for row in rows if not row.blank and row.line >= top.line]
        start, end = filled[top.header + top.below], len(cells)
        last = _as_rows(cells.iloc[max(start, end - footers.MOST - 1) :])
        if count := footers.count_notes(last, numeric_columns(top.rows, top.width), top.width):
            end -= count
            left_out = [row.cells for row in last[len(last) - count :] if not row.blank]
            notes.append(footers.told(len(left_out), left_out[0]))
        while asked.every_row and end > start and cells.iloc[end - 1].isna().all():  # where the sheet was used before
            end -= 1
        frame = cells.iloc[start:end].set_axis(names, axis=1).infer_objects()
        classes: list[str] = []
        if asked.target in names and frame[asked.target].isna().any():
            raw = _cells(book, sheet, {"na_filter": False})
            texts = raw.loc[:, used].iloc[start:end].set_axis(names, axis=1)[asked.target].astype("str")
            column, classes = missing.restored(frame[asked.target], texts, asked.na_values)
            frame = frame.assign(**{asked.target: column})
    frame, totals = (frame, []) if asked.every_row else footers.without_totals(frame)
    if totals:
        frame = typed_anew(frame.infer_objects())
    table = tidy(frame.reset_index(drop=True), doubled, [*notes, *totals], every_row=asked.every_row)
    table.marks = classes
    return table


def _chosen(book: pd.ExcelFile, asked: Asked, marks: dict[str, Any]) -> tuple[str, pd.DataFrame, list[str]]:
    """Return the name of the sheet, its cells from the first row on, and what is said of the choice."""
    names = [str(name) for name in book.sheet_names]
    if asked.sheet is not None and asked.sheet not in names and asked.sheet not in range(len(names)):
        raise UnreadableError(f"sheet = {asked.sheet!r} is not one of its sheets, {listed(names, repr)}")
    if asked.sheet is not None:
        sheet = names[asked.sheet] if isinstance(asked.sheet, int) else asked.sheet
        cells = _cells(book, sheet, marks)
        if cells.dropna(how="all").empty:
            raise UnreadableError(f"sheet = {asked.sheet!r} is empty")
        return sheet, cells, []
    with damage("workbook"):
        visible = [name for name in names if book.book[name].sheet_state == "visible"]
    found: dict[str, pd.DataFrame] = {}
    for name in [*visible, *(name for name in names if name not in visible)]:
        cells = _cells(book, name, marks)
        filled = cells.dropna(how="all").dropna(how="all", axis=1)
        if not filled.empty:
            found[name] = cells
        if min(filled.shape) > 1:
            break
    if not found:
        raise UnreadableError("its sheets are empty")
    sheet = name if name in found and min(found[name].dropna(how="all").shape) > 1 else next(iter(found))
    others = listed((other for other in names if other != sheet), repr)
    return sheet, found[sheet], [f"read from sheet {sheet!r}; there are also {others}"] if others else []


def _cells(book: pd.ExcelFile, sheet: str, marks: dict[str, Any]) -> pd.DataFrame:
    with damage("workbook"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of openpyxl: of rules and dates that Excel does not know either
        return pd.read_excel(book, sheet_name=sheet, header=None, dtype="object", **marks)


@contextmanager
def _opened(path: Path) -> Iterator[pd.ExcelFile]:
    """Open a workbook whose sheets can be read."""
    with opening.raw(path) as file:
        extents.check(file)
        file.seek(0)
        with damage("workbook"), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            book = pd.ExcelFile(file, engine="openpyxl")
        with book:
            yield book


def _as_rows(cells: pd.DataFrame) -> list[Row]:
    texts = cells.astype("object").where(cells.notna(), "").map(str)
    rows = texts.itertuples(index=True, name=None)
    return [Row(int(number), [cell.strip() for cell in row]) for number, *row in rows]


def _check_formulas(path: Path, sheet: str, cells: pd.DataFrame) -> None:
    """Raise if none of the formulas of a sheet has a value."""
    if not cells.isna().any(axis=None):
        return
    import openpyxl  # here: most tables are no workbooks

    with opening.raw(path) as file, damage("workbook"), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        lines = openpyxl.load_workbook(file, read_only=True)[sheet]
        lines.reset_dimensions()  # a sheet may claim to be larger than it is
        formulas = [
            (row, column, cell.coordinate)
            for row, line in enumerate(lines.iter_rows())
            for column, cell in enumerate(line)
            if cell.data_type == "f"
        ]
    inside = [
        place
        for row, column, place in formulas
        if row < len(cells) and column < cells.shape[1] and pd.isna(cells.iat[row, column])
    ]
    if formulas and len(inside) == len(formulas):
        raise UnreadableError(
            f"cell {inside[0]} holds a formula without its value; open the file in a spreadsheet and save it"
        )
