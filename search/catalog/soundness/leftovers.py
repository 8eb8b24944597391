"""What kills leave in the folder and beside the database, and a database that was moved: of no study in particular."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from search.catalog.entries import OUTER
from search.catalog.soundness.files import is_old
from search.catalog.soundness.subject import Finding
from search.files import locking
from search.files.locking import Lock
from search.loop.file_journal import ENDING
from search.tracking import stores
from search.tracking.local import moving, scratch

DRAFT = re.compile(r"(?:.+)?\.[0-9a-f]{16}\.new(?:-journal)?")
"""Names of files that are being written; SQLite has a journal beside a database that is being made."""

LOCK = f"{ENDING}.lock"


def moved(uri: str) -> Iterator[Finding]:
    """Yield that a database names places from before its project was moved."""
    path = stores.database(uri)
    places = [] if path is None else moving.unsettled(path)
    if path is not None and places:
        told = f"{path} names files at {', '.join(places)}, not beside it"
        yield Finding("store_moved", "", told, repair=partial(moving.settle, path))


def findings(uri: str, folder: Path) -> Iterator[Finding]:
    """Yield the drafts, locks and folders that nobody needs any more."""
    for lock in sorted(folder.glob(f"*{LOCK}")):
        if not locking.held(lock):
            name = OUTER.sub("", lock.name.removesuffix(LOCK))
            yield Finding("left_behind", name, f"{lock} is a lock that nobody holds", repair=partial(_unlock, lock))
    database = stores.database(uri)
    for place in dict.fromkeys([folder, *([] if database is None else [database.parent])]):
        for draft in sorted(place.iterdir()) if place.is_dir() else []:
            if DRAFT.fullmatch(draft.name) and draft.is_file() and not draft.is_symlink() and is_old(draft):
                yield Finding(
                    "left_behind",
                    "",
                    f"{draft} is a draft that nobody writes",
                    repair=partial(_delete, draft),
                )
    for each in scratch.left(database):
        told = f"{each} is a folder of files on their way to the store, which nobody waits for"
        yield Finding("left_behind", "", told, repair=partial(scratch.sweep, database))


def _delete(draft: Path) -> None:
    draft.unlink(missing_ok=True)


def _unlock(lock: Path) -> None:
    """Take a lock that nobody holds, and release it, which deletes its file."""
    Lock(lock).release()
