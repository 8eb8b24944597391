"""Rollback journals of strangers: SQLite deletes a file that one names, as soon as the database is opened.

A transaction over several databases has a file of its own (the super-journal), whose name stands at the end of the journal of
each. Whoever opens one of them after a crash rolls it back, and deletes that file if no journal that it lists needs it. Nothing
of this asks whether it is a super-journal: it may be any file. MLflow writes one database, so that its journals name none.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from search.files.writing import CAREFUL

MARK = bytes.fromhex("d9d505f920a163d7")
"""The end of a journal that names a file."""

TAIL = 16
"""Bytes at that end: the length of the name, which lies before, a checksum, and the mark."""

LONGEST = 4096
"""Bytes of a name; SQLite takes longer ones for none."""


def named(database: Path) -> str:
    """Return the file that SQLite would delete when it opens a database; empty if there is none.

    Parameters
    ----------
    database : Path
        It need not be there: the journal may wait for it.

    Examples
    --------
    >>> named(Path("not/there.db"))
    ''
    """
    journal = beside(database)
    try:
        handle = os.open(journal, os.O_RDONLY | CAREFUL)  # SQLite follows no link there either
    except (OSError, ValueError):
        return ""
    with open(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size < TAIL:
            return ""
        file.seek(-TAIL, os.SEEK_END)
        tail = file.read(TAIL)
        length = int.from_bytes(tail[:4], "big")
        if not tail.endswith(MARK) or not 0 < length <= min(LONGEST, status.st_size - TAIL):
            return ""
        file.seek(-TAIL - length, os.SEEK_END)
        return os.fsdecode(file.read(length).partition(b"\0")[0])


def beside(database: Path) -> Path:
    """Return the journal of a database, which lies beside the file that a link leads to."""
    place = database.resolve()
    return place.with_name(f"{place.name}-journal")
