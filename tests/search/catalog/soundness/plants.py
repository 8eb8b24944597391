"""Differences that are put into the project of a tuned study, one for each kind: as rows of the database, or in its files."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

STUDY = """\
# A trial that is fine, one that diverges, and two outer folds.
name = "small"
data = { source = "rows.csv", target = "y", task = "regression" }
model = { max_iter = 8, solver = "sgd" }
cv = { n_splits = 2, outer = 2 }
search = { method = "grid", n_members = 1 }
[space]
learning_rate_init = [0.01, 900.0]
"""

JOURNAL, REPORT = Path("studies/small.journal"), Path("studies/small.report.html")
ARTIFACTS = Path("mlruns/artifacts/small")
OLD = 1_000_000_000
"""A time in the year 2001."""

ONE, OTHER = "1" * 32, "2" * 32
"""Identifiers of runs that are put in."""


def project(folder: Path) -> None:
    """Write the study file and its rows."""
    lines = [f"{i % 7},{i * i % 11},{i % 7 + 0.5 * (i * i % 11)}" for i in range(40)]
    (folder / "rows.csv").write_text("\n".join(["a,b,y", *lines]) + "\n")
    (folder / "small.toml").write_text(STUDY)


@contextmanager
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect("mlruns/mlflow.db")) as db, db:
        yield db


def parent(db: sqlite3.Connection) -> str:
    """Return the parent run of the study."""
    return db.execute("SELECT run_uuid FROM tags WHERE key = 'bpsearch.kind'").fetchone()[0]


def child(db: sqlite3.Connection, trial: int) -> str:
    """Return the run of a trial."""
    return db.execute("SELECT run_uuid FROM tags WHERE key = 'trial' AND value = ?", [str(trial)]).fetchone()[0]


def copied(db: sqlite3.Connection, run: str, key: str, **tags: str) -> None:
    """Put in a copy of a run, with other tags."""
    for table, column in (("runs", "run_uuid"), ("tags", "run_uuid"), ("latest_metrics", "run_uuid")):
        names = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        shown = ", ".join("?" if name == column else name for name in names)
        db.execute(f"INSERT INTO {table} SELECT {shown} FROM {table} WHERE {column} = ?", [key, run])
    for name, value in tags.items():
        db.execute("UPDATE tags SET value = ? WHERE run_uuid = ? AND key = ?", [value, key, name])


def set_run(db: sqlite3.Connection, run: str, column: str, value: str) -> None:
    db.execute(f"UPDATE runs SET {column} = ? WHERE run_uuid = ?", [value, run])


def model_copied(db: sqlite3.Connection, key: str, status: int, result: str | None = None) -> None:
    """Put in a copy of the logged model, which has no files."""
    (own, place) = db.execute("SELECT model_id, artifact_location FROM logged_models").fetchone()
    names = [row[1] for row in db.execute("PRAGMA table_info(logged_models)")]
    given = {"model_id": key, "status": status, "artifact_location": place.replace(own, key)}
    shown = ", ".join("?" if name in given else name for name in names)
    values = [given[name] for name in names if name in given]
    db.execute(f"INSERT INTO logged_models SELECT {shown} FROM logged_models WHERE model_id = ?", [*values, own])
    query = (
        "INSERT INTO logged_model_tags SELECT ?, experiment_id, tag_key, coalesce(?, tag_value) FROM logged_model_tags"
    )
    db.execute(f"{query} WHERE model_id = ? AND tag_key = 'bpsearch.result'", [key, result, own])


def version_copied(db: sqlite3.Connection, number: int, **given: str) -> None:
    """Put in a copy of the version of the model; `result` is its tag, the rest are columns."""
    result = given.pop("result", None)
    names = [row[1] for row in db.execute("PRAGMA table_info(model_versions)")]
    changed = {"version": number, **given}
    shown = ", ".join("?" if name in changed else name for name in names)
    values = [changed[name] for name in names if name in changed]
    db.execute(f"INSERT INTO model_versions SELECT {shown} FROM model_versions WHERE version = 1", values)
    names = [row[1] for row in db.execute("PRAGMA table_info(model_version_tags)")]
    shown = ", ".join("?" if name == "version" else "coalesce(?, value)" if name == "value" else name for name in names)
    values = [{"version": number, "value": result}[name] for name in names if name in ("version", "value")]
    db.execute(
        f"INSERT INTO model_version_tags SELECT {shown} FROM model_version_tags "
        "WHERE version = 1 AND key = 'bpsearch.result'",
        values,
    )


# ------------------------------------------------------------------------------------------------------------------ plants


def store_moved() -> None:
    here = Path.cwd()
    there = here.with_name("moved")
    shutil.move(here, there)
    here.symlink_to(there)  # the current folder of this process is `there` now
    here.unlink()


def journal_damaged() -> None:
    with JOURNAL.open("ab") as file:
        file.write(b'{"op_code":99,"worker_id":"x"}\n')


def journal_cut() -> None:
    with JOURNAL.open("ab") as file:
        file.write(b'{"op_code":4,"worker_id":"x","user_at')


def outer_open() -> None:
    Path("studies/small.outer-2.journal").unlink()


def study_unrecorded() -> None:
    with database() as db:
        db.execute("UPDATE runs SET lifecycle_stage = 'deleted'")


def parent_doubled() -> None:
    with database() as db:
        copied(db, parent(db), ONE)


def trial_orphaned() -> None:
    with database() as db:
        copied(db, child(db, 0), ONE, **{"mlflow.parentRunId": OTHER})


def trial_cut() -> None:
    with database() as db:
        set_run(db, child(db, 0), "status", "RUNNING")


def trial_doubled() -> None:
    with database() as db:
        copied(db, child(db, 0), ONE)


def trial_differs() -> None:
    with database() as db:
        db.execute("UPDATE latest_metrics SET value = 1.5 WHERE key = 'score' AND run_uuid = ?", [child(db, 0)])


def trial_unknown() -> None:
    with database() as db:
        copied(db, child(db, 0), ONE, trial="7", **{"bpsearch.outcome": "another"})


def trial_missing() -> None:
    with database() as db:
        set_run(db, child(db, 1), "lifecycle_stage", "deleted")


def parent_running() -> None:
    with database() as db:
        set_run(db, parent(db), "status", "RUNNING")


def parent_finished() -> None:
    lines = JOURNAL.read_bytes().splitlines(keepends=True)
    JOURNAL.write_bytes(b"".join(line for line in lines if b'"user_attr":{"finished"' not in line))


def model_pending() -> None:
    with database() as db:
        model_copied(db, "m-1", 1, "another")


def model_doubled() -> None:
    with database() as db:
        model_copied(db, "m-1", 2)


def version_doubled() -> None:
    with database() as db:
        version_copied(db, 2)


def version_missing() -> None:
    with database() as db:
        for table in ("registered_model_aliases", "model_version_tags", "model_versions"):
            db.execute(f"DELETE FROM {table}")


def version_without_files() -> None:
    with database() as db:
        version_copied(db, 2, source="file:///gone", storage_location="file:///gone", result="another")


def version_without_run() -> None:
    with database() as db:
        version_copied(db, 2, run_id=ONE, result="another")


def alias_astray() -> None:
    with database() as db:
        db.execute("UPDATE registered_model_aliases SET version = 9")


def files_missing() -> None:
    with database() as db:
        shutil.rmtree(ARTIFACTS / parent(db))
        shutil.rmtree(ARTIFACTS / child(db, 1))


def folder_astray() -> None:
    folder = ARTIFACTS / ONE / "artifacts"
    folder.mkdir(parents=True)
    (folder / "study.toml").write_text("")


def report_missing() -> None:
    REPORT.unlink()


def report_old() -> None:
    os.utime(REPORT, (OLD, OLD))


def left_behind() -> None:
    Path("mlruns/.bpsearch-left").mkdir()
    Path("mlruns/.bpsearch-left/model").write_text("")
    for draft in (Path("studies/.0123456789abcdef.new"), Path("mlruns/mlflow.db.0123456789abcdef.new")):
        draft.touch()
        os.utime(draft, (OLD, OLD))
    Path("studies/small.journal.lock").touch(0o600)


PLANTS: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        store_moved,
        journal_damaged,
        journal_cut,
        outer_open,
        study_unrecorded,
        parent_doubled,
        trial_orphaned,
        trial_cut,
        trial_doubled,
        trial_differs,
        trial_unknown,
        trial_missing,
        parent_running,
        parent_finished,
        model_pending,
        model_doubled,
        version_doubled,
        version_missing,
        version_without_files,
        version_without_run,
        alias_astray,
        files_missing,
        folder_astray,
        report_missing,
        report_old,
        left_behind,
    )
}
"""What plants a difference of each kind."""

BESIDES = {"study_unrecorded": {"version_without_run"}}
"""Kinds that are planted with another one."""
