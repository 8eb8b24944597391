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


def misread(uri: str) -> str:
    """Return why an address of an SQLite store does not name one file for all; empty if it does, or is of another store.

    MLflow reads it as SQLAlchemy does, which knows options, stores in memory and the addresses of SQLite itself. Runs would be in
    one database, and models in another or in none.

    >>> misread("sqlite:///:memory:"), misread("sqlite:///a.db?timeout=9"), misread("sqlite:////a/b.db")
    ("':memory:' names no file", "'?' begins no name of a file", '')
    """
    if not uri.startswith(SQLITE):
        return ""
    name = uri.removeprefix(SQLITE)
    if "?" in name:
        return "'?' begins no name of a file"
    odd = name in ("", ":memory:") or name.startswith("file:")
    return f"{name!r} names no file" if odd else ""


def has_tables(path: Path) -> bool:
    """Return whether a database exists and has MLflow's tables; it gets its name only once it has them."""
    return path.exists() and path.stat().st_size > 0
