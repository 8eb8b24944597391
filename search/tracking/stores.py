"""Location of the tracking store, and a check that it can be written; nothing here imports MLflow."""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
import urllib.error
import urllib.request
from contextlib import closing
from http.client import HTTPException
from pathlib import Path

from search.errors import StudyError

SQLITE = "sqlite:///"
DEFAULT_URI = f"{SQLITE}mlruns/mlflow.db"
ANSWER_SECONDS = 5.0

ENCODED = re.compile("%[0-9A-Fa-f]{2}")
"""What MLflow takes for an encoded character, in the names of folders, too."""


def default_uri() -> str:
    """Return the tracking URI: ``MLFLOW_TRACKING_URI`` if set, otherwise a database under the current directory."""
    return os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI


def database(uri: str) -> Path | None:
    """Return the file of an SQLite store; None for other stores.

    >>> database("sqlite:///mlruns/mlflow.db").name, database("http://127.0.0.1:5000")
    ('mlflow.db', None)
    """
    return Path(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None


def artifact_root(path: Path, experiment: str) -> str:
    """Return the location of an experiment's artifacts: a folder beside the SQLite database."""
    return (path.parent / "artifacts" / experiment).resolve().as_uri()


def has_tables(path: Path) -> bool:
    """Return whether a database exists and has MLflow's tables; it gets its name only once it has them."""
    return path.exists() and path.stat().st_size > 0


def check(uri: str) -> None:
    """Check that a tracking store can be written.

    Raises
    ------
    StudyError
        If the database or its folder cannot be written, models stored beside it could not be loaded, or the server does not
        answer.
    """
    path = database(uri)
    if path is not None:
        try:
            _check_database(path)
        except (OSError, sqlite3.Error) as error:
            raise StudyError(f"MLflow store {path} cannot be written: {error}; allowed is a writable folder") from None
        if encoded := ENCODED.search(str(path.resolve())):
            raise StudyError(
                f"MLflow store {path.resolve()}: MLflow cannot load models from a folder with {encoded[0]!r} in its name; "
                "allowed are other names, or MLFLOW_TRACKING_URI with a store elsewhere"
            )
    elif uri.startswith(("http://", "https://")):
        try:
            urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=ANSWER_SECONDS).close()
        except (OSError, ValueError, HTTPException) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            reason = str(getattr(error, "reason", error)).strip()
            raise StudyError(
                f"MLFLOW_TRACKING_URI = {uri!r}: the MLflow server does not answer ({reason}); start it, or unset the variable"
            ) from None
    elif "://" not in uri or uri.startswith(("file:", "sqlite:")):
        raise StudyError(
            f"MLFLOW_TRACKING_URI = {uri!r} is not an MLflow store; allowed are sqlite:///…, postgresql://… and http://…"
        )


def _check_database(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():  # do not create it here: the study may still turn out to be invalid
        tempfile.TemporaryFile(dir=path.parent).close()
        return
    with closing(sqlite3.connect(path, timeout=ANSWER_SECONDS)) as database:
        database.execute("BEGIN IMMEDIATE")
