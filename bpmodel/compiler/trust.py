"""Folders for machine code that this user alone can write to.

A folder is opened once, and everything in it is read and written through that descriptor. So nobody can put another folder into
its place after it was looked at, whoever may write to the folders above it. On systems without users, such as Windows, folders
belong to their user anyway.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POSIX = hasattr(os, "geteuid") and {os.open, os.mkdir, os.rename, os.unlink} <= os.supports_dir_fd
FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
FILE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
OTHERS = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Place:
    """An open folder that is safe.

    Attributes
    ----------
    path : Path
    descriptor : int or None
        None on systems where files cannot be opened within a folder that is open.
    owners : frozenset of int
        Whose files are read.
    """

    path: Path
    descriptor: int | None
    owners: frozenset[int]

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None if there is none, or somebody else could have written it."""
        try:
            handle = os.open(self._at(name), os.O_RDONLY | FILE, **self._inside())
        except OSError:
            return None
        try:
            status = os.fstat(handle)
            if not (stat.S_ISREG(status.st_mode) and _is_of(status, self.owners)):
                return None
            with open(handle, "rb", closefd=False) as file:
                return file.read()
        except OSError:
            return None
        finally:
            os.close(handle)

    def write(self, name: str, content: bytes) -> None:
        """Write a file at once; raise OSError if that cannot be done."""
        draft = f"{name}.{os.getpid()}-{secrets.token_hex(4)}.new"
        handle = os.open(self._at(draft), os.O_WRONLY | os.O_CREAT | os.O_EXCL | FILE, 0o600, **self._inside())
        try:
            with open(handle, "wb") as file:
                file.write(content)
            if self.descriptor is None:
                os.replace(self._at(draft), self._at(name))
            else:
                os.replace(draft, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        except OSError:
            with suppress(OSError):
                os.unlink(self._at(draft), **self._inside())
            raise

    def _at(self, name: str) -> str:
        return name if self.descriptor is not None else str(self.path / name)

    def _inside(self) -> dict[str, Any]:
        return {} if self.descriptor is None else {"dir_fd": self.descriptor}


@contextmanager
def made(base: Path, name: str) -> Iterator[Place | None]:
    """Open the folder `name` in the folder `base`, and make both if they are missing.

    None unless both are real folders of this user that nobody else can write to. A folder of this user that others can write to,
    such as one that was made with a lax umask, is put right.
    """
    if not POSIX:
        folder = base / name
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
        yield Place(folder, None, frozenset()) if folder.is_dir() else None
        return
    owner = frozenset({os.geteuid()})
    opened: list[int] = []
    try:
        with suppress(OSError):
            for above in (*reversed(base.parents), base):
                if not os.path.isdir(above):
                    with suppress(FileExistsError):  # another process was faster, or it is a link
                        os.mkdir(above, 0o700)
            opened.append(os.open(base, FOLDER))
            if _put_right(opened[0]):
                with suppress(FileExistsError):
                    os.mkdir(name, 0o700, dir_fd=opened[0])
                opened.append(os.open(name, FOLDER, dir_fd=opened[0]))
        safe = len(opened) == 2 and _put_right(opened[1])
        yield Place(base / name, opened[1], owner) if safe else None
    finally:
        for descriptor in opened:
            os.close(descriptor)


@contextmanager
def found(folder: Path) -> Iterator[Place | None]:
    """Open a folder that came with the sources; None unless it is there, and only this user and root can write to it."""
    if not POSIX:
        yield Place(folder, None, frozenset()) if folder.is_dir() else None
        return
    owners = frozenset({0, os.geteuid()})
    try:
        descriptor = os.open(folder, FOLDER)
    except OSError:
        yield None
        return
    try:
        yield Place(folder, descriptor, owners) if _is_of(os.fstat(descriptor), owners) else None
    finally:
        os.close(descriptor)


def _put_right(descriptor: int) -> bool:
    """Whether an open folder is this user's alone; permissions of others to write are taken away."""
    status = os.fstat(descriptor)
    if status.st_uid == os.geteuid() and status.st_mode & OTHERS:
        with suppress(OSError):
            os.fchmod(descriptor, stat.S_IMODE(status.st_mode) & ~OTHERS)
        status = os.fstat(descriptor)
    return _is_of(status, frozenset({os.geteuid()}))


def _is_of(status: os.stat_result, owners: frozenset[int]) -> bool:
    return not owners or (status.st_uid in owners and not status.st_mode & OTHERS)
