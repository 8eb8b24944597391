"""Parquet and Feather files. What they claim is counted before it is read: a few bytes may stand for gigabytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import IO, Any, NamedTuple

import pandas as pd
import pyarrow
from pyarrow import compute, ipc, parquet

from bpmodel.names.short import short
from bpmodel.network.machine import give_back
from search.tables import messages, opening, size
from search.tables.reading import DAMAGE, Asked, Likely, Pieces, Table, UnreadableError, damage, tidy, unique

INDEX = "__index_level_0__"
"""How pandas calls an index without a name."""

OBJECT = 64
"""Bytes of a value that pandas keeps as an object of Python: a list, a decimal number, a day."""

AT_ONCE = 65_536
"""Rows whose texts are counted at once."""

TEXT, FIXED = "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"


AT_ONCE_BYTES = 1 << 25
"""Bytes of the columns that are read at once: beside the table, reading takes a few times as much."""

WIDTHS = {"FLOAT": 4}
"""Bytes of a value; of others they are `size.CELL`: also of whole numbers, which are floats where some are missing."""


class Extent(NamedTuple):
    """What the end of a Parquet file says about its columns, before any of them is read."""

    rows: int
    labeled: int
    """rows with a target, as far as the file tells"""
    names: list[str]
    bytes: float
    """of the table, as far as it is numbers; texts take more"""
    plain: bool
    """whether it has numbers, truth values and times only"""
    numbers: int
    """columns of numbers, without the target"""


def extent(path: Path, drop: Collection[str] = (), target: str | None = None) -> Extent:
    """Return how large the table of a Parquet file is, without some columns; nothing else is read.

    Raises
    ------
    UnreadableError
        If it is damaged.
    """
    with opening.raw(path) as file, damage("Parquet file"), parquet.ParquetFile(file) as source:
        return _extent(source.metadata, source.schema_arrow, _kept(source.schema_arrow, drop), target)


def read_parquet(path: Path, asked: Asked) -> Table:
    """Read a Parquet file, a few columns at a time; those that nobody needs are not read.

    Raises
    ------
    UnreadableError
        If it is damaged, or reading it would take more than the memory.
    """
    with opening.raw(path) as file, damage("Parquet file"):
        with parquet.ParquetFile(file) as source:
            meta, schema = source.metadata, source.schema_arrow
        kept = _kept(schema, asked.drop)
        _check(meta, schema, kept)
        found = _extent(meta, schema, kept)
        if not found.plain:
            size.check_table(found.rows, len(kept), _texts(file, meta, kept)[0])
        with _told_if_sound(lambda: parquet.read_table(_rewound(file), columns=kept)):
            frame = _read(file, found, whole=not _is_flat(schema))
        for column in (frame.iloc[:, i] for i in range(frame.shape[1])):
            if isinstance(column.dtype, pd.StringDtype):
                pyarrow.array(column).validate(full=True)  # nobody has looked whether the bytes are text
    table = _table(frame, asked)
    return replace(table, unread=[name for name in schema.names if name not in kept])


def _is_flat(schema: Any) -> bool:
    """Return whether columns can be asked for by their names: a dot in a name may stand for a part of a column."""
    return not any("." in name for name in schema.names)


def _kept(schema: Any, drop: Collection[str]) -> list[str]:
    """Return the names of the columns that are read: at least one."""
    kept = [name for name in schema.names if name not in drop] if _is_flat(schema) else []
    return kept or schema.names


def _extent(meta: Any, schema: Any, kept: Collection[str], target: str | None = None) -> Extent:
    groups = [meta.row_group(i) for i in range(meta.num_row_groups)]
    columns = [groups[0].column(j) for j in range(meta.num_columns)] if groups else []
    columns = [column for column in columns if column.path_in_schema.split(".")[0] in kept]
    cells = sum(WIDTHS.get(column.physical_type, size.CELL) for column in columns)
    plain = not any(column.physical_type in (TEXT, FIXED) for column in columns)
    objects = any(_is_object(schema.field(name).type) or _is_own(schema.field(name).type) for name in kept)
    numbers = sum(_is_number(schema.field(name).type) for name in kept if name != target)
    unlabeled = sum(map(_missing, (g.column(j) for g in groups for j in range(g.num_columns)), repeat(target)))
    return Extent(
        meta.num_rows,
        meta.num_rows - unlabeled,
        list(kept),
        float(cells) * meta.num_rows,
        plain and not objects,
        numbers,
    )


def _is_number(kind: Any) -> bool:
    return bool(pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind))


def _missing(column: Any, target: str | None) -> int:
    """Return how many values a piece of the target lacks, as far as that is known; 0 for other columns."""
    if column.path_in_schema != target or column.statistics is None or not column.statistics.has_null_count:
        return 0
    return int(column.statistics.null_count)


def _read(file: IO[bytes], found: Extent, *, whole: bool) -> pd.DataFrame:
    """Read columns of a Parquet file, so many at a time that they take little beside the table."""
    if whole or found.bytes <= AT_ONCE_BYTES:
        return pd.read_parquet(_rewound(file), columns=None if whole else found.names)
    width = max(int(AT_ONCE_BYTES * len(found.names) / found.bytes), 1)
    groups = [found.names[start : start + width] for start in range(0, len(found.names), width)]
    parts = []
    for names in groups:
        part = pd.read_parquet(_rewound(file), columns=names, pre_buffer=False)  # its threads keep what they have read
        parts.append(part[[name for name in names if name in part.columns]])  # those that are its index are in each
        pyarrow.default_memory_pool().release_unused()
    give_back()
    return pd.concat(parts, axis=1)


def read_feather(path: Path, asked: Asked) -> Table:
    """Read a Feather file; errors are those of `read_parquet`."""
    with opening.raw(path) as file, damage("Feather file"):
        size.check_table(0, 0, messages.unpacked(file))
        file.seek(0)
        reader = ipc.open_file(file)
        rows, total, width = 0, 0, len(reader.schema)
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            batch.validate(full=True)  # a damaged one may point anywhere
            rows, total = rows + batch.num_rows, total + sum(map(_decoded, batch.columns))
            size.check_table(rows, width, total)
        with _told_if_sound(lambda: ipc.open_file(_rewound(file)).read_all()):
            frame = pd.read_feather(_rewound(file))
    return _table(frame, asked)


def pieces(path: Path, asked: Asked, rows: int, likely: Likely) -> Pieces:
    """Read a Parquet file in pieces of so many rows. Its index is a column, also one that `read_parquet` leaves out."""
    with opening.raw(path) as opened, damage("Parquet file"), parquet.ParquetFile(opened) as file:
        schema, meta = file.schema_arrow, file.metadata
        longest = _texts(opened, meta, schema.names)[1]
        empty = schema.empty_table()
    dated = INDEX in schema.names and pyarrow.types.is_temporal(schema.field(INDEX).type)
    names, doubled = unique(["index" if name == INDEX and dated else name for name in schema.names])
    rows = size.rows_at_once(rows, len(names), longest)

    def frames() -> Iterator[pd.DataFrame]:
        with opening.raw(path) as opened, damage("Parquet file"), parquet.ParquetFile(opened) as file:
            for batch in file.iter_batches(batch_size=rows) if meta.num_rows else [empty]:
                batch.validate(full=True)
                with _told_if_sound(partial(pyarrow.Table.from_batches, [batch])):
                    frame = batch.to_pandas(ignore_metadata=True)
                yield frame.set_axis(names, axis=1)

    types = {name: kind for name, kind in zip(names, schema.types, strict=True) if not _is_own(kind)}
    return Pieces(names, frames(), [], doubled, types=types)


def types_of(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the Arrow types of the columns of a table that hold objects of Python; text for those of several kinds.

    >>> types_of(pd.DataFrame({"a": [1, 2], "b": [None, True], "c": ["x", 1.5]}, dtype=object))
    {'a': DataType(int64), 'b': DataType(bool), 'c': DataType(string)}
    """
    return {name: _type_of(column) for name, column in frame.items() if column.dtype == object}


def _type_of(column: pd.Series) -> Any:
    try:
        return pyarrow.array(column, from_pandas=True).type
    except pyarrow.ArrowException:
        return pyarrow.string()


def _is_own(kind: Any) -> bool:
    """Return whether pandas has no values of a type, but others for them, from which another type follows."""
    types = pyarrow.types
    return types.is_dictionary(kind) or types.is_string_view(kind) or types.is_binary_view(kind)


def _rewound(file: IO[bytes]) -> IO[bytes]:
    file.seek(0)
    return file


@contextmanager
def _told_if_sound(load: Callable[[], Any]) -> Iterator[None]:
    """Say which column of a table has values that pandas does not know; else the error passes: the file is damaged."""
    try:
        yield
    except DAMAGE:
        table = load()
        for name, column in zip(table.schema.names, table.columns, strict=True):
            column.validate(full=True)
            try:
                column.to_pandas()
            except DAMAGE as error:
                zone = getattr(column.type, "tz", None)
                reason = f"there is no time zone {zone!r}" if zone else " ".join(str(error).split())
                raise UnreadableError(
                    f"column {short(name)} is of the type {column.type}, and has values that cannot be read: {reason}; "
                    "save them as texts or numbers"
                ) from None
        raise


def _table(frame: pd.DataFrame, asked: Asked) -> Table:
    frame, notes = _without_index(frame)
    names, doubled = unique([str(name) for name in frame.columns])
    return tidy(frame.set_axis(names, axis=1), doubled, notes, every_row=asked.every_row)


def _check(meta: Any, schema: Any, kept: Collection[str]) -> None:
    """Check that columns have different names, and that the values that a Parquet file claims fit into the memory.

    A run of equal values takes a few bytes.
    """
    if meta.num_rows < 0:
        raise UnreadableError("it is damaged: it says that it has less than 0 rows")
    if twice := next((name for name, count in Counter(schema.names).items() if count > 1), None):
        raise UnreadableError(f"{twice!r} is the name of several columns; give each a name of its own")
    groups = [meta.row_group(i) for i in range(meta.num_row_groups)]
    columns = [group.column(j) for group in groups for j in range(group.num_columns)]
    columns = [column for column in columns if column.path_in_schema.split(".")[0] in kept]
    pages = sum(column.total_uncompressed_size for column in columns)
    found = _extent(meta, schema, kept)
    if found.plain:
        size.check_bytes(meta.num_rows, len(kept), max(found.bytes, pages), size.COPIES_BY_COLUMN)
        return
    plain = sum(column.num_values for column in columns) * size.CELL
    objects = sum(_is_object(schema.field(name).type) for name in kept) * meta.num_rows * OBJECT
    size.check_table(meta.num_rows, len(kept), max(plain, pages) + objects)


def _is_object(kind: Any) -> bool:
    types = pyarrow.types
    return types.is_nested(kind) or types.is_decimal(kind) or types.is_date(kind) or types.is_time(kind)


def _texts(file: IO[bytes], meta: Any, kept: Collection[str]) -> tuple[int, int]:
    """Return the bytes of the texts of a Parquet file, and those of its longest: one that repeats is stored once.

    Files are not looked through whose texts cannot be many.
    """
    names, most = set(), 0
    for i in range(meta.num_row_groups):
        for j in range(meta.num_columns):
            column = meta.row_group(i).column(j)
            if column.physical_type in (TEXT, FIXED) and column.path_in_schema.split(".")[0] in kept:
                names.add(column.path_in_schema)
                most += column.num_values * column.total_uncompressed_size
    if size.COPIES * most <= size.memory() / 2 and most <= size.CELLS_AT_ONCE * size.CELL:
        return most, size.CELL
    total = longest = 0
    file.seek(0)
    with parquet.ParquetFile(file, read_dictionary=sorted(names)) as source:
        for batch in source.iter_batches(batch_size=AT_ONCE, columns=sorted(names)):
            for column in batch.columns:
                total += _decoded(column)
                longest = max(longest, _longest(column))
    return total, longest


def _decoded(column: Any) -> int:
    """Return the bytes that a column takes when its dictionary and its runs are written out."""
    types = pyarrow.types
    if types.is_run_end_encoded(column.type):
        return len(column) * max(size.CELL, _longest(column.values))
    if not types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = _lengths(column.dictionary)
    if lengths is None:
        return len(column) * size.CELL
    return compute.sum(lengths.take(column.indices)).as_py() or 0


def _longest(column: Any) -> int:
    """Return the bytes of the longest text of a column; 0 if it has none."""
    lengths = _lengths(column.dictionary if pyarrow.types.is_dictionary(column.type) else column)
    return 0 if lengths is None else compute.max(lengths).as_py() or 0


def _lengths(column: Any) -> Any:
    """Return the bytes of each text; None for a column without texts."""
    types = pyarrow.types
    kind = column.type
    if any(is_(kind) for is_ in (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)):
        return compute.binary_length(column).cast("int64")
    return None


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
