"""Projects that were moved or copied: the database holds absolute paths, which must be those of where it is now.

MLflow writes the place of the artifacts into each experiment, run, logged model and version. After ``mv`` or ``cp -r`` of a
project, these still name the old place: new files would go there, into what may be another project by now, and models would
be read from there or not at all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlparse
from urllib.request import url2pathname

from search.tracking.contents.runs import BESIDE, EXPERIMENT_TAGS

ARTIFACTS = "artifacts"
"""Folder of the artifacts, beside the database."""

OWN = "Default"
"""Folder of the artifacts of MLflow's own experiment; no study has this name."""

WRITTEN = {"runs": ("artifact_uri",)}
"""Columns of places where files may still be written: these always move."""

READ = {"logged_models": ("artifact_location",), "model_versions": ("source", "storage_location")}
"""Columns of places that are only read: these move unless the files have stayed behind."""

LOCK_SECONDS = 20.0


class Move(NamedTuple):
    """An experiment whose artifacts are looked for elsewhere than beside the database."""

    experiment: int
    old: str
    new: str


def artifact_root(database: Path, experiment: str) -> str:
    """Return the location of an experiment's artifacts: a folder beside the SQLite database."""
    return (database.parent / ARTIFACTS / experiment).resolve().as_uri()


def settle(database: Path) -> str:
    """Make the places that a database names those beside it, all of them or, after an error, none.

    Experiments whose artifacts were never beside the database are left alone. A database that cannot be written is left as it
    is.

    Returns
    -------
    str
        What was changed, in one line; empty if nothing was.
    """
    if not (database.is_file() and database.stat().st_size):
        return ""
    try:
        with closing(sqlite3.connect(database, timeout=LOCK_SECONDS, isolation_level=None)) as db:
            if not _moved(db, database):
                return ""
            db.execute("BEGIN IMMEDIATE")
            moved = _moved(db, database)  # again: another process may have been faster
            for move in moved:
                _rewrite(db, move)
            db.execute("COMMIT")
    except sqlite3.Error:  # damaged, or without MLflow's tables, or read-only: whoever writes to it says so
        return ""
    old = sorted({str(path.parent.parent) for move in moved if (path := path_of(move.old)) is not None})
    return (
        f"this project was at {', '.join(old)}: the MLflow store {database} now names the files beside it"
        if moved
        else ""
    )


def unsettled(database: Path) -> list[str]:
    """Return the places that `settle` would change, each as the address of a folder; nothing is changed."""
    if not (database.is_file() and database.stat().st_size):
        return []
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as db:
            return sorted(move.old for move in _moved(db, database))
    except sqlite3.Error:  # as in `settle`
        return []


def here(database: Path, location: str) -> str:
    """Return the place of files that a database names, or the one beside it if they are only there.

    For databases that cannot be written.
    """
    path = path_of(location)
    if path is None or path.exists():
        return location
    for i, part in enumerate(path.parts[:-1]):  # the first folder of that name that leads to something here
        beside = database.parent.resolve() / Path(*path.parts[i:])
        if part == ARTIFACTS and beside.exists():
            return beside.as_uri()
    return location


def _moved(db: sqlite3.Connection, database: Path) -> list[Move]:
    query = """
        SELECT experiments.experiment_id, artifact_location, key, value FROM experiments
        LEFT JOIN experiment_tags ON experiments.experiment_id = experiment_tags.experiment_id"""
    tags: dict[tuple[int, str], dict[str, str]] = {}
    for experiment, location, key, value in db.execute(query):
        tags.setdefault((experiment, location or ""), {})[key] = value
    moved = [
        Move(experiment, location, new)
        for (experiment, location), own in tags.items()
        if (new := _beside(database, location, own)) is not None and new != location
    ]
    old = {move.old.rpartition("/")[0] + f"/{OWN}" for move in moved}  # MLflow's own experiment goes with the studies
    return moved + [
        Move(experiment, location, artifact_root(database, OWN)) for experiment, location in tags if location in old
    ]


def _beside(database: Path, location: str, tags: dict[str, str]) -> str | None:
    """Return where the artifacts of an experiment would be beside the database; None if they belong elsewhere."""
    path = path_of(location)
    if path is None or path.parent.name != ARTIFACTS:
        return None
    then = path.parent.parent
    marked = BESIDE.items() <= tags.items()
    ours = EXPERIMENT_TAGS.items() <= tags.items() and then.name == database.parent.resolve().name
    if not (marked or ours):
        return None
    new = artifact_root(database, path.name)
    return location if is_same(path, path_of(new)) else new


def _rewrite(db: sqlite3.Connection, move: Move) -> None:
    db.execute("UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", [move.new, move.experiment])
    for table, columns in {**WRITTEN, **READ}.items():
        known = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
        for column in known.intersection(columns):
            for row, old, new in [*_places(db, table, column, move)]:
                stayed = table in READ and _exists(old) and not _exists(new)
                if not stayed:
                    db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", [new, row])


def _places(db: sqlite3.Connection, table: str, column: str, move: Move) -> Iterator[tuple[int, str, str]]:
    """Yield row, old and new place of everything that a table has below the old place."""
    old, new = (f"{place.rstrip('/')}/" for place in (move.old, move.new))
    query = f"SELECT rowid, {column} FROM {table} WHERE substr({column}, 1, ?) = ?"
    for row, place in db.execute(query, [len(old), old]).fetchall():
        yield row, place, new + place[len(old) :]


def is_same(one: Path, other: Path | None) -> bool:
    """Return whether two paths lead to one folder, such as two mounts of it."""
    try:
        return other is not None and one.samefile(other)
    except OSError:
        return False


def _exists(location: str) -> bool:
    path = path_of(location)
    return path is not None and path.exists()


def path_of(location: str) -> Path | None:
    """Return the absolute path of a place on this machine; None for places elsewhere."""
    parts = urlparse(location)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(url2pathname(parts.path))
    return Path(location) if location.startswith("/") else None
