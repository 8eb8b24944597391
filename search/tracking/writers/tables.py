"""The tables of MLflow's SQLite store that are written directly, and whether a database has them."""

from __future__ import annotations

import sqlite3

COLUMNS = {
    "experiments": "experiment_id name artifact_location lifecycle_stage creation_time last_update_time workspace",
    "experiment_tags": "key value experiment_id",
    "runs": "run_uuid name source_type source_name entry_point_name user_id status start_time end_time source_version "
    "lifecycle_stage artifact_uri experiment_id deleted_time",
    "params": "key value run_uuid",
    "tags": "key value run_uuid",
    "metrics": "key value timestamp run_uuid step is_nan",
    "latest_metrics": "key value timestamp step is_nan run_uuid",
    "datasets": "dataset_uuid experiment_id name digest dataset_source_type dataset_source dataset_schema dataset_profile",
    "inputs": "input_uuid source_type source_id destination_type destination_id step",
    "input_tags": "input_uuid name value",
}
"""The tables that are written, as in MLflow 3.17 and 3.18."""

REVISIONS = {"dc11669786a5", "f4a9b2c7d1e6"}
"""The database revisions (Alembic) with which the tests passed: of MLflow 3.17 and 3.18. Columns alone do not reveal a change of
their meaning.

To add one, name its MLflow version in the Makefile and run `make test-mlflow`, which compares every row with those that the
client writes.
"""

COPIES = "_alembic_tmp_*"
"""Names of the tables into which an upgrade copies others."""


def are_known(db: sqlite3.Connection) -> bool:
    """Return whether the tables are those known here, and no upgrade is under way.

    Alembic, which upgrades MLflow's databases, does not do so in one transaction: it copies tables into new ones, drops the old
    ones and notes the revision at the end of each step.
    """
    if (
        _revision(db) not in REVISIONS
        or db.execute("SELECT 1 FROM sqlite_master WHERE name GLOB ?", [COPIES]).fetchone()
    ):
        return False
    return all(
        {row[1] for row in db.execute(f"PRAGMA table_info({table})")} == set(columns.split())
        for table, columns in COLUMNS.items()
    )


def _revision(db: sqlite3.Connection) -> str | None:
    """Return the database revision; None if the store has none."""
    if not db.execute("PRAGMA table_info(alembic_version)").fetchall():
        return None
    found = db.execute("SELECT version_num FROM alembic_version").fetchone()
    return found[0] if found else None
