"""What differs between a queue in a SQLite file and one in PostgreSQL: how it is opened, its clock, and its errors."""

from __future__ import annotations

import time
from typing import Protocol

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError

from search.errors import AwayError, StudyError
from search.files import trouble
from search.loop.database import server
from search.service import schema
from search.service.place import Place
from search.tables.secrets import masked

DAMAGED = ("SQLITE_NOTADB", "SQLITE_CORRUPT")
"""SQLite's names of errors of a file that something else has changed."""


class AgainError(AwayError):
    """The database could not be used, but may be at the next try.

    Attributes
    ----------
    sent : bool
        Whether the transaction may have been committed, because only the reply was lost.
    """

    def __init__(self, message: str, sent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent


class Database(Protocol):
    """The database of a queue."""

    def opened(self) -> Engine:
        """Open it, made and brought up to date."""

    def now(self, connection: Connection) -> float:
        """Return the time, in seconds since 1970."""

    def told(self, error: DBAPIError, *, sent: bool = False) -> StudyError:
        """Return an error of the database in one line."""


class SQLite:
    """A file in the folder of the service."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def opened(self) -> Engine:
        """Open it, made and brought up to date."""
        try:
            engine = schema.opened(self._place.database)
        except DBAPIError as error:
            raise self.told(error) from None
        self._place.database.chmod(0o600)
        return engine

    def now(self, connection: Connection) -> float:
        """Return the time of this machine."""
        return time.time()

    def told(self, error: DBAPIError, *, sent: bool = False) -> StudyError:
        """Return an error of the database in one line."""
        reason, place = " ".join(str(error.orig).split()), self._place
        if str(getattr(error.orig, "sqlite_errorname", "")).startswith(DAMAGED):
            return StudyError(
                f"{place.database} is damaged: {reason}; move the folder {place.folder} away and submit its studies again: "
                "their trials are in their journals"
            )
        return StudyError(trouble.told(reason, place.database, "the queue is as it was"))


class PostgreSQL:
    """The store of a project."""

    def __init__(self, address: str) -> None:
        self._address = address

    def opened(self) -> Engine:
        """Open it, made and brought up to date."""
        return server.server(self._address).patiently(lambda: schema.opened(self._address))

    def now(self, connection: Connection) -> float:
        """Return the time of the database: the clocks of several machines differ."""
        return float(connection.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one())

    def told(self, error: DBAPIError, *, sent: bool = False) -> StudyError:
        """Return an error of the database in one line; `AgainError` if it may pass."""
        told = f"the queue in {masked(self._address)}: {server.server(self._address).reason(error)}"
        if not server.passes(error):
            return StudyError(told)
        after = "it may have been changed or not: look with bpsearch status" if sent else "it is as it was"
        return AgainError(f"{told}; {after}", sent)


def of(place: Place) -> Database:
    """Return the database of the queue of a folder."""
    return SQLite(place) if place.store is None else PostgreSQL(place.store)
