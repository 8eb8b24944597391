"""What stands below a table: notes, sources, and rows of totals."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from bpmodel.preprocessing.texts import numerals
from bpmodel.preprocessing.texts.marks import clean
from search.tables.reading import number
from search.tables.text.cells import RULE, is_number
from search.tables.text.tops import Row

MOST = 60
"""Rows from the end among which notes are looked for."""

NOTE = re.compile(
    r"[*†‡©\x1a]|\(?\[?\d{1,2}[)\]]\s|\(\d+ rows?\)|--|//|<|"
    r"(?:data )?(?:sources?|notes?|footnotes?|last updated|copyright|downloaded|exported|generated|end of|data from|"
    r"quellen?|anmerkung|hinweis|fußnote|stand|fuente|notas?|fonte|remarque|champ|lecture)\b|"
    r"(?:数据|资料)?来源|注|说明|备注|制表|填表",
    re.IGNORECASE,
)
TOTAL = re.compile(
    r"(?:grand |sub-?)?totals?|sum|all|overall|summe|gesamt|gesamtsumme|insgesamt|somme|ensemble|totale|suma|итого|всего|"
    r"合\s*计|总\s*计|总\s*和|共\s*计|小\s*计|全国",
    re.IGNORECASE,
)
LABEL_MARKS = " :：.="
SHOWN = 60


def count_notes(rows: Sequence[Row], numeric: Sequence[int], width: int) -> int:
    """Return how many rows at the end are notes below a table, with the blank rows above them.

    They have no number where the table has some, and the first of them stands apart, begins as notes do, or is a sentence in
    a single cell. A row that was cut off is none of these.

    Parameters
    ----------
    rows : sequence of Row
        The last rows of the file.
    numeric : sequence of int
        Columns of numbers.
    width : int
        Number of cells of a row.

    Examples
    --------
    >>> rows = [Row(1, ["Ulm", "3"]), Row(2, ["Bonn", "4"]), Row(3, ["", ""]), Row(4, ["Source: survey, 2024"])]
    >>> count_notes(rows, [1], 2)
    2
    """
    if width < 2:
        return 0
    count = 0
    for row in reversed(rows[-MOST:]):
        if _is_of_table(row, numeric, width):
            break
        count += 1
    else:
        return 0
    block = rows[len(rows) - count :]
    first = next((i for i, row in enumerate(block) if not row.blank), None)
    if first is None:
        return 0
    return count if _is_note(block[first], width, apart=first > 0) else 0


def _is_of_table(row: Row, numeric: Sequence[int], width: int) -> bool:
    cells = row.cells
    if len(cells) < width or any(cells[width:]):
        return False
    if sum(map(bool, cells)) > width / 2:
        return not numeric or any(not cells[i] or is_number(cells[i]) for i in numeric)
    return any(is_number(cells[i]) for i in numeric)


def _is_note(row: Row, width: int, *, apart: bool) -> bool:
    filled = [cell for cell in row.cells if cell]
    if is_number(filled[0]) or (len(row.cells) == width and len(filled) > max(1, width // 2)):
        return False
    alone = len(row.cells) == 1 and any(mark in filled[0] for mark in " :：")
    total = len(row.cells) != width and TOTAL.fullmatch(filled[0].strip(LABEL_MARKS)) is not None
    drawn = all(RULE.fullmatch(cell) for cell in filled)
    return apart or alone or total or drawn or row.comment or NOTE.match(filled[0]) is not None


def told(count: int, first: Sequence[str]) -> str:
    """Return the sentence that says which rows below a table were left out."""
    text = " ".join(filter(None, first))
    shown = text if len(text) <= SHOWN else text[:SHOWN] + "…"
    return f"{number(count, 'row')} below the table left out: {shown!r}"


def without_totals(frame: pd.DataFrame, decimal: str = ".") -> tuple[pd.DataFrame, list[str]]:
    """Leave out the first or last row if it is called a total and holds the sums of the columns.

    Half of its numbers must be the sums of the other rows: columns of means and shares have none.

    Examples
    --------
    >>> frame = pd.DataFrame({"town": ["Ulm", "Bonn", "Jena", "Total"], "sales": [2.0, 3.0, 4.0, 9.0]})
    >>> without_totals(frame)
    (   town  sales
    0   Ulm    2.0
    1  Bonn    3.0
    2  Jena    4.0, ["the last row left out: 'Total' is the sum of the others"])
    """
    notes = []
    for position, place in ((-1, "last"), (0, "first")):
        label = _label(frame.iloc[[position]]) if len(frame) > 2 else None
        if label is not None and _is_sum(frame, position, decimal):
            frame = frame.drop(index=frame.index[position])
            notes.append(f"the {place} row left out: {label!r} is the sum of the others")
    return frame, notes


def _label(row: pd.DataFrame) -> str | None:
    """Return the word that calls a row a total."""
    texts = [cell.strip() for column in row for cell in row[column] if isinstance(cell, str)]
    return next((text for text in texts if TOTAL.fullmatch(text.strip(LABEL_MARKS))), None)


def _is_sum(frame: pd.DataFrame, position: int, decimal: str) -> bool:
    others = frame.drop(index=frame.index[position])
    compared = []
    for name in frame.columns:
        total, values = _number(frame[name].iloc[position], decimal), others[name]
        if not pd.api.types.is_numeric_dtype(values):
            values = values.map(lambda cell: _number(cell, decimal)).astype("float64")
        if not np.isnan(total) and not values.isna().all():
            compared.append(bool(np.isclose(total, float(values.sum()), rtol=1e-4, atol=1e-9)))
    return bool(compared) and sum(compared) >= len(compared) / 2


def _number(cell: object, decimal: str) -> float:
    """Return a cell as a number, and NaN if it is none."""
    if isinstance(cell, str):
        return float(numerals.read([clean(cell)], {"decimal": decimal, "thousands": None, "unit": ""})[0])
    try:
        return float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")
