"""What is wrong with a disk, in one line."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

KEPT = "finished trials are kept"

DISKS = {
    errno.ENOSPC: "disk full",
    errno.EDQUOT: "disk quota reached",
    errno.EROFS: "disk is read-only",
    errno.EIO: "disk error",
}
"""Errors that no other file would be spared, by their number."""

WORDS = {
    "No space left on device": "disk full",
    "database or disk is full": "disk full",
    "Disk quota exceeded": "disk quota reached",
    "Read-only file system": "disk is read-only",
    "Input/output error": "disk error",
    "disk I/O error": "disk error",
}
"""The same, as systems and SQLite say it; libraries pass on the text alone."""


def told(error: OSError | str, path: Path | str, kept: str = KEPT) -> str:
    """Return why a file cannot be written.

    Parameters
    ----------
    error : OSError or str
        Or its text, where there is no more of it.
    path : Path or str
    kept : str
        What is not lost.

    Examples
    --------
    >>> told(OSError(errno.ENOSPC, "No space left on device"), "studies/a.journal")
    'disk full: studies/a.journal; finished trials are kept'
    >>> told(PermissionError(errno.EACCES, "Permission denied"), "out/b.csv", "no file was written")
    'out/b.csv cannot be written: Permission denied; no file was written'
    """
    what = of_disk(error)
    if what:
        return f"{what}: {path}; {kept}"
    reason = " ".join(str(getattr(error, "strerror", None) or error).split())
    return f"{path} cannot be written: {reason}; {kept}"


def of_disk(error: BaseException | str) -> str:
    """Return what is wrong with the disk, if an error or one that it came from says so; else an empty string.

    >>> of_disk("(sqlite3.OperationalError) database or disk is full"), of_disk(ValueError("no"))
    ('disk full', '')
    """
    if isinstance(error, str):
        return next((what for words, what in WORDS.items() if words in error), "")
    for each in _chain(error):
        if isinstance(each, OSError) and each.errno in DISKS:
            return DISKS[each.errno]
        if found := next((what for words, what in WORDS.items() if words in str(each)), ""):
            return found
    return ""


def path_of(error: BaseException) -> str:
    """Return the file that an error of the system is about; empty if it does not say."""
    names = (getattr(each, "filename", None) for each in _chain(error) if isinstance(each, OSError))
    return next((str(name) for name in names if name is not None), "")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__
