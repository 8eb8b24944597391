"""Tables from files of any kind, by the ending of their name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from search.tables import delimited, workbooks
from search.tables.reading import Asked, Table, UnreadableError, check_asked, tidy, unique


class Format(NamedTuple):
    """A kind of file."""

    endings: tuple[str, ...]
    read: Callable[[Path, Asked], Table]
    keys: tuple[str, ...] = ()
    """Fields of `Asked` that it has a use for."""


def _columnar(read: Callable[[Path], pd.DataFrame]) -> Callable[[Path, Asked], Table]:
    def table(path: Path, asked: Asked) -> Table:
        frame = read(path)
        names, doubled = unique([str(name) for name in frame.columns])
        return tidy(frame.set_axis(names, axis=1), doubled, [])

    return table


FORMATS = {
    "CSV": Format(
        (".csv", ".tsv", ".txt", ".dat", ".data", ".tab"),
        delimited.read,
        ("separator", "decimal", "encoding", "na_values"),
    ),
    "Excel": Format((".xlsx", ".xlsm"), workbooks.read, ("sheet", "na_values")),
    "Parquet": Format((".parquet", ".pq"), _columnar(pd.read_parquet)),
    "Feather": Format((".feather", ".arrow"), _columnar(pd.read_feather)),
}
"""Formats by name. A file of another ending is read as text."""

COMPRESSIONS = (".gz", ".gzip", ".bz2", ".xz", ".zip")


def format_of(path: Path) -> str:
    """Return the name of a file's format.

    >>> [format_of(Path(name)) for name in ("a.csv.gz", "A.PARQUET", "b.xlsx", "c")]
    ['CSV', 'Parquet', 'Excel', 'CSV']
    """
    endings = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in COMPRESSIONS]
    ending = endings[-1] if endings else ""
    return next((name for name, row in FORMATS.items() if ending in row.endings), "CSV")


def read(path: Path, asked: Asked = Asked()) -> Table:  # noqa: B008 - it cannot be changed
    """Read a table from a file.

    Raises
    ------
    UnreadableError
        If the file is not what its name says, or has no table.
    FileNotFoundError
    """
    name = format_of(path)
    row = FORMATS[name]
    check_asked(asked, f"{name} files", row.keys)
    if name == "CSV":
        with delimited.opened(path) as file:
            if not delimited.is_text(file.read(4096)):
                raise UnreadableError(f"it is no text; files of other kinds end in {_endings()}")
    return row.read(path, asked)


def _endings() -> str:
    return ", ".join(ending for name, row in FORMATS.items() if name != "CSV" for ending in row.endings)
