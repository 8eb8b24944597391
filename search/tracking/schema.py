"""Creation of MLflow's tables in an SQLite store."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from search.errors import StudyError
from search.files import trouble
from search.processes import python
from search.tracking import stores
from search.tracking.library import ENVIRONMENT

MAKE = """
import os, sys
if hasattr(os, "nice"):  # not on Windows
    os.nice(5)
path, new = sys.argv[1], f"{sys.argv[1]}.{os.getpid()}.new"
try:
    from mlflow.tracking import MlflowClient
    MlflowClient(tracking_uri=f"sqlite:///{new}").search_experiments()
    if not os.path.exists(path) or not os.path.getsize(path):
        os.replace(new, path)
finally:
    if os.path.exists(new):
        os.unlink(new)
"""
"""Script that creates a database. It is renamed only when complete: a kill halfway would leave a file that nothing can
open."""

OWN_GROUP: dict[str, Any] = {"process_group": 0} if hasattr(os, "setpgid") else {}
"""Keeps Ctrl-C for the search away from this process. A new session instead would get its own share of processor
time."""


def create(path: Path) -> None:
    """Create a database, if there is none, in a process of low priority.

    It takes seconds of CPU time that training could use.

    Raises
    ------
    StudyError
        If the disk is full.
    OSError
        If it cannot be created for another reason.
    """
    if stores.has_tables(path):
        return
    with python.empty_folder() as folder:
        made = subprocess.run(
            python.command("-c", MAKE, str(path.absolute())),
            cwd=folder,
            env={**ENVIRONMENT, **python.environment(), "PYTHONWARNINGS": "ignore"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            **OWN_GROUP,
        )
    if made.returncode:
        said = made.stderr.strip()
        if trouble.of_disk(said):
            raise StudyError(trouble.told(said, path))
        raise OSError(said.splitlines()[-1] if said else "the MLflow tables cannot be created")
