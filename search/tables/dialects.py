"""How a delimited text file is written: its separator, its decimal mark, and where its table begins."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
BLANKS = " "
"""The separator of files whose cells are separated by one or more blanks."""

NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)*|[.,]\d+)(?:[eE][+-]?\d+)?")
COMMA_FRACTION = re.compile(r"[+-]?\d[\d.]*,\d*(?:[eE][+-]?\d+)?")
POINT_FRACTION = re.compile(r"[+-]?\d[\d,]*\.\d*(?:[eE][+-]?\d+)?")
COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+")
"""A number whose commas may stand between thousands."""

MISSING_MARKS = {"", "-", "--", "?", "na", "n/a", "nan", "null", "none", "nil"}
UNIT = re.compile(r"[\[(]?[^\W\d_%°℃€$£¥]*[^\W\d_%°℃€$£¥²³/*^.·µ-]*[%°℃€$£¥²³/*^.·µ\w-]*[\])]?")
MOST_IN_A_UNIT = 12
UNITS = """
m m2 m² m3 m³ km cm mm nm kg g mg t s h min ms d K °C ℃ °F % ‰ V A W kW kWh MW MWh Hz Pa hPa bar l m/s km/h mg/l
€ $ £ ¥ EUR USD CNY RMB 元 万元 米 平方米 岁 年
"""
KNOWN_UNITS = frozenset(re.findall(r"\S+", UNITS))


class Dialect(NamedTuple):
    """How a table is written in a text.

    Attributes
    ----------
    separator : str
        `BLANKS` stands for one or more.
    decimal : str
    header : int
        Number of the header's line, from 0; the lines above it are titles and comments.
    names : tuple of str
        Cells of the header.
    row_names : bool
        Whether each row begins with a cell that the header has no name for.
    units : tuple of str
        Cells of the row below the header, if it holds units.
    """

    separator: str
    decimal: str
    header: int
    names: tuple[str, ...]
    row_names: bool = False
    units: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Number of cells in a row."""
        return len(self.names) + self.row_names


class Row(NamedTuple):
    """A row of a text: the number of its first line, its cells, and whether it is a comment."""

    line: int
    cells: list[str]
    comment: bool

    @property
    def blank(self) -> bool:
        return not any(self.cells)


def guess_dialect(lines: Sequence[str], separator: str | None = None, decimal: str | None = None) -> Dialect:
    """Guess how a table is written from the first lines of a text.

    The separator is the one that gives most rows the same number of cells, at least two, without other separators inside the
    cells. The header is the first row of that width; rows with nothing but a first cell are titles. A header may have one cell
    less than the rows: then they begin with row names.

    Parameters
    ----------
    lines : sequence of str
        Complete lines.
    separator, decimal : str, optional
        What is known.

    Examples
    --------
    >>> dialect = guess_dialect(["Rents 2024", "size;rent", "m2;EUR", "52,5;1.210,00", "80,0;1.900,50"])
    >>> dialect.separator, dialect.decimal, dialect.header, dialect.names, dialect.units
    (';', ',', 1, ('size', 'rent'), ('m2', 'EUR'))
    """
    candidates = [separator] if separator else [*SEPARATORS, BLANKS]
    tables = {each: split(lines, each) for each in candidates}
    chosen = max(candidates, key=lambda each: _fit(tables[each], each))
    width, body = _width(tables[chosen]), table_rows(tables[chosen])
    header = body[0] if body else Row(0, [""], False)
    following = [row.cells for row in body[1:]]
    names = tuple(header.cells)
    row_names = (
        len(names) == width - 1 and bool(following) and all(cells[0] for cells in following if len(cells) == width)
    )
    row_names = row_names and any(cells[-1] for cells in following if len(cells) == width)
    units = _units(following) if not row_names else ()
    mark = decimal or _decimal(following, chosen)
    return Dialect(chosen, mark, header.line, names, row_names, units)


def split(lines: Sequence[str], separator: str) -> list[Row]:
    """Return the rows of a text; cells have no blanks around them, and quoted cells may hold line breaks.

    The mark of a comment, ``#``, is left out: the last comment may be the header.
    """
    commented = [line.startswith("#") for line in lines]
    plain = [line.lstrip("# ") if comment else line for line, comment in zip(lines, commented, strict=True)]
    if separator == BLANKS:
        return [Row(number, line.split(), commented[number]) for number, line in enumerate(plain)]
    reader, rows, first = csv.reader(plain, delimiter=separator, skipinitialspace=True), [], 0
    for cells in reader:
        rows.append(Row(first, [cell.strip() for cell in cells], commented[first]))
        first = reader.line_num
    return rows


def is_number(text: str) -> bool:
    """Return whether a cell is a number, with either decimal mark."""
    return NUMBER.fullmatch(text) is not None


def _width(rows: Sequence[Row]) -> int:
    """Return the commonest number of cells."""
    counts = Counter(len(row.cells) for row in rows if not row.blank and not row.comment)
    return counts.most_common(1)[0][0] if counts else 0


def _fit(rows: Sequence[Row], separator: str) -> tuple[float, float]:
    """Return how well a separator fits: the share of rows of one width times the share of clean cells, and the width."""
    rows = [row for row in rows if not row.blank and not row.comment]
    width = _width(rows)
    if width < 2:
        return 0.0, 0.0
    same = [row.cells for row in rows if len(row.cells) == width]
    others = [other for other in SEPARATORS if other != separator]
    cells = [cell for row in same for cell in row]
    clean = sum(COMMA_FRACTION.fullmatch(cell) is not None or not any(o in cell for o in others) for cell in cells)
    share = len(same) / len(rows) * clean / len(cells)
    return round(share * (0.5 if separator == BLANKS else 1.0), 2), float(width)  # blanks are also in titles and texts


def table_rows(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of the table, its header first.

    Lines of names and values may stand above it, with a blank line between: then the header has no numbers, but the next row has.
    """
    width = _width(rows)
    starts = [
        n + 1 for n, row in enumerate(rows[:-2]) if row.blank and _begins_a_table(rows[n + 1], rows[n + 2], width)
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
        return [row, *following]
    return []


def _begins_a_table(header: Row, first: Row, width: int) -> bool:
    full = len(header.cells) == len(first.cells) == width
    return full and not any(map(is_number, header.cells)) and any(map(is_number, first.cells))


def _is_title(row: Row, width: int) -> bool:
    """Return whether only the first cells of a wider table are filled, as spreadsheets write titles and notes."""
    filled = [bool(cell) for cell in row.cells]
    return bool(width > 1 and filled[0] and not any(filled[1:])) or sum(filled) < width / 2


def _units(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the cells of the first row if it holds units: of columns that are numbers below it."""
    if len(rows) < 3:
        return ()
    first, width = rows[0], len(rows[0])
    below = [row for row in rows[1:] if len(row) == width]
    numeric = [i for i in range(width) if below and _share_of_numbers([row[i] for row in below]) > 0.8]
    cells = [first[i] for i in numeric]
    like = [cell for cell in cells if _is_unit(cell)]
    sure = [cell for cell in like if cell in KNOWN_UNITS or cell[0] in "[("]
    if not cells or any(cell and not _is_unit(cell) for cell in cells) or not like:
        return ()
    return tuple(first) if len(like) > 1 or sure else ()


def _is_unit(cell: str) -> bool:
    return bool(
        cell
        and len(cell) <= MOST_IN_A_UNIT
        and cell.lower() not in MISSING_MARKS
        and not is_number(cell)
        and UNIT.fullmatch(cell)
    )


def _share_of_numbers(cells: Sequence[str]) -> float:
    given = [cell for cell in cells if cell.lower() not in MISSING_MARKS]
    return sum(map(is_number, given)) / len(given) if given else 0.0


def _decimal(rows: Sequence[Sequence[str]], separator: str) -> str:
    """Return the decimal mark: a comma if there are fractions with commas and none with points.

    Where the separator is a comma, ``"1,234"`` has a comma between thousands.
    """
    cells = [cell for row in rows for cell in row]
    commas = [cell for cell in cells if COMMA_FRACTION.fullmatch(cell)]
    points = sum(POINT_FRACTION.fullmatch(cell) is not None and "," not in cell for cell in cells)
    sure = [cell for cell in commas if "." in cell or not COMMA_GROUPS.fullmatch(cell)]
    dotted = sum(re.fullmatch(r"[+-]?\d{1,3}(?:\.\d{3})+", cell) is not None for cell in cells)
    if not commas or (separator == "," and not sure):
        return "."
    return "," if len(commas) > points - dotted else "."
