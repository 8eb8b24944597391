"""Copies of data in an object store or a folder that machines share, by the hash of their content: whatever fsspec can open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from search.errors import StudyError
from search.service.data_copies import PIECE, Copies, Copy
from search.tables.secrets import masked


def check(url: str) -> None:
    """Check that copies can be kept at an address.

    Raises
    ------
    StudyError
        If fsspec, or what it needs for this address, is missing, or nothing can be listed there.
    """
    with _told(url):
        system, root = _opened(url)
        system.makedirs(root, exist_ok=True)
        system.ls(root)


def put(url: str, copy: Copy) -> None:
    """Store a copy, unless it is there.

    Raises
    ------
    StudyError
        If it cannot be stored.
    """
    with _told(url):
        system, root = _opened(url)
        path = f"{root}/{copy.digest}/{copy.path.name}"
        if system.exists(path) and system.size(path) == copy.path.stat().st_size:
            return
        system.makedirs(f"{root}/{copy.digest}", exist_ok=True)
        system.put_file(str(copy.path), path)


def fetch(url: str, data: str, copies: Copies) -> None:
    """Fetch the copy with an address into a folder of copies, unless it is not there.

    Raises
    ------
    StudyError
        If it cannot be read, or is another one.
    """
    with _told(url):
        system, root = _opened(url)
        folder = f"{root}/{data.removeprefix('data:')}"
        paths = sorted(system.ls(folder, detail=False)) if system.exists(folder) else []
        if not paths:
            return
        found = copies.add(paths[0].rpartition("/")[2], _pieces(system, paths[0]))
    if found.address != data:
        raise StudyError(f"the copy of its data at {masked(url)} is damaged: {paths[0]} has another content")


def _pieces(system: Any, path: str) -> Iterator[bytes]:
    with system.open(path, "rb") as file:
        yield from iter(lambda: file.read(PIECE), b"")


def _opened(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    system, root = url_to_fs(url)
    return system, str(root).rstrip("/")


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Tell in one line what fsspec raises, or one of its many systems: each has errors of its own."""
    try:
        yield
    except StudyError:
        raise
    except Exception as error:
        reason = masked(" ".join(str(error).split()))
        raise StudyError(f"copies of data at {masked(url)}: {type(error).__name__}: {reason}") from error
