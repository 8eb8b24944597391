"""Whether a file, and the table that it holds, fit into the memory that this process may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bpmodel.names.amounts import bytes_told
from bpmodel.network.machine import memory
from search.tables.reading import UnreadableError

CHUNK = 1 << 20
"""Bytes that are read at once."""

COPIES = 3
"""Reading takes up to so many times the memory of the table: its rows as they arrive, as columns, and one step in between."""

COPIES_BY_COLUMN = 2
"""The same where columns are read a few at a time, and none holds texts or objects."""

WIDE, COPIES_OF_WIDE, COLUMN = 40_000, 4, 3500
"""Columns of a text that is read at once, and takes so many times the memory of its table; bytes of a column beside its cells."""

CELL = 8
"""Bytes of a number, and of the place of a text."""

CELLS_AT_ONCE = 5_000_000
"""Cells of a piece, of a table that is read in pieces."""


def check_size(count: int) -> None:
    """Check that a file of so many bytes is not larger than the memory: as a table it takes at least as much.

    Raises
    ------
    UnreadableError
        If it is larger.
    """
    if count > (limit := memory()):
        raise UnreadableError(
            f"it has {bytes_told(count)}, and this machine {bytes_told(limit)} of memory; take a sample of its rows"
        )


def check_table(rows: int, columns: int, count: float = 0) -> None:
    """Check, before a table is made, that it can be.

    Parameters
    ----------
    rows, columns : int
    count : float
        Bytes of its cells, if that is more than 8 for each.

    Raises
    ------
    UnreadableError
        If reading it may take more than the memory.

    Examples
    --------
    >>> check_table(10**9, 10**6)
    Traceback (most recent call last):
    search.tables.reading.UnreadableError: it has 1,000,000,000 rows and 1,000,000 columns, 8,000,000.0 GB as a table; ...
    """
    check_bytes(rows, columns, max(float(rows) * columns * CELL, count), COPIES if columns <= WIDE else COPIES_OF_WIDE)


def check_bytes(rows: int, columns: int, bytes_: float, copies: int) -> None:
    """Check that a table of so many bytes can be made, where reading takes up to `copies` times that.

    Errors are those of `check_table`.
    """
    if copies * bytes_ + COLUMN * columns > (limit := memory()):
        raise UnreadableError(
            f"it has {rows:,} rows and {columns:,} columns, {bytes_told(bytes_)} as a table; reading takes up to {copies} times "
            f"that, and {bytes_told(COLUMN)} a column; this machine has {bytes_told(limit)} of memory; take a sample of its rows"
        )


def rows_at_once(rows: int, columns: int, longest: int = CELL) -> int:
    """Return how many rows, at most `rows`, a piece of a table has whose cells take so many bytes each.

    >>> rows_at_once(50_000, 10), rows_at_once(50_000, 20_000), rows_at_once(50_000, 1, 10**6)
    (50000, 250, 40)
    """
    return max(1, min(rows, CELLS_AT_ONCE * CELL // (max(columns, 1) * max(longest, CELL))))


@contextmanager
def within_memory() -> Iterator[None]:
    """Let what needs more memory than there is end with a MemoryError, and not with the end of the process.

    What a table takes is counted before it is made; this is for what no count foresees. The limit is one on addresses: it is set
    beyond what the process has now, and taken back at the end. Systems without such a limit have none here.
    """
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError):
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit = memory()
    if limit == float("inf") or before[0] != resource.RLIM_INFINITY:
        yield
        return
    most = int(limit) + pages * os.sysconf("SC_PAGE_SIZE")
    if before[1] != resource.RLIM_INFINITY:
        most = min(most, before[1])
    resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
