"""How a delimited text file is written: its separator, its quotes, its decimal mark, and where its table begins."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from bpmodel.preprocessing.texts import numerals
from bpmodel.preprocessing.texts.marks import clean
from search.tables.text.cells import GROUPS, KNOWN_UNITS, is_missing, is_number
from search.tables.text.tops import Row, Top, find_top, width_of

BLANKS = " "
"""The separator of files whose cells are separated by one or more blanks."""

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", BLANKS: "blanks"}

COMMA_FRACTION = re.compile(rf"[+-]?(?:{GROUPS}|\d[\d.]*),\d*(?:[eE][+-]?\d+)?")
POINT_FRACTION = re.compile(rf"[+-]?(?:{GROUPS}|\d[\d,]*)\.\d*(?:[eE][+-]?\d+)?")
COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+")
"""A number whose commas may stand between thousands."""

COMMA_AMOUNT = re.compile(r"[^\d;|]{0,4}[+-]?\d[\d.\s'\u2019\u202f\xa0]*,(?:\d*|-{1,2})\s?[^\d,;|]{0,8}")
"""A number with a decimal comma, and a currency or a unit."""

FRACTION = re.compile(
    r"(?:\d+|\d{1,3}(?:[.' ]\d{3})+)(?P<comma>,)(?:\d{1,2}|\d{4,})|(?:\d+|\d{1,3}(?:[,' ]\d{3})+)(?P<point>\.)(?:\d{1,2}|\d{4,})"
)
"""A number whose last mark cannot stand between thousands."""

NAMELESS = re.compile(r"column \d+")
"""Names of columns that have none."""

GROUPED = re.compile(r"[+-]?\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*")
"""A number whose marks may all stand between thousands."""

POINT_GROUPS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+")
NUMBERS = re.compile(r"(?:[+-]?[\d.,]+|\?|NA)(?:\s+(?:[+-]?[\d.,]+|\?|NA)){2,}")
"""Several numbers in what should be one cell."""

TOLD = re.compile(r'"?sep=(.)"?\s*')
"""A first line that tells Excel the separator."""

KEYS = re.compile(r"([^\t,]+(?:,[^\t,]+)+)\\(\w+)\s*")
"""The first cell of a header of Eurostat: the names of key columns, and of what the names of the other columns are."""

WORD = re.compile(r'"([^"]*)"|(\S+)')
SINGLE_QUOTED = re.compile(r"(?:^|[,;\t|]\s*)'[^']*'(?=\s*(?:$|[,;\t|]))")


class Dialect(NamedTuple):
    """How a table is written in a text.

    Attributes
    ----------
    separator : str
        `BLANKS` stands for one or more.
    decimal : str
    quote : str
        What stands around cells that hold a separator.
    top : Top
        Where the table begins.
    told : bool
        Whether the first line says what the separator is.
    complete : bool
        Whether all rows from the header on have the same number of cells.
    """

    separator: str
    decimal: str
    quote: str
    top: Top
    told: bool = False
    complete: bool = True


def guess_dialect(
    lines: Sequence[str], separator: str | None = None, decimal: str | None = None, header: bool | None = None
) -> Dialect:
    """Guess how a table is written from the first lines of a text.

    The separator is the one that gives most rows the same number of cells, at least two, without other separators inside the
    cells. The header is the first row of that width; rows with nothing but a first cell are titles. A header may have one cell
    less than the rows: then they begin with row names.

    Parameters
    ----------
    lines : sequence of str
        Complete lines.
    separator, decimal, header : optional
        What is known.

    Examples
    --------
    >>> dialect = guess_dialect(["Rents 2024", "size;rent", "m2;EUR", "52,5;1.210,00", "80,0;1.900,50"])
    >>> dialect.separator, dialect.decimal, dialect.top.line, dialect.top.names, dialect.top.units
    (';', ',', 1, ('size', 'rent'), ('m2', 'EUR'))
    """
    told = TOLD.fullmatch(lines[0].rstrip("\r\n")) if lines else None
    if told:
        lines = ["\n", *lines[1:]]
        separator = separator or told[1]
    if separator is None and any(KEYS.fullmatch(line.split("\t")[0]) for line in lines[:1]):
        separator = "\t"
    quote = _quote(lines)
    candidates = [separator] if separator else list(SEPARATORS)
    tables = {each: split(lines, each, quote) for each in candidates}
    chosen = max(candidates, key=lambda each: _fit(tables[each], each))
    top = find_top(tables[chosen], header)
    complete = all(len(row) == top.width for row in top.rows)
    return Dialect(chosen, decimal or _decimal(top.rows, chosen), quote, top, told is not None, complete)


def split(lines: Sequence[str], separator: str, quote: str = '"') -> list[Row]:
    """Return the rows of a text; cells have no blanks around them, and quoted cells may hold line breaks.

    The mark of a comment, ``#``, is left out: the last comment may be the header.
    """
    commented = [line.startswith("#") for line in lines]
    plain = [line.lstrip("# ") if comment else line for line, comment in zip(lines, commented, strict=True)]
    if separator == BLANKS:
        words = [[a or b for a, b in WORD.findall(line)] for line in plain]
        return [Row(number, cells, commented[number]) for number, cells in enumerate(words)]
    reader = csv.reader(plain, delimiter=separator, skipinitialspace=True, quotechar=quote)
    rows, first = [], 0
    try:
        for cells in reader:
            rows.append(Row(first, [cell.strip() for cell in cells], commented[first]))
            first = reader.line_num
    except csv.Error:  # a cell that is too long: a quote that does not end
        pass
    return rows


def _quote(lines: Sequence[str]) -> str:
    """Return the apostrophe if cells stand between apostrophes, and none between quotes."""
    single = sum(SINGLE_QUOTED.search(line.strip()) is not None for line in lines)
    return "'" if single > len(lines) / 2 and not any('"' in line for line in lines) else '"'


def _fit(rows: Sequence[Row], separator: str) -> tuple[float, float]:
    """Return how well a separator fits: the share of rows of one width times the share of clean cells, and the width."""
    rows = [row for row in rows if not row.blank and not row.comment]
    width = width_of(rows)
    if width < 2:
        return 0.0, 0.0
    same = [row.cells for row in rows if len(row.cells) == width]
    others = [other for other in SEPARATORS if other not in (separator, BLANKS)]
    cells = [cell for row in same for cell in row]
    clean = sum(_is_clean(cell, others) for cell in cells)
    share = len(same) / len(rows) * clean / len(cells)
    return round(share * (0.5 if separator == BLANKS else 1.0), 2), float(width)  # blanks are also in titles and texts


def _is_clean(cell: str, others: Sequence[str]) -> bool:
    """Return whether a cell looks like one: without other separators, and no row of numbers."""
    if COMMA_FRACTION.fullmatch(cell) is not None or COMMA_AMOUNT.fullmatch(cell) is not None:
        return True
    return not any(other in cell for other in others) and NUMBERS.fullmatch(cell) is None


def _decimal(rows: Sequence[Sequence[str]], separator: str) -> str:
    """Return the decimal mark: a comma if there are fractions with commas and none with points.

    Where the separator is a comma, ``"1,234"`` has a comma between thousands. Without any plain fraction, those with a currency
    or a unit tell it. Without any comma, points may stand between thousands: see `_are_groups`.
    """
    cells = [cell for row in rows for cell in row]
    commas = [cell for cell in cells if COMMA_FRACTION.fullmatch(cell)]
    points = sum(POINT_FRACTION.fullmatch(cell) is not None and "," not in cell for cell in cells)
    sure = [cell for cell in commas if "." in cell or not COMMA_GROUPS.fullmatch(cell)]
    dotted = sum(re.fullmatch(r"[+-]?\d{1,3}(?:\.\d{3})+", cell) is not None for cell in cells)
    if not commas and points == dotted and (with_units := _marks_beside_units(cells)):
        return with_units
    if not commas:
        return "," if separator != "," and points == dotted and _are_groups(rows) else "."
    if separator == "," and not sure:
        return "."
    return "," if len(commas) > points - dotted else "."


def _marks_beside_units(cells: Sequence[str]) -> str:
    """Return the decimal mark of numbers with a currency or a unit; empty if they do not tell.

    >>> _marks_beside_units(["1.708,30 €", "98,5 m²"]), _marks_beside_units(["$1,708.30"]), _marks_beside_units(["$1,708"])
    (',', '.', '')
    """
    found = Counter[str]()
    for cell in cells:
        if ("," in cell or "." in cell) and (match := numerals.NUMERAL.fullmatch(clean(cell))):
            fraction = FRACTION.fullmatch(match["core"])
            if fraction and (match["before"] or match["after"]):
                found[fraction["comma"] or fraction["point"]] += 1
    return max(found, key=lambda mark: (found[mark], mark)) if found else ""


def with_names(dialect: Dialect, lines: Sequence[str], names: frozenset[str]) -> Dialect:
    """Return a dialect whose header is the first row with some of these names, if the guessed header has none of them.

    A row below the header then holds units only if one of them is known: other words are values that cannot be read. If the
    names are those of a table without a header, this one has none, either.

    >>> lines = ["area,town", "many,Ulm", "12,Bonn", "13,Ulm"]
    >>> guessed = guess_dialect(lines)
    >>> guessed.top.names, with_names(guessed, lines, frozenset(["town"])).top.names
    (('many', 'Ulm'), ('area', 'town'))
    """
    sure = any(cell in KNOWN_UNITS or cell[:1] in ("[", "(") for cell in dialect.top.units)
    if not names or (names & set(dialect.top.names) and (sure or not dialect.top.units)):
        return dialect
    rows = split(lines, dialect.separator, dialect.quote)
    for place, row in enumerate(rows):
        if names & set(row.cells):
            following = tuple(later.cells for later in rows[place + 1 :] if not later.blank)
            top = Top(row.line, tuple(row.cells), rows=following)
            return dialect._replace(top=top, complete=all(len(cells) == top.width for cells in following))
    if all(NAMELESS.fullmatch(name) for name in names):
        return guess_dialect(lines, dialect.separator, dialect.decimal, header=False)
    return dialect


def tells_decimal(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the numbers of a table tell its decimal mark: one has a fraction that is no group of thousands.

    >>> tells_decimal([["1.500", "12"]]), tells_decimal([["1.5", "12"]]), tells_decimal([["1,234.50", "12"]])
    (False, True, True)
    """
    cells = (cell for row in rows for cell in row if is_number(cell))
    return any(("." in cell or "," in cell) and not GROUPED.fullmatch(cell) for cell in cells)


def _are_groups(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether points stand between thousands in some column: ``1.530`` beside ``439``.

    All its points are followed by three digits, one of them ends in 0, and numbers without a point are below 1000. A program
    that writes fractions leaves out such zeros, or writes as many decimals in every cell.
    """
    for column in zip(*(row for row in rows if rows and len(row) == len(rows[0])), strict=False):
        numbers = [cell for cell in column if cell and not is_missing(cell)]
        grouped = [cell for cell in numbers if POINT_GROUPS.fullmatch(cell)]
        small = [cell for cell in numbers if cell.isdigit() and len(cell) <= 3]
        if grouped and small and len(grouped) + len(small) == len(numbers) and any(c.endswith("0") for c in grouped):
            return True
    return False
