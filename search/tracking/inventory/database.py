"""The inventory of an SQLite store: a few questions to its tables, without MLflow, and without changing a byte."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from search.tracking.contents.runs import RESULT
from search.tracking.inventory.rows import KIND, STUDY, TAGS, Inventory, ModelRow, RunRow, VersionRow
from search.tracking.writers.tables import REVISIONS

STATUS = {1: "PENDING", 2: "READY", 3: "FAILED"}
"""How the tables say what has become of a logged model."""

WANTED = """
    CREATE TEMP TABLE wanted AS SELECT experiment_id, name FROM experiments
    WHERE lifecycle_stage = 'active' AND workspace = 'default' AND """
OF_STUDIES = f"""experiment_id IN (
    SELECT experiment_id FROM runs JOIN tags USING (run_uuid) WHERE key = '{KIND}' AND value = '{STUDY}')"""
AMONG = "IN (SELECT value FROM json_each(?))"
OF_WANTED = """run_uuid IN (
    SELECT run_uuid FROM runs JOIN wanted USING (experiment_id) WHERE lifecycle_stage = 'active')"""


def read(path: Path, names: Collection[str] | None, known: Collection[str] = ()) -> Inventory | None:
    """Return what a database has of studies; None if another version of MLflow made its tables.

    The other arguments are those of `reading.read`.
    """
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        if not _is_known(db):
            return None
        found = Inventory()
        db.execute("PRAGMA temp_store = MEMORY")
        studies = f"{OF_STUDIES} OR " if names is None else ""
        db.execute(f"{WANTED}({studies}name {AMONG})", [_listed(known if names is None else names)])
        _runs(db, found)
        _models(db, found)
        _versions(db, found, names)
        every = db.execute("SELECT run_uuid FROM runs UNION ALL SELECT model_id FROM logged_models")
        found.ids = frozenset(key for (key,) in every)
        return found


def _is_known(db: sqlite3.Connection) -> bool:
    try:
        return {row[0] for row in db.execute("SELECT version_num FROM alembic_version")} <= REVISIONS
    except sqlite3.Error:
        return False


def _listed(names: Collection[str]) -> str:
    """Return names as one value of a question: it takes few of its own."""
    return json.dumps(sorted(names))


def _runs(db: sqlite3.Connection, found: Inventory) -> None:
    for experiment, name, place in db.execute(
        "SELECT experiment_id, name, artifact_location FROM experiments JOIN wanted USING (experiment_id, name)"
    ):
        holding = found.of(name)
        holding.experiment_id, holding.place = str(experiment), place or ""
    tags: dict[str, dict[str, str]] = {}
    query = f"SELECT run_uuid, key, value FROM tags WHERE key IN ({', '.join('?' * len(TAGS))}) AND {OF_WANTED}"
    for run, key, value in db.execute(query, TAGS):
        tags.setdefault(run, {})[key] = value
    scores = dict(
        db.execute(
            f"SELECT run_uuid, value FROM latest_metrics WHERE key = 'score' AND is_nan = 0 AND {OF_WANTED}"
        ).fetchall()
    )
    query = """
        SELECT wanted.name, run_uuid, runs.name, status, start_time, artifact_uri FROM runs JOIN wanted USING (experiment_id)
        WHERE lifecycle_stage = 'active' ORDER BY start_time, run_uuid"""
    for experiment, run, name, status, started, place in db.execute(query):
        row = RunRow(run, name or "", status, started or 0, place or "", tags.get(run, {}), scores.get(run))
        found.of(experiment).runs.append(row)


def _models(db: sqlite3.Connection, found: Inventory) -> None:
    query = """
        SELECT wanted.name, logged_models.model_id, source_run_id, status, artifact_location, creation_timestamp_ms, tag_value
        FROM logged_models JOIN wanted USING (experiment_id)
        LEFT JOIN logged_model_tags ON logged_models.model_id = logged_model_tags.model_id AND tag_key = ?
        WHERE lifecycle_stage = 'active' ORDER BY creation_timestamp_ms, logged_models.model_id"""
    for name, key, run, status, place, created, result in db.execute(query, [RESULT]):
        row = ModelRow(key, run or "", STATUS.get(status, ""), place or "", created or 0, result or "")
        found.of(name).models.append(row)


def _versions(db: sqlite3.Connection, found: Inventory, names: Collection[str] | None) -> None:
    named, own = ("", []) if names is None else (f" AND v.name {AMONG}", [_listed(names)])
    query = f"""
        SELECT v.name, v.version, run_id, lifecycle_stage, coalesce(storage_location, source), value FROM model_versions AS v
        LEFT JOIN runs ON run_id = run_uuid
        LEFT JOIN model_version_tags AS t ON t.name = v.name AND t.version = v.version AND t.workspace = v.workspace AND key = ?
        WHERE v.workspace = 'default' AND current_stage != 'Deleted_Internal'{named} ORDER BY v.version"""
    for name, number, run, stage, place, result in db.execute(query, [RESULT, *own]):
        found.of(name).versions.append(VersionRow(int(number), run or "", stage or "", place or "", result or ""))
    query = f"SELECT v.name, alias, version FROM registered_model_aliases AS v WHERE workspace = 'default'{named}"
    for name, alias, number in db.execute(query, own):
        found.of(name).aliases[alias] = int(number)
