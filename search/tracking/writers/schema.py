"""Creation of MLflow's tables in an SQLite store."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from search.errors import StudyError
from search.files import trouble
from search.processes import python
from search.tracking import stores, workspaces
from search.tracking.library import ENVIRONMENT
from search.tracking.local.moving import OWN, artifact_root
from search.tracking.local.scratch import scratch

MAKE = """
import os, secrets, sqlite3, sys, threading
def end():
    os.read(0, 1)  # until whoever wants the database closes it, or is gone
    if os.path.exists(new):
        os.unlink(new)
    os._exit(1)
if hasattr(os, "nice"):  # not on Windows
    os.nice(5)
path, root, new = *sys.argv[1:], f"{sys.argv[1]}.{secrets.token_hex(8)}.new"
threading.Thread(target=end, daemon=True).start()
try:
    from mlflow.tracking import MlflowClient
    MlflowClient(tracking_uri=f"sqlite:///{new}").search_experiments()
    database = sqlite3.connect(new)
    with database:  # MLflow puts the artifacts of its own experiment into the current folder, which is empty and soon gone
        database.execute("UPDATE experiments SET artifact_location = ? WHERE experiment_id = 0", (root,))
    database.close()
    if not os.path.exists(path) or not os.path.getsize(path):
        os.replace(new, path)
finally:
    if os.path.exists(new):
        os.unlink(new)
"""
"""Script that creates a database. It is renamed only when complete: a kill halfway would leave a file that nothing can
open."""

ASK_SECONDS = 0.2

OWN_GROUP: dict[str, Any] = {"process_group": 0} if hasattr(os, "setpgid") else {}
"""Keeps Ctrl-C for the search away from this process. A new session instead would get its own share of processor
time."""


def create(path: Path, stopped: Callable[[], bool] = lambda: False) -> None:
    """Create a database, if there is none, in a process of low priority.

    It takes seconds of CPU time that training could use. The process ends with this one, whatever ends it.

    Parameters
    ----------
    path : Path
    stopped : callable
        Asked several times a second whether the database is no longer wanted.

    Raises
    ------
    StudyError
        If the disk is full.
    OSError
        If it cannot be created for another reason, or is no longer wanted.
    """
    if stores.has_tables(path):
        return
    with scratch(path) as folder:  # the next start removes it if a kill leaves it
        code, said = _make(path.absolute(), folder, stopped)
    if code:
        if trouble.of_disk(said):
            raise StudyError(trouble.told(said, path))
        raise OSError(said.splitlines()[-1] if said else "the MLflow tables cannot be created")


def _make(path: Path, folder: Path, stopped: Callable[[], bool]) -> tuple[int, str]:
    """Run the script in an empty folder; return its exit code, and what it said."""
    reader, writer = os.pipe()
    try:
        made = subprocess.Popen(
            python.command("-c", MAKE, str(path), artifact_root(path, OWN)),
            cwd=folder,
            env={**ENVIRONMENT, **python.environment(), "PYTHONWARNINGS": "ignore", workspaces.ENABLED: "false"},
            stdin=reader,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            **OWN_GROUP,
        )
    finally:
        os.close(reader)
    with made, os.fdopen(writer, "w") as open_as_long_as_wanted:
        told = None
        while told is None:
            try:
                _, told = made.communicate(timeout=ASK_SECONDS)
            except subprocess.TimeoutExpired:
                if stopped():
                    open_as_long_as_wanted.close()
                    raise OSError("the MLflow tables are no longer wanted") from None
    return made.returncode, told.strip()
