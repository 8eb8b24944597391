"""Connections to the database of a queue."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL

from search.loop.database import server
from search.loop.database.server import SCHEMA
from search.project import store

PATIENCE = 30.0
"""Seconds that a transaction of SQLite waits for those of other processes."""

READING = "reading"
"""Execution option of connections that change nothing."""

CHANGING = 0x6270_7175_6575_6500
"""Number of the advisory lock of transactions that may change a queue in PostgreSQL: one after another, as in SQLite."""


def sqlite(path: Path) -> Engine:
    """Return connections to a file, which is made if it is missing."""
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": PATIENCE})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def postgresql(address: str) -> Engine:
    """Return connections to the schema of this program in a store.

    Raises
    ------
    StudyError
        If the server cannot be used.
    """
    server.server(address)  # its schema is there from now on
    uri = store.in_schema(address, SCHEMA)
    engine = create_engine(uri, **server.options(uri))
    event.listen(engine, "begin", _wait_for_turn)
    return engine


def has_queue(address: str) -> bool:
    """Return whether a study has ever been submitted to the queue of a store."""
    known = server.server(address)

    def attempt() -> bool:
        with known.engine.begin() as connection:
            return connection.execute(text(f"SELECT to_regclass('{SCHEMA}.studies')")).scalar() is not None

    return known.patiently(attempt)


def _configure(connection: Any, _: Any) -> None:
    """Let readers and one writer work side by side; transactions begin where SQLAlchemy says so."""
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    """Begin with the lock of a writer, unless it is told to read: a lock that is taken later may be refused at once."""
    connection.exec_driver_sql("BEGIN" if _reads(connection) else "BEGIN IMMEDIATE")


def _wait_for_turn(connection: Connection) -> None:
    if not _reads(connection):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({CHANGING})")


def _reads(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get(READING))
