"""Where the report on a study is kept, and how it gets there: only a report is ever replaced."""

from __future__ import annotations

from pathlib import Path

from search.errors import StudyError
from search.files import writing
from search.loop.journal import STUDIES
from search.report.page import GENERATOR

ENDING = ".report.html"
MARK = f'name="generator" content="{GENERATOR}"'.encode()
BEGINNING = 4096
"""Bytes of a file in which the mark of a report stands."""


def default(name: str, folder: Path = STUDIES) -> Path:
    """Return the file of a study's report.

    >>> print(default("prices"))
    studies/prices.report.html
    """
    return folder / f"{name}{ENDING}"


def is_report(path: Path) -> bool:
    """Return whether a file is a report that this program has written."""
    try:
        with open(writing.opened_to_read(path), "rb") as file:
            return MARK in file.read(BEGINNING)
    except (OSError, StudyError):
        return False


def check(path: Path, key: str = "", *, force: bool = False) -> None:
    """Check that a report may be written to a file.

    Raises
    ------
    StudyError
        If it is there and is no report, unless `force` is set, or is a link or no file, or there is no such folder.
    """
    if path.parent != STUDIES or STUDIES.exists():  # studies in a database have made no folder
        writing.check(path, key)
    if not force and path.exists() and not is_report(path):
        where = f"{key} {path}".strip()
        raise StudyError(f"{where} already exists and is no report; choose another file, or replace it with --force")


def write(path: Path, page: str, key: str = "", *, force: bool = False) -> None:
    """Write a report.

    Raises
    ------
    StudyError
        If it cannot be written, or would replace something else.
    """
    check(path, key, force=force)
    if path.parent == STUDIES:
        writing.made(STUDIES)
    with writing.replacing(path, key) as draft:
        draft.write_bytes(page.encode("utf-8", "replace"))
