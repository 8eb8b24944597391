"""Writing a study directly into the tables of MLflow's SQLite store, many runs in one transaction.

MLflow's client takes some 100 ms per run and seconds to import. This module takes a millisecond per run, needs no
import, and leaves the same rows. If the tables differ from those known here, `understands` returns False, and the
client must be used.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname
from uuid import uuid4

from search.files import writing
from search.tracking import stores, workspaces
from search.tracking.contents.best import BEST, Point
from search.tracking.contents.datasets import CONTEXT, DataEntry
from search.tracking.contents.origin import USER
from search.tracking.contents.runs import (
    OUTCOME,
    PARENT,
    STUDY_FILE,
    Header,
    Opened,
    Run,
    content,
    experiment_tags,
    is_whole,
    strangers,
    trial_of,
    written_params,
)
from search.tracking.local import moving
from search.tracking.writers import tables

METRIC = "key value timestamp step is_nan run_uuid"
RUN_NAME = "mlflow.runName"

LATEST = f"""
    INSERT INTO latest_metrics ({", ".join(METRIC.split())}) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET value = excluded.value, timestamp = excluded.timestamp, step = excluded.step
    WHERE (excluded.step, excluded.timestamp, excluded.value) > (step, timestamp, value)"""
"""Of all points of a metric, MLflow keeps the last one in a table of its own."""

NOBODY = "unknown"
"""The user of runs that have no tag for one."""

LOCK_SECONDS = 20.0
CACHE_KIB = 16 * 1024


class ChangedError(RuntimeError):
    """The tables have changed since they were looked at: another program upgrades the database."""


def understands(uri: str, experiment: str) -> bool:
    """Return whether a study can be written by this module.

    The database must have a known revision and known tables, none of which is being changed. The experiment must be new, or
    active with its artifacts in files, and belong into the default workspace.
    """
    path = stores.database(uri)
    if path is None or not workspaces.is_default() or not stores.has_tables(path):
        return False
    with _connected(path) as db:
        if not tables.are_known(db):
            return False
        found = _experiment(db, experiment)
    return found is None or (found[1] == "active" and urlparse(found[2]).scheme in ("", "file"))


def open_study(uri: str, header: Header) -> Opened:
    """Find or create the parent run of a study, and set its status to running."""
    with _transaction(uri) as db:
        found = _experiment(db, header.experiment)
        experiment, root = (found[0], found[2]) if found else _begin_experiment(db, _path(uri), header.experiment)
        known = _parents(db, experiment, header.study_id)
        parent = known[0] if known else _begin_parent(db, experiment, root, header)
        for other in known[1:]:  # of requests that were sent again, when this store had a server
            for key in [*(key for key, *_ in _children(db, other)), other]:
                _drop(db, key)
        db.execute("UPDATE runs SET status = 'RUNNING' WHERE run_uuid = ?", [parent])
        if header.data is not None:
            _data_input(db, experiment, parent, header.data)
        steps = db.execute("SELECT step FROM metrics WHERE run_uuid = ? AND key = ?", [parent, BEST])
        return Opened(str(experiment), root, parent, _recorded(db, parent), {step for (step,) in steps.fetchall()})


def holds(uri: str, experiment: str, study_id: str) -> bool:
    """Return whether the database has a study."""
    with _transaction(uri) as db:
        found = _experiment(db, experiment)
        return found is not None and bool(_parents(db, found[0], study_id))


def others(uri: str, experiment: str, study_id: str, own: Mapping[int, str]) -> list[int]:
    """Return the trials that the database has of another copy of a study, see `runs.strangers`."""
    query = "SELECT run_uuid, value FROM tags WHERE key = ?"
    with _transaction(uri) as db:
        found = _experiment(db, experiment)
        parents = [] if found is None else _parents(db, found[0], study_id)
        known = [child for parent in parents for child in _children(db, parent)]
        digests = dict(db.execute(query, [OUTCOME]).fetchall()) if known else {}
    whole = ((trial, digests.get(key)) for key, status, trial in known if status != "RUNNING")
    return strangers(whole, own)


def keeps(uri: str, name: str, version: int) -> bool:
    """Return whether the database has a version of a model and its files are on this machine; False if it cannot tell."""
    query = (
        "SELECT coalesce(storage_location, source) FROM model_versions "
        "WHERE name = ? AND version = ? AND current_stage != 'Deleted_Internal'"
    )
    if stores.database(uri) is None:
        return False
    with _connected(_path(uri)) as db, suppress(sqlite3.OperationalError):  # tables of another version
        found = db.execute(query, [name, version]).fetchone()
        folder = None if found is None else _folder(found[0])
        return folder is not None and folder.is_dir() and is_whole(path.name for path in folder.iterdir())
    return False


def aliases(uri: str, name: str, version: int) -> set[str]:
    """Return the aliases of a version of a model; none if the database cannot tell."""
    query = "SELECT alias FROM registered_model_aliases WHERE name = ? AND version = ?"
    path = stores.database(uri)
    if path is None or not stores.has_tables(path):
        return set()
    with _connected(path) as db, suppress(sqlite3.OperationalError):  # tables of another version
        return {alias for (alias,) in db.execute(query, [name, version])}
    return set()


def write(uri: str, opened: Opened, runs: Sequence[Run]) -> None:
    """Write child runs: all of them, or none if the process is killed."""
    made = {run_id(run.ended): run for run in runs}
    for key, run in made.items():
        for name, what in run.files.items():
            _write_file(opened.root, key, name, content(name, what))
    with _transaction(uri) as db:
        for key, run in made.items():
            user = run.tags.get(USER, NOBODY)
            _insert_run(db, opened.experiment_id, opened.root, key, run.name, user, run.status, run.started, run.ended)
            _insert_texts(db, "params", key, run.params)
            _insert_texts(db, "tags", key, run.tags | {PARENT: opened.parent, RUN_NAME: run.name})
            rows = [(name, value, run.ended, step, False, key) for name, value, step in run.metrics]
            latest = {row[0]: row for row in sorted(rows, key=lambda row: (row[3], row[1]))}
            _insert(db, "metrics", METRIC, rows)
            _insert(db, "latest_metrics", METRIC, latest.values())


def progress(uri: str, opened: Opened, points: Sequence[Point]) -> None:
    """Write points of the parent run's curves; those that are there stay as they are."""
    rows = [(point.name, point.value, point.time, point.step, False, opened.parent) for point in points]
    with _transaction(uri) as db:
        _insert(db, "metrics", METRIC, rows)
        db.executemany(LATEST, rows)


def end(uri: str, opened: Opened, status: str) -> None:
    """End the parent run of a search that is cut short, without MLflow's import; unfinished runs go to the trash."""
    with _transaction(uri) as db:
        _recorded(db, opened.parent)
        db.execute("UPDATE runs SET status = ?, end_time = ? WHERE run_uuid = ?", [status, _now(), opened.parent])


def run_id(milliseconds: int) -> str:
    """Return a new identifier for a run that ended at this time: version 7 of RFC 9562.

    Identifiers in time order let the indices of all tables grow at their ends; with random ones, a write takes twice as
    long at 10,000 runs.
    """
    random = secrets.randbits(74)
    return f"{milliseconds << 80 | 7 << 76 | random >> 62 << 64 | 2 << 62 | random & (1 << 62) - 1:032x}"


def _path(uri: str) -> Path:
    path = stores.database(uri)
    assert path is not None
    return path


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)) as db:
        db.execute("PRAGMA foreign_keys = ON")
        db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        yield db


@contextmanager
def _transaction(uri: str) -> Iterator[sqlite3.Connection]:
    with _connected(_path(uri)) as db:
        db.execute("BEGIN IMMEDIATE")
        if not tables.are_known(db):  # now that nobody else writes
            raise ChangedError("its tables are being changed by another program; run this again when that is done")
        yield db  # closing without a commit rolls back
        db.execute("COMMIT")


def _experiment(db: sqlite3.Connection, name: str) -> tuple[int, str, str] | None:
    """Return number, lifecycle stage and artifact location of an experiment."""
    query = "SELECT experiment_id, lifecycle_stage, artifact_location FROM experiments WHERE name = ? AND workspace = 'default'"
    found: tuple[int, str, str] | None = db.execute(query, [name]).fetchone()
    return found


def _parents(db: sqlite3.Connection, experiment: int, study_id: str) -> list[str]:
    """Return the parent runs of a study. The first is the one to keep: it has the most trials, or is the oldest."""
    query = f"""
        SELECT run_uuid FROM runs JOIN tags USING (run_uuid)
        WHERE tags.key = 'bpsearch.study' AND tags.value = ? AND experiment_id = ? AND lifecycle_stage = 'active'
        ORDER BY (SELECT count(*) FROM tags AS child JOIN runs AS trial USING (run_uuid)
            WHERE child.key = '{PARENT}' AND child.value = runs.run_uuid AND trial.lifecycle_stage = 'active') DESC,
            start_time, run_uuid"""
    return [key for (key,) in db.execute(query, [study_id, experiment]).fetchall()]


def _children(db: sqlite3.Connection, parent: str) -> list[tuple[str, str, str]]:
    """Return key, status and trial of the runs of a parent, the oldest first."""
    query = """
        SELECT run_uuid, status, trial.value FROM tags AS parent
        JOIN tags AS trial USING (run_uuid) JOIN runs USING (run_uuid)
        WHERE parent.key = ? AND parent.value = ? AND trial.key = 'trial' AND lifecycle_stage = 'active'
        ORDER BY start_time, run_uuid"""
    return db.execute(query, [PARENT, parent]).fetchall()


def _recorded(db: sqlite3.Connection, parent: str) -> set[int]:
    """Return the trials that have a run. Those that the client left incomplete or made twice go to the trash, as there."""
    found: set[int] = set()
    for key, status, tag in _children(db, parent):
        trial = trial_of(tag)
        if trial is None:
            continue
        if status == "RUNNING" or trial in found:
            _drop(db, key)
        else:
            found.add(trial)
    return found


def _drop(db: sqlite3.Connection, key: str) -> None:
    """End a run and move it to the trash."""
    db.execute(
        "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = ?, "
        "status = CASE status WHEN 'RUNNING' THEN 'KILLED' ELSE status END WHERE run_uuid = ?",
        [_now(), key],
    )


def _begin_experiment(db: sqlite3.Connection, path: Path, name: str) -> tuple[int, str]:
    root, now = moving.artifact_root(path, name), _now()
    columns = "name artifact_location lifecycle_stage creation_time last_update_time"
    _insert(db, "experiments", columns, [(name, root, "active", now, now)])
    (experiment,) = db.execute("SELECT last_insert_rowid()").fetchone()
    _insert(
        db, "experiment_tags", "key value experiment_id", [(*tag, experiment) for tag in experiment_tags(True).items()]
    )
    return experiment, root


def _begin_parent(db: sqlite3.Connection, experiment: int, root: str, header: Header) -> str:
    now = _now()
    key = run_id(now)
    if header.source is not None:
        _write_file(root, key, STUDY_FILE, header.source)
    tags = header.tags
    _insert_run(db, experiment, root, key, header.experiment, tags.get(USER, NOBODY), "RUNNING", now, None)
    _insert_texts(db, "params", key, written_params(header.params))
    _insert_texts(db, "tags", key, tags | {RUN_NAME: header.experiment})
    return key


def _data_input(db: sqlite3.Connection, experiment: int, run: str, data: DataEntry) -> None:
    """Make a table an input of a run, unless it is one."""
    query = "SELECT dataset_uuid FROM datasets WHERE experiment_id = ? AND name = ? AND digest = ?"
    found = db.execute(query, [experiment, data.name, data.digest]).fetchone()
    key = found[0] if found else uuid4().hex
    if not found:
        _insert(db, "datasets", tables.COLUMNS["datasets"], [(key, experiment, *astuple(data))])
    edge = ("DATASET", key, "RUN", run)
    columns = "source_type source_id destination_type destination_id"
    query = f"SELECT 1 FROM inputs WHERE {' AND '.join(f'{column} = ?' for column in columns.split())}"
    if not db.execute(query, edge).fetchone():
        number = uuid4().hex
        _insert(db, "inputs", f"input_uuid {columns}", [(number, *edge)])
        _insert(db, "input_tags", tables.COLUMNS["input_tags"], [(number, *tag) for tag in CONTEXT.items()])


def _insert_run(
    db: sqlite3.Connection,
    experiment: int | str,
    root: str,
    key: str,
    name: str,
    user: str,
    status: str,
    started: int,
    ended: int | None,
) -> None:
    columns = "run_uuid name source_type source_name entry_point_name user_id status start_time end_time source_version"
    row = (
        key,
        name,
        "UNKNOWN",
        "",
        "",
        user,
        status,
        started,
        ended,
        "",
        "active",
        _artifacts(root, key),
        experiment,
    )
    _insert(db, "runs", f"{columns} lifecycle_stage artifact_uri experiment_id", [row])


def _insert_texts(db: sqlite3.Connection, table: str, key: str, texts: Mapping[str, str]) -> None:
    _insert(db, table, "key value run_uuid", [(name, text, key) for name, text in texts.items()])


def _insert(db: sqlite3.Connection, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    names = columns.split()
    db.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", rows)


def _artifacts(root: str, key: str) -> str:
    return f"{root.rstrip('/')}/{key}/artifacts"


def _folder(location: str) -> Path:
    return Path(url2pathname(urlparse(location).path))


def _write_file(root: str, key: str, name: str, text: str) -> None:
    folder = _folder(_artifacts(root, key))
    writing.made(folder)
    writing.new(folder / name, text.encode())


def _now() -> int:
    return int(time.time() * 1000)
