"""The PostgreSQL server of a store: bounded waits, tries that are repeated, and errors in one line."""

from __future__ import annotations

import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import optuna
from optuna.exceptions import StorageInternalError
from sqlalchemy import BigInteger, Column, DateTime, Engine, MetaData, Table, Text, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.schema import CreateSchema

from search.errors import AwayError, StudyError, one_line
from search.samplers.optuna_terms import quiet
from search.tables.secrets import masked

T = TypeVar("T")
LOG = logging.getLogger(__name__)

PATIENCE = 60.0
"""Seconds for which something is tried again before a run ends."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two tries: each pause is twice as long as the one before, less a random part of up to a half."""

SETTINGS = {
    "statement_timeout": 30_000,
    "lock_timeout": 20_000,
    "idle_in_transaction_session_timeout": 8_000,
}
"""Milliseconds that the server allows. The last one is less than a lease: a process that was stopped in the middle of a
transaction keeps its locks no longer than that, so its study can be taken over."""

CONNECTION = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "application_name": "bpsearch",
}
"""Settings of the driver: a server that is gone without a word is noticed within half a minute."""

PASSING = ("08", "25", "40", "53", "57")
"""Classes of the server's errors that may pass: connections, transactions, conflicts, resources, and what an operator did."""

LASTING = re.compile(
    r"authentication failed|no password supplied|does not exist|no pg_hba\.conf entry|permission denied"
)
"""Reasons for which a server refuses every connection."""

MAKING = 0x6270_7365_6172_6368
"""Number of the advisory lock under which tables are made: two processes that begin at once would disturb each other."""

SCHEMA = "bpsearch"
"""The schema of this program's own tables; Optuna's are where the address leads by default."""

metadata = MetaData(schema=SCHEMA)

journals = Table(
    "journals",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("changes", BigInteger, nullable=False),
)
"""A row for each study: who may write it until when, by the clock of the database, and how often it was written."""


class Server:
    """The server of a store, with the tables that journals need.

    Parameters
    ----------
    uri : str

    Attributes
    ----------
    engine : Engine
    reading : optuna.storages.RDBStorage
        Optuna's tables, to read.

    Raises
    ------
    StudyError
        If its driver is missing, it does not answer, or another version of Optuna has made its tables.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        try:
            self.engine: Engine = create_engine(uri, **options(uri))
        except ModuleNotFoundError as error:
            raise StudyError(
                f"{masked(uri)}: the driver {error.name} is not installed; allowed is: pip install 'bpsearch[postgres]'"
            ) from None
        self.reading = self.patiently(self._made)

    def storage(self) -> optuna.storages.RDBStorage:
        """Return Optuna's tables over connections of their own."""
        with quiet():
            try:
                return optuna.storages.RDBStorage(self.uri, engine_kwargs=options(self.uri), skip_table_creation=True)
            except RuntimeError as error:  # its tables have another revision
                raise StudyError(f"{masked(self.uri)}: {error}") from None

    def patiently(self, attempt: Callable[[], T]) -> T:
        """Do something, again after errors that may pass, for at most `PATIENCE` seconds.

        Raises
        ------
        AwayError
            If it does not succeed by then.
        StudyError
            If it never will.
        """
        began, pause, told = time.monotonic(), FIRST_PAUSE, False
        while True:
            try:
                return attempt()
            except (SQLAlchemyError, StorageInternalError) as error:
                reason = self.reason(error)
                if not passes(error):
                    raise StudyError(f"{masked(self.uri)}: {reason}") from None
                if time.monotonic() - began + pause > PATIENCE:
                    raise AwayError(
                        f"{masked(self.uri)} could not be used for {PATIENCE:g} s: {reason}; finished trials are kept, "
                        "run the same command again to go on"
                    ) from None
            if pause > 1.0 and not told:
                LOG.warning("note: %s cannot be used now (%s), trying again", masked(self.uri), reason)
                told = True
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, LONGEST_PAUSE)

    def reason(self, error: BaseException) -> str:
        """Return what the database says, in one line and without the password."""
        cause = _cause(error)
        told = str(cause.orig if isinstance(cause, DBAPIError) else cause).strip().splitlines()
        return one_line(masked(told[0] if told else type(cause).__name__, self.uri))

    def _made(self) -> optuna.storages.RDBStorage:
        """Make the tables that are missing, and return Optuna's."""
        with self.engine.begin() as connection, quiet():
            connection.execute(
                text("SET LOCAL idle_in_transaction_session_timeout = 0")
            )  # Optuna uses other connections
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MAKING})
            connection.execute(CreateSchema(SCHEMA, if_not_exists=True))
            metadata.create_all(connection)
            try:
                return optuna.storages.RDBStorage(self.uri, engine_kwargs=options(self.uri))
            except RuntimeError as error:  # its tables have another revision
                raise StudyError(f"{masked(self.uri)}: {error}") from None


def options(uri: str) -> dict[str, Any]:
    """Return how engines for an address are made."""
    given = make_url(uri).query.get("options", "")
    settings = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
    own = " ".join([given] if isinstance(given, str) else given)
    return {
        "connect_args": {**CONNECTION, "options": f"{settings} {own}".strip()},
        "hide_parameters": True,
        "pool_size": 2,
        "pool_timeout": CONNECTION["connect_timeout"],
    }


def passes(error: BaseException) -> bool:
    """Return whether an error of the database may be gone at the next try."""
    cause = _cause(error)
    if isinstance(cause, PoolTimeoutError):
        return True
    if not isinstance(cause, DBAPIError) or LASTING.search(str(cause.orig)):
        return False
    code = str(getattr(cause.orig, "pgcode", None) or "")
    return (
        cause.connection_invalidated or isinstance(cause, OperationalError | InterfaceError) or code.startswith(PASSING)
    )


def _cause(error: BaseException) -> BaseException:
    """Return the error of SQLAlchemy that Optuna has hidden behind its own."""
    return error.__cause__ if isinstance(error, StorageInternalError) and error.__cause__ else error


_known: dict[str, Server] = {}
_making = threading.Lock()


def server(uri: str) -> Server:
    """Return the server of an address, which is connected to once in a process.

    Raises
    ------
    StudyError
        As `Server`.
    """
    with _making:
        if uri not in _known:
            _known[uri] = Server(uri)
        return _known[uri]


def forget() -> None:
    """Forget all servers: a process that was forked cannot use the connections of its parent."""
    global _making
    _making = threading.Lock()
    for known in _known.values():
        known.engine.dispose(close=False)
    _known.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget)
