"""Tables written a piece at a time, to a file that is complete once it has its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import pandas as pd
import pyarrow
from pyarrow import parquet

from search.errors import StudyError
from search.files import writing
from search.tables.columnar import types_of

Write = Callable[[pd.DataFrame], None]
"""Writes a piece."""


@contextmanager
def csv(file: IO[str]) -> Iterator[Write]:
    """Write comma-separated values with a header.

    >>> import sys
    >>> with csv(sys.stdout) as write:
    ...     write(pd.DataFrame({"a": [1, 2]}))
    ...     write(pd.DataFrame({"a": [3]}))
    a
    1
    2
    3
    """
    begun = False

    def write(frame: pd.DataFrame) -> None:
        nonlocal begun
        frame.to_csv(file, header=not begun, index=False, lineterminator="\n")
        begun = True

    yield write


@contextmanager
def json_lines(file: IO[str]) -> Iterator[Write]:
    """Write an object for each row on a line of its own."""

    def write(frame: pd.DataFrame) -> None:
        if len(frame):
            file.write(_records(frame))

    yield write


@contextmanager
def json_list(file: IO[str]) -> Iterator[Write]:
    """Write a list of objects, one for each row."""
    begun = False

    def write(frame: pd.DataFrame) -> None:
        nonlocal begun
        if len(frame):
            file.write(",\n" if begun else "[\n")
            file.write(_records(frame).rstrip("\n").replace("\n", ",\n"))
            begun = True

    yield write
    file.write("\n]\n" if begun else "[]\n")


def _records(frame: pd.DataFrame) -> str:
    # a line break inside of a text is written as \n, so each line is an object
    return str(frame.to_json(orient="records", lines=True, force_ascii=False, date_format="iso", double_precision=15))


@contextmanager
def parquet_file(path: Path, types: Mapping[str, Any] = MappingProxyType({})) -> Iterator[Write]:
    """Write a Parquet file; the types of the columns are those of the first piece, unless they are known before.

    A column without a value in the first piece becomes one of texts, because any value can be written as a text.
    """
    writer: Any = None

    def write(frame: pd.DataFrame) -> None:
        nonlocal writer
        schema = writer.schema if writer else _schema(frame, types)
        for name, column in frame.items():
            if schema.field(name).type == pyarrow.string() and not isinstance(column.dtype, pd.StringDtype):
                frame = frame.assign(**{str(name): column.map(str, na_action="ignore")})
        table = pyarrow.Table.from_pandas(frame, schema=schema, preserve_index=False)
        writer = writer or parquet.ParquetWriter(path, schema)
        writer.write_table(table)

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()


def _schema(frame: pd.DataFrame, types: Mapping[str, Any]) -> Any:
    """Return the names and types of the columns of a table."""
    known = {**types_of(frame), **types}
    kinds = {name: known.get(name) or pyarrow.array(column, from_pandas=True).type for name, column in frame.items()}
    texts = {name: pyarrow.string() for name, kind in kinds.items() if pyarrow.types.is_null(kind)}
    return pyarrow.schema({**kinds, **texts})


TEXTS = {".csv": csv, ".json": json_list, ".jsonl": json_lines, ".ndjson": json_lines}
"""Formats that are texts, by the ending of the file's name."""

ENDINGS = (*TEXTS, ".parquet")


def check(path: Path, *, force: bool) -> None:
    """Check that a file may be written.

    Raises
    ------
    StudyError
        If its ending is not one of `ENDINGS`, it exists and must not be replaced, is a link or no file, or there is no folder.
    """
    if path.suffix.lower() not in ENDINGS:
        raise StudyError(f"--output {path}: the name must end in one of {', '.join(ENDINGS)}")
    writing.check(path, "--output", force=force)


@contextmanager
def to_file(path: Path, *, force: bool = True, types: Mapping[str, Any] = MappingProxyType({})) -> Iterator[Write]:
    """Write a file of the format that its name says: under another name until it is complete.

    Whatever ends the body early, Ctrl-C included, leaves no file, and the one that was there as it was.

    Parameters
    ----------
    path : Path
    force : bool, default=True
        Whether a file that is there is replaced.
    types : mapping of str to pyarrow.DataType
        Types of columns that are known before the first piece; formats that are texts have none.

    Raises
    ------
    StudyError
        If it cannot be written.
    """
    with writing.replacing(path, "--output", force=force) as draft:
        try:
            if path.suffix.lower() == ".parquet":
                with parquet_file(draft, types) as write:
                    yield write
            else:
                with (
                    draft.open("w", encoding="utf-8", newline="") as file,
                    TEXTS[path.suffix.lower()](file) as write,
                ):
                    yield write
        except pyarrow.ArrowException as error:
            reason = " ".join(" ".join(map(str, error.args)).split())
            raise StudyError(
                f"--output {path} cannot be written: {reason}; a .csv or .json file has no types"
            ) from None
