"""The one way to write a file: complete or not at all, never through a link, never over what is no file.

- A file is written under another name in the same folder, stored on the disk, and renamed. Whatever ends that early, a kill
  included, leaves the older file as it was. Another name of the older file (a hard link) keeps the older content.
- A link in the place of a file is refused, wherever it leads: a project folder may come from somebody else. Folders may be links:
  people keep `mlruns` on another disk.
- A new file has the permissions that the user's mask says; one that replaces another has those of the other.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from search.errors import StudyError
from search.files import trouble

NOTHING = "no file was written"
CAREFUL = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
"""Flags of each file that is opened: no link is followed, nobody waits for a pipe's other end, no child gets it."""

WITHOUT_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
"""What systems of files say that have no hard links."""


def check(path: Path, key: str = "", *, force: bool = True) -> None:
    """Check, before anything takes time, that a file may be written.

    Parameters
    ----------
    path : Path
    key : str
        The option that names it, for the message.
    force : bool
        Whether it may replace a file.

    Raises
    ------
    StudyError
        If it is there and `force` is not set, is a link or no file, or there is no such folder.

    Examples
    --------
    >>> check(Path("/dev/null"), "--output")
    Traceback (most recent call last):
    search.errors.StudyError: --output /dev/null: is no file, but a device; name a file
    """
    where = f"{key} {path}".strip()
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        if not path.absolute().parent.is_dir():
            raise StudyError(f"{where}: there is no folder {path.parent}") from None
        return
    except (OSError, ValueError) as error:  # a name that is too long, or with a NUL
        raise StudyError(f"{where} cannot be written: {getattr(error, 'strerror', None) or error}") from None
    if problem := misfit(path, status):
        raise StudyError(f"{where}: {problem}")
    if not force:
        raise StudyError(f"{where} already exists; choose another file, or replace it with --force")


def misfit(path: Path, status: os.stat_result) -> str:
    """Return why what is in the place of a file is not one that may be written; empty if it is."""
    if stat.S_ISREG(status.st_mode):
        return ""
    if stat.S_ISLNK(status.st_mode):
        return f"is a link to {_target(path)}; name that file itself, or delete the link"
    if stat.S_ISDIR(status.st_mode):
        return "is a folder; name a file"
    kinds = ((stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
    kind = next((name for test, name in kinds if test(status.st_mode)), "a device")
    return f"is no file, but {kind}; name a file"


@contextmanager
def replacing(
    path: Path, key: str = "", *, force: bool = True, kept: str = NOTHING, private: bool = False
) -> Iterator[Path]:
    """Give the path of a draft, an empty file in the same folder, which becomes the file when the body ends well.

    Parameters
    ----------
    path : Path
    key : str
        The option that names it, for messages.
    force : bool
        Whether a file that is there is replaced; checked again at the end, because it may have come meanwhile.
    kept : str
        What is not lost, for messages.
    private : bool
        Whether nobody else may read it, from before it has content.

    Raises
    ------
    StudyError
        If the file cannot be written. An OSError of the body counts as one of the draft.
    """
    check(path, key, force=force)
    draft = None
    try:
        draft = _draft(path, private=private)
        yield draft
        _store(draft)
        if force:
            os.replace(draft, path)
        else:
            _name(draft, path)
        _store_folder(path.parent)
    except FileExistsError:
        check(path, key, force=force)
        raise
    except BrokenPipeError:
        raise
    except OSError as error:
        where = path if trouble.of_disk(error) else f"{key} {path}".strip()
        raise StudyError(trouble.told(error, where, kept)) from error
    finally:
        if draft is not None:
            with suppress(OSError):
                draft.unlink(missing_ok=True)


def write(path: Path, content: bytes, *, kept: str = NOTHING, private: bool = False) -> None:
    """Write a whole file; nobody else may read one that is private.

    Raises
    ------
    StudyError
        If it cannot be written.
    """
    with replacing(path, kept=kept, private=private) as draft:
        draft.write_bytes(content)


def new(path: Path, content: bytes) -> None:
    """Write a file that must be new, in a folder of this program's own, whose parts are replaced as a whole, if at all.

    Raises
    ------
    OSError
        If it exists, or cannot be written.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | CAREFUL, 0o666)
    with open(handle, "wb") as file:
        file.write(content)


def opened_to_append(path: Path) -> int:
    """Open a file, which is made if it is missing, to read it and to append to it; return the descriptor.

    Nothing in it is changed.

    Raises
    ------
    StudyError
        If it is a link, or no file.
    OSError
        If it cannot be opened.
    """
    with suppress(FileNotFoundError):
        if problem := misfit(path, path.lstat()):
            raise StudyError(f"{path} cannot be written: it {problem}")
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | CAREFUL, 0o666)
    if problem := misfit(path, os.fstat(handle)):
        os.close(handle)
        raise StudyError(f"{path} cannot be written: it {problem}")
    return handle


def opened_to_read(path: Path) -> int:
    """Open a file to read it; return the descriptor.

    Raises
    ------
    StudyError
        If it is no file, such as a pipe, for which a reader would wait. Links are followed: nothing is written.
    OSError
        If it cannot be opened.
    """
    handle = os.open(path, os.O_RDONLY | (CAREFUL & ~getattr(os, "O_NOFOLLOW", 0)))
    if problem := misfit(path, os.fstat(handle)):
        os.close(handle)
        raise StudyError(f"{path} cannot be read: it {problem}")
    return handle


def made(folder: Path) -> None:
    """Make a folder and those above it, if they are missing; a link to a folder is one.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)


def _draft(path: Path, *, private: bool) -> Path:
    """Make an empty file beside another; its name is short, because that of the other may be as long as names can be."""
    draft = path.with_name(f".{secrets.token_hex(8)}.new")
    try:
        mode = 0o600 if private else stat.S_IMODE(path.lstat().st_mode)
    except OSError:
        mode = None
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | CAREFUL, 0o666 if mode is None else 0o600)
    try:
        if mode is not None and hasattr(os, "fchmod"):
            os.fchmod(handle, mode)
    finally:
        os.close(handle)
    return draft


def _name(draft: Path, path: Path) -> None:
    """Give a draft its name, unless there is a file of that name by now."""
    try:
        os.link(draft, path, follow_symlinks=False)
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in WITHOUT_LINKS:
            raise
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        os.replace(draft, path)


def _store(draft: Path) -> None:
    """Wait until a draft is on the disk: a full one may not tell before."""
    handle = os.open(draft, os.O_RDWR | CAREFUL)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _store_folder(folder: Path) -> None:
    """Wait until a new name is on the disk, where a folder can be stored."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _target(path: Path) -> str:
    try:
        return os.path.realpath(path)
    except OSError:
        return os.readlink(path)
