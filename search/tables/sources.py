"""What a study file may name as the source of its rows: a file, or a table of a database."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from search.tables import databases, files
from search.tables.reading import Asked, Likely, Pieces, Table, UnreadableError
from search.tables.secrets import masked, secrets_of
from search.tables.size import within_memory

ROWS = 50_000
"""Rows that are read at a time."""


def read(source: str, folder: Path = Path(), asked: Asked = Asked()) -> Table:  # noqa: B008 - it cannot be changed
    """Read a table from the path of a file or the address of a database; paths are relative to `folder`.

    Raises
    ------
    UnreadableError
    FileNotFoundError
    MemoryError
    """
    with within_memory():
        if databases.is_address(source):
            return databases.read(source, folder, asked)
        return files.read(folder / source, asked)


def pieces(
    source: str,
    folder: Path = Path(),
    asked: Asked = Asked(),  # noqa: B008 - it cannot be changed
    rows: int = ROWS,
    defaults: Mapping[str, Any] = MappingProxyType({}),
    likely: Likely = Likely(),  # noqa: B008
    *,
    typed: bool = False,
) -> Pieces:
    """Read a table from a file or a database in pieces of so many rows; every row of it has its place.

    Parameters
    ----------
    source, folder, asked
        As in `read`.
    rows : int
    defaults : mapping
        Fields of `Asked` that hold where nothing is asked for and the source has a use for them.
    likely : Likely
    typed : bool, default=False
        Whether columns have the types that all their values have; then a text is read as a whole.

    Raises
    ------
    UnreadableError
        Also while the pieces are read.
    FileNotFoundError
    """
    if databases.is_address(source):
        return databases.pieces(source, folder, asked, rows)
    return files.pieces(folder / source, asked, rows, defaults, likely, typed=typed)


def shown(source: str, folder: Path = Path()) -> str:
    """Return a source as messages name it: a path with its folder, an address without its password.

    >>> shown("mysql://me:s3cret@host/db?table=sales"), Path(shown("a.csv", Path("data"))).as_posix()
    ('mysql://***@host/db?table=sales', 'data/a.csv')
    """
    return masked(source) if databases.is_address(source) else str(folder / source)


def name(source: str) -> str:
    """Return a short name for a source: that of a file, or an address without its password.

    >>> name("data/a.csv"), name("sqlite:///a.db?table=b")
    ('a.csv', 'sqlite:///a.db?table=b')
    """
    return masked(source) if databases.is_address(source) else Path(source).name


def stem(source: str) -> str:
    """Return what a study of a source may be called: after the table, the database or the file.

    >>> stem("data/a.csv.gz"), stem("sqlite:///a.db?table=b"), stem("postgresql://host/c?query=SELECT+1")
    ('a', 'b', 'c')
    """
    if not databases.is_address(source):
        return Path(source).name.split(".")[0]
    try:
        address = databases.parse(source)
    except UnreadableError:
        return ""
    return address.table or Path(address.url.database or "").name.split(".")[0]


def moved(source: str, old: Path, new: Path) -> str:
    """Return a source that is relative to one folder as one that is relative to another.

    >>> moved("data/a.csv", Path(), Path("studies")), moved("postgresql://host/c?table=b", Path(), Path("studies"))
    ('../data/a.csv', 'postgresql://host/c?table=b')
    """
    if databases.is_address(source):
        return databases.moved(source, old, new)
    return Path(os.path.relpath(old / source, new)).as_posix()


def same(source: str, folder: Path, other: str) -> bool:
    """Return whether a source that is relative to `folder` is the other, which is relative to the current folder.

    >>> same("../a.csv", Path("studies"), "a.csv"), same("postgresql://host/c?table=b", Path(), "postgresql://host/c?table=d")
    (True, False)
    """
    return moved(source, folder, Path()) == moved(other, Path(), Path())


def holds_password(source: str) -> bool:
    """Return whether a source is an address with a password.

    >>> holds_password("mysql://me:s3cret@host/db"), holds_password("mysql://me@host/db")
    (True, False)
    """
    if not databases.is_address(source):
        return False
    place, _, parameters = source.partition("://")[2].rpartition("@")[2].partition("?")
    return bool(secrets_of(source)) or masked(f"a://{place}?{parameters}") != f"a://{place}?{parameters}"
