"""Tables from files of any kind, by the ending of their name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from search.tables import columnar, json_records, opening, signatures, workbooks
from search.tables.reading import Asked, Likely, Pieces, Table, UnreadableError, check_asked, cut
from search.tables.size import check_size
from search.tables.text import delimited, encodings


class Format(NamedTuple):
    """A kind of file."""

    endings: tuple[str, ...]
    read: Callable[[Path, Asked], Table]
    keys: tuple[str, ...] = ()
    """Fields of `Asked` that it has a use for."""
    pieces: Callable[[Path, Asked, int, Likely], Pieces] | None = None
    """Reads it in pieces."""


FORMATS = {
    "CSV": Format(
        (".csv", ".tsv", ".txt", ".dat", ".data", ".tab"),
        delimited.read,
        ("separator", "decimal", "encoding", "na_values", "header"),
        delimited.pieces,
    ),
    "Excel": Format((".xlsx", ".xlsm"), workbooks.read, ("sheet", "na_values", "header")),
    "Parquet": Format((".parquet", ".pq"), columnar.read_parquet, (), columnar.pieces),
    "Feather": Format((".feather", ".arrow"), columnar.read_feather),
    "JSON": Format((".json", ".jsonl", ".ndjson"), json_records.read, ("encoding",)),
}
"""Formats by name. A file of another ending is read as text."""

COMPRESSIONS = (".gz", ".gzip", ".bz2", ".xz", ".zip")
"""Endings that say how a file is packed, and not what it holds."""


def format_of(path: Path) -> str:
    """Return the name of a file's format.

    >>> [format_of(Path(name)) for name in ("a.csv.gz", "A.PARQUET", "b.xlsx", "c")]
    ['CSV', 'Parquet', 'Excel', 'CSV']
    """
    endings = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in COMPRESSIONS]
    ending = endings[-1] if endings else ""
    return next((name for name, row in FORMATS.items() if ending in row.endings), "CSV")


def read(path: Path, asked: Asked = Asked()) -> Table:  # noqa: B008 - it cannot be changed
    """Read a table from a file. Its first bytes say what it is, and where they do not, its name.

    Raises
    ------
    UnreadableError
        If the file is of another kind or damaged, larger than the memory, changed meanwhile, or has no table.
    FileNotFoundError
    """
    before = opening.state(path)
    with opening.unchanged(path, before):
        check_size(opening.check(path))
        name, notes = _found(path)
        check_asked(asked, f"{name} files", FORMATS[name].keys)
        table = FORMATS[name].read(path, asked)
    table.notes[:0] = notes
    return table


def pieces(
    path: Path,
    asked: Asked,
    rows: int,
    defaults: Mapping[str, Any],
    likely: Likely = Likely(),  # noqa: B008 - it cannot be changed
    *,
    typed: bool = False,
) -> Pieces:
    """Read a table from a file in pieces of so many rows; errors are those of `read`.

    Text and Parquet files may be larger than the memory; the others are read as a whole.

    Parameters
    ----------
    path, asked, rows
    defaults : mapping
        Fields of `Asked` that hold where nothing is asked for and the format has a use for them.
    likely : Likely
    typed : bool, default=False
        Whether the columns of a text have the types that all their values have: then it is read as a whole.
    """
    before = opening.state(path)
    with opening.unchanged(path, before):
        name, notes = _found(path)
        row = FORMATS[name]
        check_asked(asked, f"{name} files", row.keys)
        own = {key: defaults[key] for key in row.keys if getattr(asked, key) is None and defaults.get(key) is not None}
        asked = asked._replace(**own, every_row=True)
        if row.pieces is None or (typed and name == "CSV"):
            check_size(opening.check(path))
            table = row.read(path, asked)
            found = cut(table, rows)._replace(types=columnar.types_of(table.frame))
        else:
            found = row.pieces(path, asked, rows, likely)
            found = found._replace(frames=_unchanged(found.frames, path, before))
    found.notes[:0] = notes
    return found


def _unchanged(frames: Iterator[pd.DataFrame], path: Path, before: opening.State) -> Iterator[pd.DataFrame]:
    """Pass on the pieces of a file as long as it is in the same state: after hours, not all are in vain."""
    with opening.unchanged(path, before):
        for frame in frames:
            opening.check_unchanged(path, before)
            yield frame


def _found(path: Path) -> tuple[str, list[str]]:
    """Return the name of a file's format, and what is said of it."""
    named = format_of(path)
    name = signatures.format_of(path) or _of_text(path, named)
    return name, [] if name == named else [f"read as {name}, whatever its name says"]


def _of_text(path: Path, named: str) -> str:
    """Return the format of a file without a signature: a text."""
    with opening.opened(path) as file:
        if not encodings.is_text(file.read(signatures.START)):
            raise UnreadableError(
                f"it is no text; files of other kinds end in {_endings()}"
                if named == "CSV"
                else f"it is no {named} file"
            )
    return named if named == "JSON" else "CSV"


def _endings() -> str:
    return ", ".join(ending for name, row in FORMATS.items() if name != "CSV" for ending in row.endings)
