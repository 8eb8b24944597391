"""The one way to open data: regular files only, unpacked while they are counted, and every fault of a packer in one line."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from bpmodel.names.amounts import bytes_told
from bpmodel.names.short import short
from search.tables import size
from search.tables.reading import UnreadableError

PACKERS: dict[bytes, tuple[str, Callable[[Any], Any] | None]] = {
    b"\x1f\x8b": ("gzip", lambda file: gzip.GzipFile(fileobj=file)),
    b"BZh": ("bz2", bz2.BZ2File),
    b"\xfd7zXZ\0": ("xz", lzma.LZMAFile),
    b"PK\x03\x04": ("zip", None),
}
"""The first bytes of packed files: their name, and how they are unpacked; an archive has members besides."""

EMPTY_ARCHIVE = b"PK\x05\x06"

FAULTS = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, struct.error, NotImplementedError, OverflowError)
"""What the packers of the standard library raise on damaged bytes, besides an OSError without a number."""

MOST_TIMES, ANYWAY = 200, 1_000_000_000
"""A packed file may unpack to so many bytes, or to so many times its own size if that is more. Tables of text shrink to a third
or a twentieth; gzip can write 1,032 zeros as one byte, and bz2 a million."""

ENCRYPTED = 0x1

KINDS = {
    stat.S_IFDIR: "it is a folder; name a file in it",
    stat.S_IFIFO: "it is a pipe; save its rows in a file",
    stat.S_IFCHR: "it is a device; save its rows in a file",
    stat.S_IFBLK: "it is a device; save its rows in a file",
    stat.S_IFSOCK: "it is a socket; save its rows in a file",
}
"""Why what is no regular file is refused: it may have no end, or wait for ever."""

SHOWN = 5

CHANGED = "it was changed while it was read; read it again when nothing writes to it, or name a copy"

State = tuple[int, int, int, int]
"""Where the system keeps a file, its size, and when it was written last."""


def check(path: Path) -> int:
    """Return the size of a regular file in bytes. Links to one are followed.

    Raises
    ------
    UnreadableError
        If it is a folder, a pipe, a device or a socket, or empty, as files of the system are that grow while they are read.
    FileNotFoundError
    """
    return _size(path.stat())


def raw(path: Path) -> IO[bytes]:
    """Open a regular file to read its bytes as they are; errors are those of `check`, and it never waits."""
    check(path)  # before it is opened: to open a device may do something
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    file = os.fdopen(os.open(path, flags), "rb")
    try:
        _size(os.fstat(file.fileno()))  # it may have been replaced
    except UnreadableError:
        file.close()
        raise
    return file


@contextmanager
def opened(path: Path, most: float = float("inf")) -> Iterator[IO[bytes]]:
    """Open a regular file, also a packed one, to read its bytes; they can be read again from the start.

    Parameters
    ----------
    path : Path
    most : float
        Bytes that may be read. Whatever it is, a packed file is refused while it unpacks to more than `ANYWAY` bytes and more
        than `MOST_TIMES` its size.

    Raises
    ------
    UnreadableError
        As in `check`; if an archive does not hold one file, or wants a password; and, also while it is read, if it is damaged or
        unpacks to too much.
    FileNotFoundError
    """
    with raw(path) as file:
        kind = _packer(file)
        if kind is None:
            yield file
            return
        name, unpack = kind
        packed = os.fstat(file.fileno()).st_size
        with faults(name):
            unpacked = unpack(file) if unpack else _member(file)
        with io.BufferedReader(_Unpacked(unpacked, name, packed, most), size.CHUNK) as reader:
            yield reader


def state(path: Path) -> State:
    """Return what tells whether a file was changed or replaced, to compare it later.

    Raises
    ------
    FileNotFoundError
    """
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


@contextmanager
def unchanged(path: Path, before: State) -> Iterator[None]:
    """Refuse what was read of a file that is not as it was: a table is read in several passes, which would not fit each other.

    Raises
    ------
    UnreadableError
        If its state is not the one before. Another error of the body may follow from that, and is not told then.
    """
    try:
        yield
    except (ValueError, OSError):
        check_unchanged(path, before)
        raise
    check_unchanged(path, before)


def check_unchanged(path: Path, before: State) -> None:
    """Check that a file is still in a state.

    Raises
    ------
    UnreadableError
    """
    try:
        same = state(path) == before
    except OSError:  # it was deleted
        same = False
    if not same:
        raise UnreadableError(CHANGED) from None


def packer(path: Path) -> str | None:
    """Return how a file is packed, by its first bytes; None if it is not."""
    with raw(path) as file:
        found = _packer(file)
    return found and found[0]


def check_unpacked(packed: int, count: int, most: float) -> None:
    """Check that a file of so many bytes may unpack to `count` bytes, of which there may be `most`.

    Raises
    ------
    UnreadableError
    """
    if count > min(most, max(ANYWAY, MOST_TIMES * packed)):
        times = f"it has {bytes_told(packed)} and unpacks to {bytes_told(count)} or more"
        if count > most:
            raise UnreadableError(f"{times}, and {bytes_told(most)} can be read here; take a sample of its rows")
        raise UnreadableError(f"{times}, over {MOST_TIMES} times as much; unpack it and name the unpacked file")


class _Unpacked(io.RawIOBase):
    """The bytes of a packed file, counted while they are unpacked."""

    def __init__(self, file: Any, name: str, packed: int, most: float) -> None:
        self._file, self._name, self._packed, self._most = file, name, packed, most

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with faults(self._name):
            found = self._file.read(len(buffer))
            position = self._file.tell()
        check_unpacked(self._packed, position, self._most)
        buffer[: len(found)] = found
        return len(found)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("a packed file is read from its start")
        with faults(self._name):
            return int(self._file.seek(offset))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


@contextmanager
def faults(name: str) -> Iterator[None]:
    """Say in one line that a packed file is damaged."""
    try:
        yield
    except FAULTS as error:
        raise UnreadableError(_damaged(name, error)) from None
    except OSError as error:
        if error.errno is not None:  # of the disk
            raise
        raise UnreadableError(_damaged(name, error)) from None


def _damaged(name: str, error: Exception) -> str:
    reason = " ".join(str(error).split())
    return f"it is a damaged {name} file, or one that was cut off{f': {reason}' if reason else ''}"


def _packer(file: IO[bytes]) -> tuple[str, Callable[[Any], Any] | None] | None:
    start = file.read(8)
    file.seek(0)
    if start.startswith(EMPTY_ARCHIVE):
        raise UnreadableError("it is a zip archive without files; it must hold one")
    return next((row for mark, row in PACKERS.items() if start.startswith(mark)), None)


def members(file: IO[bytes]) -> list[zipfile.ZipInfo]:
    """Return the files of an open zip archive, without folders and what macOS adds.

    Raises
    ------
    UnreadableError
        If it is damaged.
    """
    with faults("zip"), _archive(file) as archive:
        return _files(archive)


@contextmanager
def _archive(file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(file)
    except (ValueError, LookupError) as error:  # of names and times that are none
        raise zipfile.BadZipFile(str(error)) from None
    with archive:
        yield archive


def _files(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [row for row in archive.infolist() if not row.is_dir() and not row.filename.startswith("__MACOSX/")]


def _member(file: IO[bytes]) -> Any:
    """Open the only file of a zip archive."""
    with _archive(file) as archive:
        found = _files(archive)
        if len(found) != 1:
            names = ", ".join(short(row.filename) for row in found[:SHOWN]) + (", …" if len(found) > SHOWN else "")
            raise UnreadableError(f"it holds {len(found)} files{f' ({names})' if names else ''}; it must hold one")
        if found[0].flag_bits & ENCRYPTED:
            raise UnreadableError("it is a zip archive with a password; unpack it and name the unpacked file")
        try:
            return archive.open(found[0])
        except (RuntimeError, ValueError, LookupError) as error:
            raise zipfile.BadZipFile(str(error)) from None


def _size(found: os.stat_result) -> int:
    kind = stat.S_IFMT(found.st_mode)
    if kind != stat.S_IFREG:
        raise UnreadableError(KINDS.get(kind, "it is no regular file"))
    if not found.st_size:
        raise UnreadableError("it is empty")
    return found.st_size
