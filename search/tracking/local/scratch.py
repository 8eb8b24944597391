"""Folders for files on their way to a store, which the next start removes if a kill has left them."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nothing says there whether a folder is in use, so none is removed later
    fcntl = None  # type: ignore[assignment]

PREFIX = ".bpsearch-"


def place(database: Path | None) -> Path:
    """Return where such folders are: beside the database, or in the temporary folder of the machine without one."""
    return Path(tempfile.gettempdir()) if database is None else database.parent.resolve()


@contextmanager
def scratch(database: Path | None) -> Iterator[Path]:
    """Make an empty folder for the body. It belongs to this process for as long as that lives.

    Parameters
    ----------
    database : Path or None
        File of the SQLite store; None for other stores.

    Examples
    --------
    >>> with scratch(None) as folder:
    ...     found = sorted(folder.iterdir())
    >>> found, folder.exists()
    ([], False)
    """
    folder, held = _made(place(database))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if held is not None:
            os.close(held)


def until_exit(database: Path | None) -> Path:
    """Return a new folder that is removed when the process ends."""
    sweep(database)
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(scratch(database))


def left(database: Path | None) -> list[Path]:
    """Return the folders that `sweep` would remove; nothing is changed."""
    if fcntl is None:
        return []
    found = []
    for folder in sorted(place(database).glob(f"{PREFIX}*")):
        with suppress(OSError):  # in use, of another user, or gone
            if folder.lstat().st_uid == os.geteuid():
                os.close(_lock(folder))
                found.append(folder)
    return found


def sweep(database: Path | None) -> None:
    """Remove the folders of processes of this user that have ended without doing so."""
    if fcntl is None:
        return
    for folder in place(database).glob(f"{PREFIX}*"):
        with suppress(OSError):  # in use, of another user, or gone: not ours to remove
            if folder.lstat().st_uid == os.geteuid():
                held = _lock(folder)
                try:
                    shutil.rmtree(folder)
                finally:
                    os.close(held)


def _made(where: Path) -> tuple[Path, int | None]:
    """Return a new folder and the descriptor that holds its lock."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=where))
        if fcntl is None:
            return folder, None
        try:
            held = _lock(folder)
        except (FileNotFoundError, BlockingIOError):  # another process swept it before it was locked
            continue
        except OSError:  # a file system without locks: nobody can sweep it either
            return folder, None
        if folder.exists():
            return folder, held
        os.close(held)


def _lock(folder: Path) -> int:
    """Lock a folder, and no link to one; the system unlocks it when the process ends, even by a kill.

    Raises
    ------
    OSError
        If it is locked, or no folder.
    """
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(held)
        raise
    return held
