"""The one way to lock: a file beside another, for as long as a process works with it.

The lock is the system's (`flock`): it ends with the process, even if that is killed. Its file is empty, is this user's alone, so
that nobody else can hold it, and is deleted with the lock; one that a kill left is taken over. What is in the place of the file
and is none, such as a link or a text, is refused and left as it is. Where the system has no `flock`, the package filelock has
another lock.
"""

from __future__ import annotations

import os
import stat
import time
from contextlib import suppress
from pathlib import Path

import filelock

from search.errors import StudyError
from search.files.writing import CAREFUL, misfit

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

PATIENCE = 0.3
"""Seconds that are waited: a command that asks whether a file is locked holds the lock for a moment."""


class Lock:
    """A lock that is held until `release`, by any thread, or until the process ends.

    Parameters
    ----------
    path : Path
        The lock's file. Its folder must be there.

    Raises
    ------
    BlockingIOError
        If another process holds it.
    StudyError
        If what is there cannot be a lock.
    OSError
        If it cannot be made.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lock = Lock(Path(folder, "a.lock"))
    ...     before = held(Path(folder, "a.lock"))
    ...     lock.release()
    ...     before, held(Path(folder, "a.lock"))
    (True, False)
    """

    def __init__(self, path: Path) -> None:
        self._path, self._handle, self._other = path, -1, None
        if fcntl is None:
            self._other = _other(path)
            return
        deadline = time.monotonic() + PATIENCE
        while self._handle < 0:
            handle = _opened(path)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_still(handle, path):  # its holder may have deleted it since it was opened
                    self._handle = handle
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(PATIENCE / 20)
            finally:
                if self._handle < 0:
                    os.close(handle)

    def release(self) -> None:
        """Free the lock, and delete its file."""
        if self._other is not None:
            self._other.release()
        if self._handle >= 0:
            if _is_still(self._handle, self._path):
                with suppress(OSError):
                    self._path.unlink()
            os.close(self._handle)
            self._handle = -1


def held(path: Path) -> bool:
    """Return whether another process, or this one, holds a lock; nothing is made.

    A file of somebody else that cannot be opened counts as held: nobody can know.
    """
    if fcntl is None:
        try:
            if not path.exists():
                return False
            _other(path).release()
            return False
        except OSError:
            return True
    try:
        handle = os.open(path, os.O_RDONLY | CAREFUL)
    except PermissionError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _opened(path: Path) -> int:
    """Open the file of a lock, which is made if it is missing, and check that it is one."""
    with suppress(FileNotFoundError):
        _check(path, path.lstat())
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | CAREFUL, 0o600)
    except PermissionError:
        if path.exists():
            raise StudyError(
                f"{path} belongs to {_owner(path)}: another run, or the rest of one; "
                "wait for it, or delete that file if none is at work"
            ) from None
        raise
    try:
        status = os.fstat(handle)
        _check(path, status)
        if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) & 0o077:  # of an older version
            os.fchmod(handle, 0o600)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _check(path: Path, status: os.stat_result) -> None:
    problem = misfit(path, status)
    if not problem and status.st_size:
        problem = f"is no lock: it holds {status.st_size} bytes; move it away"
    if not problem and status.st_nlink > 1:
        problem = "is no lock: it is another name of a file elsewhere; move it away"
    if problem:
        raise StudyError(f"{path} {problem}")


def _is_still(handle: int, path: Path) -> bool:
    """Return whether an open file has its name yet."""
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except OSError:
        return False


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (KeyError, OSError):  # no entry in the system's list of users
        return f"user {path.lstat().st_uid}"


def _other(path: Path) -> filelock.BaseFileLock:
    """Take the lock of the package filelock, for systems without `flock`."""
    lock = filelock.FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise BlockingIOError(f"{path} is held") from None
    return lock
