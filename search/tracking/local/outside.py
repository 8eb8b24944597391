"""Stores of strangers: a database in a project folder names the places of its files, and these may be anywhere.

MLflow writes the files of a run, and of a model, to where the database says, and replaces what is there. A project folder may
come from somebody else. So a study is written only into a database whose places for it are in the folder of artifacts beside it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from search.tracking.local.moving import ARTIFACTS, LOCK_SECONDS, is_same, path_of

PLACES = {
    "experiments": ("artifact_location", "experiment_id = ?"),
    "runs": ("artifact_uri", "experiment_id = ? AND lifecycle_stage = 'active'"),
    "logged_models": ("artifact_location", "experiment_id = ? AND lifecycle_stage = 'active'"),
}
"""Tables of places that are written to: the column, and which rows belong to an experiment."""

UNUSUAL = frozenset("#?;\\\0")
"""Signs that no address of a file has which MLflow or a study has written: readers of addresses differ over them."""


def problem(database: Path, experiment: str) -> str:
    """Return why files of an experiment could be written elsewhere than beside the database; empty if they could not.

    Parameters
    ----------
    database : Path
        Of a project that is settled (`moving.settle`): what was moved along names the files beside it.
    experiment : str
    """
    if database.is_symlink():
        return f"is a link to {database.resolve()}"
    if not (database.is_file() and database.stat().st_size):
        return ""
    try:
        with closing(sqlite3.connect(database, timeout=LOCK_SECONDS, isolation_level=None)) as db:
            if table := _changing(db):
                return f"changes its table {table!r} by itself, as no store of MLflow does"
            for place in sorted(set(_places(db, experiment))):
                if not _is_below(place, (database.parent / ARTIFACTS).resolve()):
                    return f"keeps files of {experiment!r} at {place!r}, not in the folder {ARTIFACTS} beside it"
    except sqlite3.Error:  # damaged, or without MLflow's tables: whoever writes to it says so
        return ""
    return ""


def _is_below(place: str, root: Path) -> bool:
    """Return whether a place is in a folder, which may be known by two paths, such as two mounts of it."""
    path = None if UNUSUAL & set(place) else path_of(place)
    if path is None:
        return False
    above = path.resolve().parents
    return root in above or any(is_same(folder, root) for folder in above)


def _places(db: sqlite3.Connection, experiment: str) -> Iterator[str]:
    numbers = db.execute("SELECT experiment_id FROM experiments WHERE name = ?", [experiment]).fetchall()
    known = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for number in numbers:
        for table in PLACES.keys() & known:
            column, rows = PLACES[table]
            for (place,) in db.execute(f"SELECT {column} FROM {table} WHERE {rows}", number).fetchall():
                yield str(place or "")


def _changing(db: sqlite3.Connection) -> str:
    """Return a table of places that is none, or that changes when others are written; empty if there is none.

    A place that was looked at must still be the same when files are written to it.
    """
    for kind, name, statement in db.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('view', 'trigger')"
    ):
        for table in PLACES:
            if name == table or (kind == "trigger" and re.search(rf"\b{table}\b", statement or "", re.IGNORECASE)):
                return table
    for table, (column, _) in PLACES.items():
        if any(row[1] == column and row[6] for row in db.execute(f"PRAGMA table_xinfo({table})")):
            return table  # the column is computed
    return ""
