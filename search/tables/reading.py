"""What is asked and what is told about the reading of a table."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd

from bpmodel.preprocessing.values import as_texts

PADDED = r"\s*[+-]?0\d"
"""A number that begins with a zero and another digit is a text, such as a postal code."""


class Asked(NamedTuple):
    """How a table is to be read; None is guessed.

    Attributes
    ----------
    separator, decimal, encoding : str, optional
    na_values : sequence of str, optional
        Texts that count as missing, in place of pandas' own.
    sheet : str or int, optional
        Name or number, from 0, of a sheet of a workbook.
    header : bool, optional
        Whether the columns have names.
    target : str, optional
        Name of the column that is to be predicted: the text "None" is a class there.
    every_row : bool
        Whether rows are kept that are no data, such as totals and repeated headers: each has a place in the predictions.
    drop : sequence of str
        Names of columns that nobody needs; a format that stores columns one by one does not read them.
    """

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    na_values: Sequence[str] | None = None
    sheet: str | int | None = None
    header: bool | None = None
    target: str | None = None
    every_row: bool = False
    drop: Sequence[str] = ()


class Likely(NamedTuple):
    """What is likely of a table that is like an earlier one.

    Attributes
    ----------
    decimal : str
        The decimal mark where the first rows do not tell.
    names : frozenset of str
        Columns that it probably has: the row with some of them is its header.
    """

    decimal: str = "."
    names: frozenset[str] = frozenset()


@dataclass
class Table:
    """A table as it was read.

    Attributes
    ----------
    frame : DataFrame
    notes : list of str
        What was guessed or left out, a sentence each; empty for a plain CSV file.
    doubled : set of str
        Names that several columns have.
    marks : list of str
        Texts of the target that count as missing.
    decimal : str
        The decimal mark of numbers that are left as texts, such as ``"1.234,5 €"``.
    unread : sequence of str
        Columns that were left in the file, because nobody needs them.
    """

    frame: pd.DataFrame
    notes: list[str] = field(default_factory=list)
    doubled: set[str] = field(default_factory=set)
    marks: list[str] = field(default_factory=list)
    decimal: str = "."
    unread: Sequence[str] = ()


class Pieces(NamedTuple):
    """A table that is read a piece at a time: each row once, in order, and no row is left out.

    Attributes
    ----------
    names : list of str
        The columns.
    frames : iterator of DataFrame
        The rows, so many in each piece.
    notes : list of str
        What was guessed, a sentence each.
    doubled : set of str
        Names that several columns have.
    decimal : str
    written : bool
        Whether the values are texts as they stand in a file. Else they have types, and missing ones are missing.
    missing : frozenset of str
        The texts that count as missing, where values are texts.
    types : mapping of str to pyarrow.DataType
        Types of columns, as far as they are known before the values: a piece may have none, or only some of them.
    """

    names: list[str]
    frames: Iterator[pd.DataFrame]
    notes: list[str]
    doubled: set[str]
    decimal: str = "."
    written: bool = False
    missing: frozenset[str] = frozenset()
    types: Mapping[str, Any] = MappingProxyType({})


class UnreadableError(ValueError):
    """A file cannot be read as a table; the message says where and why."""


DAMAGE = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, EOFError, RuntimeError),
    *(SyntaxError, struct.error, zlib.error, zipfile.BadZipFile),  # of XML, and of archives
)
"""What libraries raise that meet a damaged file. RuntimeError has those that recurse too deep and those not implemented."""


@contextmanager
def damage(kind: str) -> Iterator[None]:
    """Say in one line that a library cannot read a file of a kind; errors of the disk and of the memory pass.

    >>> with damage("workbook"):
    ...     {}["sheet1.xml"]
    Traceback (most recent call last):
    search.tables.reading.UnreadableError: it is a damaged workbook: 'sheet1.xml'
    """
    try:
        yield
    except UnreadableError:
        raise
    except DAMAGE as error:
        reason = str(error)
    except OSError as error:
        if error.errno is not None:
            raise
        reason = str(error)
    else:
        return
    reason = " ".join(reason.split())
    raise UnreadableError(f"it is a damaged {kind}{f': {reason}' if reason else ''}")


def check_asked(asked: Asked, kind: str, keys: Sequence[str]) -> None:
    """Raise if something is asked for that a kind of source has no use for.

    >>> check_asked(Asked(sheet="May"), "CSV files", ("separator", "decimal"))
    Traceback (most recent call last):
    search.tables.reading.UnreadableError: sheet = 'May' is not for CSV files; allowed are separator, decimal
    """
    for key, value in asked._asdict().items():
        if value is not None and key not in (*keys, "target", "every_row", "drop"):
            raise UnreadableError(f"{key} = {value!r} is not for {kind}; allowed are {', '.join(keys) or 'none'}")


def cut(table: Table, rows: int) -> Pieces:
    """Return a table that was read as a whole in pieces of so many rows."""
    frame = table.frame
    frames = (frame.iloc[start : start + rows] for start in range(0, max(len(frame), 1), rows))
    return Pieces(list(frame.columns), frames, table.notes, table.doubled, table.decimal)


def number(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> number(1, "row"), number(2, "row")
    ('1 row', '2 rows')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"


def unique(names: Sequence[str]) -> tuple[list[str], set[str]]:
    """Return different names for columns, and the names that occur several times.

    A column without a name is called by its number, from 1; of equal names the second is called ``name.1``.

    >>> unique(["a", "", "a"])
    (['a', 'column 2', 'a.1'], {'a'})
    """
    found: dict[str, None] = {}
    last: dict[str, int] = {}  # the number that was given out last for a name: those before it are taken
    for position, name in enumerate(names, start=1):
        name = name or f"column {position}"
        other = name
        while other in found:
            last[name] = last.get(name, 0) + 1
            other = f"{name}.{last[name]}"
        found[other] = None
    return list(found), set(last)


def tidy(
    frame: pd.DataFrame, doubled: set[str], notes: list[str], decimal: str = ".", *, every_row: bool = False
) -> Table:
    """Leave out what is no data: rows and columns without a value, headers repeated inside, and a column that counts the rows.

    With `every_row`, nothing is.
    """
    if every_row:
        return Table(frame.reset_index(drop=True), notes, doubled, decimal=decimal)
    names = list(frame.columns)
    empty = frame.iloc[:, :1].isna().all(axis=1)
    empty = frame.isna().all(axis=1) if empty.any() else empty
    if empty.any() and not empty.all():
        frame = frame[~empty]
        notes.append(f"{number(int(empty.sum()), 'row')} without a value left out")
    named = [name for i, name in enumerate(names, start=1) if name != f"column {i}"]
    if named and len(frame) > 1 and not any(pd.api.types.is_numeric_dtype(frame[name]) for name in named):
        repeated = pd.concat([as_texts(frame[name]) == name for name in named], axis=1).all(axis=1)
        if repeated.any():
            frame = typed_anew(frame[~repeated], decimal)
            notes.append(f"{number(int(repeated.sum()), 'row')} that repeated the header left out")
    nameless = [name for i, name in enumerate(names, start=1) if name == f"column {i}"]
    for name in nameless:
        column = frame[name]
        if column.isna().all():
            frame = frame.drop(columns=name)
        elif name == "column 1" and _counts_rows(column):
            frame = frame.drop(columns=name)
            notes.append("the first column has no name and counts the rows: left out")
    return Table(frame.reset_index(drop=True), notes, doubled, decimal=decimal)


def typed_anew(frame: pd.DataFrame, decimal: str = ".") -> pd.DataFrame:
    """Return a table whose columns of texts are numbers if all their texts are, and none begins with a zero and a digit."""
    frame = frame.copy()
    for name in frame.columns[[not pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes]]:
        column = frame[name]
        try:
            texts = column.str.replace(decimal, ".", regex=False) if decimal != "." else column
            if not column.str.match(PADDED).any():
                frame[name] = pd.to_numeric(texts)
        except (ValueError, TypeError, AttributeError):
            continue
    return frame


def _counts_rows(column: pd.Series) -> bool:
    return (
        pd.api.types.is_integer_dtype(column) and bool((column.diff().iloc[1:] == 1).all()) and column.iloc[0] in (0, 1)
    )
