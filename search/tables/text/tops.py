"""Where a table begins: what stands above it, its header, and what stands between the header and the first row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from search.tables.text.cells import (
    KNOWN_UNITS,
    RULE,
    is_missing,
    is_number,
    is_unit,
    numeric_columns,
    share_of_numbers,
)

FIRST_ROWS = 40
"""Rows among which a header is looked for that comes later than the first row of the table's width."""

YEARS = range(1800, 2101)

NAMED = 8
"""Names of several columns that are told."""


class Row(NamedTuple):
    """A row of a text: the number of its first line, its cells, and whether it is a comment."""

    line: int
    cells: list[str]
    comment: bool = False

    @property
    def blank(self) -> bool:
        return not any(self.cells)


NOTHING = Row(0, [])


class Top(NamedTuple):
    """The beginning of a table.

    Attributes
    ----------
    line : int
        Number of the header's line, from 0, or of the first row if there is no header.
    names : tuple of str
        Cells of the header; ``column 1``, … if there is none.
    header : bool
    row_names : bool
        Whether each row begins with a cell that the header has no name for.
    units : tuple of str
        Cells of the row below the header, if it holds units.
    joined : bool
        Whether the header takes two rows.
    below : int
        Number of rows between the header and the data: the second row of a header, units, a line that is drawn.
    rows : tuple of lists of str
        The data.
    """

    line: int
    names: tuple[str, ...]
    header: bool = True
    row_names: bool = False
    units: tuple[str, ...] = ()
    joined: bool = False
    below: int = 0
    rows: tuple[list[str], ...] = ()

    @property
    def width(self) -> int:
        """Number of cells in a row."""
        return len(self.names) + self.row_names


def find_top(rows: Sequence[Row], header: bool | None = None) -> Top:
    """Find the header of a table among its first rows.

    Parameters
    ----------
    rows : sequence of Row
        From the beginning of the file.
    header : bool, optional
        Whether there is a header. By default, there is none if the first row is like the others: it has numbers where they
        have some, and these are no years or steps of a scale; or, without numbers, each of its cells occurs again below.

    Examples
    --------
    >>> texts = ["Rents", "size,rent", "m2,EUR", "52.5,1210", "80,1900"]
    >>> top = find_top([Row(i, text.split(",")) for i, text in enumerate(texts)])
    >>> top.line, top.names, top.units, top.below, top.rows
    (1, ('size', 'rent'), ('m2', 'EUR'), 1, (['52.5', '1210'], ['80', '1900']))
    >>> find_top([Row(0, ["5.1", "a"]), Row(1, ["4.9", "b"]), Row(2, ["3.5", "b"])]).names
    ('column 1', 'column 2')
    """
    body = _table_rows(rows)
    if not body:
        return Top(0, ("",))
    first, following = body[0], [row.cells for row in body[1:]]
    width = width_of(rows)
    if header is False or (header is None and is_data(first.cells, following)):
        names = tuple(f"column {i}" for i in range(1, len(first.cells) + 1))
        return Top(first.line, names, header=False, rows=(first.cells, *following))
    names = tuple(first.cells)
    full = [cells for cells in following if len(cells) == width]
    row_names = len(names) == width - 1 and bool(following) and all(cells[0] for cells in full)
    row_names = row_names and any(cells[-1] for cells in full)
    below = 0
    second = _second_row(names, following)
    if second:
        names, below = second, 1
    units = _units(following[below:]) if not row_names else ()
    below += bool(units)
    below += bool(following[below:]) and all(RULE.fullmatch(cell) for cell in following[below] if cell)
    return Top(first.line, names, True, row_names, units, bool(second), below, tuple(following[below:]))


def width_of(rows: Sequence[Row]) -> int:
    """Return the commonest number of cells."""
    counts = Counter(len(row.cells) for row in rows if not row.blank and not row.comment)
    return counts.most_common(1)[0][0] if counts else 0


def _table_rows(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of the table, its header first.

    Lines of names and values may stand above it, with a blank line between: then the header has no numbers, but the next row has.
    """
    width = width_of(rows)
    starts = [
        n + 1 for n, row in enumerate(rows[:-2]) if row.blank and _begins_a_table(rows[n + 1], rows[n + 2], width=width)
    ]
    for number, row in enumerate(rows):
        if starts and number < starts[0]:
            continue
        following = [later for later in rows[number + 1 :] if not later.blank]
        if len(row.cells) not in (width, width - 1) or row.blank or _is_title(row, width):
            continue
        if row.comment and following and following[0].comment:
            continue
        if len(row.cells) == width - 1 and not (following and len(following[0].cells) == width):
            continue
        if len(row.cells) == width - 1 and _begins_a_table(*following[:2], width=width):
            continue
        return _below_names_and_values([row, *following], width)
    return []


def _begins_a_table(header: Row, first: Row = NOTHING, *, width: int) -> bool:
    full = len(header.cells) == len(first.cells) == width
    return full and not any(map(is_number, header.cells)) and any(map(is_number, first.cells))


def _is_title(row: Row, width: int) -> bool:
    """Return whether only the first cells of a wider table are filled, as spreadsheets write titles and notes."""
    filled = [bool(cell) for cell in row.cells]
    return bool(width > 1 and filled[0] and not any(filled[1:])) or sum(filled) < width / 2


def _below_names_and_values(rows: list[Row], width: int) -> list[Row]:
    """Leave out lines of names and values that are as wide as the table: their first cells are words, where below are digits."""
    start = 0
    for number, row in enumerate(rows[1:FIRST_ROWS], start=1):
        if not _is_word(row.cells[0]):
            break
        body = [later.cells for later in rows[number + 1 :] if len(later.cells) == width]
        digits = [i for i in range(width) if sum(not _is_word(cells[i]) for cells in body) > 0.8 * len(body)]
        full = len(row.cells) == width and not any(map(is_missing, row.cells))
        names = full and 0 in digits and all(_is_word(row.cells[i]) for i in digits)
        drawn = all(RULE.fullmatch(cell) for cell in row.cells)
        if len(body) > number and names and not drawn and not _units([row.cells, *body]):
            start = number
    return rows[start:]


def _is_word(cell: str) -> bool:
    return not any(map(str.isdigit, cell))


def is_data(first: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row of a table is no header, but like the rows below it.

    Examples
    --------
    >>> below = [["Ulm", "4.5", "3"], ["Bonn", "6.1", "1"], ["Ulm", "7", "2"]]
    >>> is_data(["Bonn", "5.5", "2"], below), is_data(["town", "2001", "2002"], below), is_data(["town", "a", "b"], below)
    (True, False, False)
    """
    width = len(first)
    below = [row for row in below if len(row) == width]
    if len(below) < 2 or width < 2:
        return False
    numeric = numeric_columns(below, width)
    if any(not is_number(first[i]) and not is_missing(first[i]) for i in numeric):
        return False
    numbers = [i for i in numeric if is_number(first[i])]
    if numbers:
        return not _like_names([first[i] for i in numbers], [[row[i] for i in numbers] for row in below])
    others = [row for row in below if list(row) != list(first)]
    return all(first) and all(first[i] in {row[i] for row in others} for i in range(width))


def _like_names(cells: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Return whether numbers of a header are years or the steps of a scale, and the rows below are not."""
    return any(
        shape(cells) and sum(map(shape, below)) < len(below) / 2 for shape in (_are_years, _are_even, _are_rising)
    )


def _are_years(cells: Sequence[str]) -> bool:
    return all(cell.isdecimal() and int(cell) in YEARS for cell in cells) and len(set(cells)) == len(cells)


def _are_even(cells: Sequence[str]) -> bool:
    """Return whether whole numbers count up from 0 or 1, or are three or more in equal steps."""
    if not all(cell.isdecimal() for cell in cells) or len(cells) < 2:
        return False
    values = list(map(int, cells))
    steps = {b - a for a, b in pairwise(values)}
    return len(steps) == 1 and min(steps) > 0 and (len(values) > 2 or (steps == {1} and values[0] in (0, 1)))


def _are_rising(cells: Sequence[str]) -> bool:
    """Return whether five or more numbers rise, such as wavelengths."""
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        return False
    return len(values) > 4 and all(a < b for a, b in pairwise(values))


def _second_row(names: Sequence[str], following: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the names of a header of two rows, of which the first has blanks where its cells span several columns."""
    if len(following) < 3 or len(following[0]) != len(names):
        return ()
    second, body = following[0], following[1:]
    numeric = numeric_columns(body, len(names))
    spanned = [i for i in range(1, len(names)) if not names[i] and second[i]]
    if not spanned or any(is_number(second[i]) or (is_missing(second[i]) and not names[i]) for i in numeric):
        return ()
    if not set(spanned) & set(numeric) or not all(a or b for a, b in zip(names, second, strict=True)):
        return ()
    joined, above = [], ""
    for upper, lower in zip(names, second, strict=True):
        above = upper or above
        joined.append(f"{above} {lower}" if lower and above else lower or above)
    return tuple(joined)


def _units(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the cells of the first row if it holds units: of columns that are numbers below it."""
    if len(rows) < 3:
        return ()
    first, width = rows[0], len(rows[0])
    below = [row for row in rows[1:] if len(row) == width]
    numeric = [i for i in range(width) if below and share_of_numbers([row[i] for row in below]) > 0.8]
    cells = [first[i] for i in numeric]
    like = [cell for cell in cells if is_unit(cell)]
    sure = [cell for cell in like if cell in KNOWN_UNITS or cell[0] in "[("]
    if not cells or any(cell and not is_unit(cell) for cell in cells) or not like:
        return ()
    return tuple(first) if len(like) > 1 or sure else ()


def told(top: Top, unit: str, header: bool | None, above: int = 0) -> list[str]:
    """Say where the table begins, as far as that was guessed and is not the first line.

    Parameters
    ----------
    top : Top
    unit : str
        What the rows are called: line or row.
    header : bool, optional
        What was asked for.
    above : int
        Lines that may stand above a table without a word.
    """
    notes = []
    if top.line > above:
        begins = "header is" if top.header else "table begins"
        notes.append(f"the {begins} in {unit} {top.line + 1}; the {unit}s above it left out")
    if not top.header and header is None:
        notes.append(f"it has no header: its columns are called column 1 to column {len(top.names)} ([data] header)")
    if top.header and header is None and all(map(is_number, top.names)):
        notes.append(
            f"the header is of numbers, {', '.join(top.names[:3])}: if it is a row of data, set [data] header = false"
        )
    if top.joined:
        notes.append(f"the header takes two {unit}s: its names are {', '.join(top.names[:3])}, …")
    if top.units:
        notes.append(f"the row below the header holds units and is left out: {', '.join(filter(None, top.units))}")
    return notes


def told_of_names(names: Sequence[str], doubled: set[str]) -> list[str]:
    """Say which names several columns have."""
    counts = Counter(names)
    shown = [
        f"{counts[name]} columns are called {name!r}: all but the first got a number"
        for name in sorted(doubled)[:NAMED]
    ]
    return (
        shown if len(doubled) <= NAMED else [*shown, f"{len(doubled) - NAMED} more names are those of several columns"]
    )
