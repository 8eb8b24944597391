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

from search.tracking import workspaces
from search.tracking.local.moving import ARTIFACTS, LOCK_SECONDS, artifact_root, is_same, path_of

PLACES = {
    "experiments": ("artifact_location", "experiment_id = ?"),
    "runs": ("artifact_uri", "experiment_id = ? AND lifecycle_stage = 'active'"),
    "logged_models": ("artifact_location", "experiment_id = ? AND lifecycle_stage = 'active'"),
}
"""Tables of places that are written to: the column, and which rows belong to an experiment."""

MODELS = "models"
"""Folder of an experiment in which MLflow makes one for each model."""

UNUSUAL = frozenset("#?;\\\0")
"""Signs that no address of a file has which MLflow or a study has written: readers of addresses differ over them."""


def problem(database: Path, experiment: str) -> str:
    """Return why files of an experiment could be written elsewhere than beside the database; empty if they could not.

    Parameters
    ----------
    database : Path
        Of a project that is settled (`moving.settle`): what was moved along names the files beside it. It need not be there yet.
    experiment : str
    """
    if database.is_symlink():
        return f"is a link to {database.resolve()}"
    places = {artifact_root(database, experiment)}  # of an experiment that is still to be made
    if database.is_file() and database.stat().st_size:
        try:
            with closing(sqlite3.connect(database, timeout=LOCK_SECONDS, isolation_level=None)) as db:
                db.text_factory = _decoded
                if table := _changing(db):
                    return f"changes its table {table!r} by itself, as no store of MLflow does"
                places |= set(_places(db, experiment))
        except sqlite3.Error as error:
            if not _is_for_others(error):
                return f"cannot be looked through: {error}"
    for place in sorted(places | {f"{place.rstrip('/')}/{MODELS}" for place in places}):
        if not any(_is_below(place, (database.parent / own).resolve()) for own in (ARTIFACTS, *workspaces.folders())):
            return f"keeps files of {experiment!r} at {place!r}, not in the folder {ARTIFACTS} beside it"
    return ""


def _is_for_others(error: sqlite3.Error) -> bool:
    """Return whether whoever writes to a database runs into an error, too, and says so: it is locked, or not one at all.

    Others may be made so that only this look at the database ends, such as a damaged row in its way.
    """
    told = str(error)
    return "locked" in told or "file is not a database" in told or told.startswith("malformed database schema")


def _decoded(text: bytes) -> str:
    """Decode a text of a database; SQLite itself takes any bytes for one."""
    return text.decode(errors="replace")


def _is_below(place: str, root: Path) -> bool:
    """Return whether a place is in a folder, which may be known by two paths, such as two mounts of it."""
    path = None if UNUSUAL & set(place) else path_of(place)
    if path is None:
        return False
    above = path.resolve().parents
    return root in above or any(is_same(folder, root) for folder in above)


def _places(db: sqlite3.Connection, experiment: str) -> Iterator[str]:
    known = _tables(db)
    if "experiments" not in known:
        return
    numbers = db.execute("SELECT experiment_id FROM experiments WHERE name = ?", [experiment]).fetchall()
    for number in numbers:
        for table in PLACES.keys() & known.keys():
            column, rows = PLACES[table]
            for (place,) in db.execute(f"SELECT {column} FROM {table} WHERE {rows}", number).fetchall():
                yield str(place or "")


def _tables(db: sqlite3.Connection) -> dict[str, str]:
    """Return the tables, in lower case: for SQLite, names in upper and lower case are the same; and how each was made."""
    return {
        str(name).lower(): str(made)
        for name, made in db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    }


def _changing(db: sqlite3.Connection) -> str:
    """Return a table of places that is none, or that changes when others are written; empty if there is none.

    A place that was looked at must still be the same when files are written to it, and whatever way it is looked for.
    """
    for kind, name, statement in db.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('view', 'trigger')"
    ):
        for table in PLACES:
            named = kind == "trigger" and re.search(rf"\b{table}\b", str(statement), re.IGNORECASE)
            if named or str(name).lower() == table:
                return table
    known = _tables(db)
    return next((table for table in PLACES.keys() & known.keys() if _is_changing(db, table, known[table])), "")


def _is_changing(db: sqlite3.Connection, table: str, made: str) -> bool:
    """Return whether a table is one of an extension, has a computed place, follows another table, or has false indices."""
    column = PLACES[table][0]
    if not re.match(r"CREATE\s+TABLE\b", made, re.IGNORECASE):
        return True
    if any(str(row[1]).lower() == column and row[6] for row in db.execute(f"PRAGMA table_xinfo({table})")):
        return True
    for row in db.execute(f"PRAGMA foreign_key_list({table})"):  # ON UPDATE CASCADE
        if str(row[3]).lower() == column or str(row[2]).lower() not in PLACES:
            return True
    return any("index" in str(fault) for (fault,) in db.execute(f"PRAGMA integrity_check({table})"))
