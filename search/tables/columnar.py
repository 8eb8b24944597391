"""Parquet and Feather files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow
from pyarrow import parquet

from search.tables.reading import Asked, Likely, Pieces, Table, UnreadableError, tidy, unique

INDEX = "__index_level_0__"
"""How pandas calls an index without a name."""


def reader(read: Callable[[Path], pd.DataFrame]) -> Callable[[Path, Asked], Table]:
    """Return the function that reads a table with a function of pandas."""

    def table(path: Path, asked: Asked) -> Table:
        frame, notes = _without_index(read(path))
        names, doubled = unique([str(name) for name in frame.columns])
        return tidy(frame.set_axis(names, axis=1), doubled, notes, every_row=asked.every_row)

    return table


def pieces(path: Path, asked: Asked, rows: int, likely: Likely) -> Pieces:
    """Read a Parquet file in pieces of so many rows. Its index is a column, also one that `reader` leaves out."""
    try:
        file = parquet.ParquetFile(path)
    except pyarrow.ArrowException as error:
        raise UnreadableError(" ".join(str(error).split())) from None
    dated = INDEX in file.schema_arrow.names and pyarrow.types.is_temporal(file.schema_arrow.field(INDEX).type)
    names, doubled = unique(["index" if name == INDEX and dated else name for name in file.schema_arrow.names])

    def frames() -> Iterator[pd.DataFrame]:
        with file:
            for batch in file.iter_batches(batch_size=rows):
                yield batch.to_pandas(ignore_metadata=True).set_axis(names, axis=1)

    return Pieces(names, frames(), [], doubled)


def _without_index(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Leave out the index, unless it holds dates: a series is often kept so.

    Whoever reads the file with pandas to predict has it as an index, too; the preprocessor takes a column from there.
    """
    index = frame.index
    if isinstance(index, pd.DatetimeIndex) and index.name not in frame.columns:
        name = "index" if index.name is None else str(index.name)
        return frame.rename_axis(name).reset_index(), [f"the index, {name!r}, is a column: it holds dates"]
    if INDEX in frame.columns and pd.api.types.is_integer_dtype(
        frame[INDEX]
    ):  # a copy by a program that knows no index
        return frame.drop(columns=INDEX), ["the index, which has no name, left out"]
    lost = [name for name in index.names if name is None or name not in frame.columns]
    if not lost or isinstance(index, pd.RangeIndex):
        return frame, []
    named = ", ".join("which has no name" if name is None else repr(name) for name in lost)
    return frame, [f"the index, {named}, left out; with reset_index() it is written as a column"]
