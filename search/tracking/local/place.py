"""Where a store is if it is an SQLite database; nothing here imports MLflow."""

from __future__ import annotations

from pathlib import Path

SQLITE = "sqlite:///"


def database(uri: str) -> Path | None:
    """Return the file of an SQLite store; None for other stores.

    >>> database("sqlite:///mlruns/mlflow.db").name, database("http://127.0.0.1:5000")
    ('mlflow.db', None)
    """
    return Path(uri.removeprefix(SQLITE)) if uri.startswith(SQLITE) else None


def has_tables(path: Path) -> bool:
    """Return whether a database exists and has MLflow's tables; it gets its name only once it has them."""
    return path.exists() and path.stat().st_size > 0
