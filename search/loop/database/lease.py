"""The lease of a study: one process at a time may write it, whatever becomes of that process.

A lease ends at a time on the database's clock, and is renewed long before. Whoever takes it next gets a higher number, the fence.
Every transaction that writes ends with a look at the fence, which also locks the row until it is committed: so a process that
was stopped for minutes, and whose study was taken over meanwhile, writes nothing any more.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from typing import Any

from sqlalchemy import Connection, delete, func, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from search.errors import InUseError, StudyError
from search.loop.database.server import Server, journals

SECONDS = 15.0
"""Length of a lease."""

RENEWALS = 4
"""How often a lease is renewed in its length."""

LOOK_SECONDS = 0.25
"""Between two looks whether a lease that somebody else holds is renewed."""

NOW = func.clock_timestamp()


class FencedError(StudyError):
    """The study of a process has been taken over by another one."""


class Lease:
    """The lease of a study, held until `release`.

    Parameters
    ----------
    server : Server
    name : str
        Of the study.
    told : str
        What the study is called in messages.

    Raises
    ------
    InUseError
        If another process holds it, and renews it.
    """

    def __init__(self, server: Server, name: str, told: str) -> None:
        self._server, self._name, self._told = server, name, told
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}"
        self.fence = self._wait()
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._thread.start()

    def check(self, connection: Connection) -> None:
        """Raise unless the lease is still this one; to be called at the end of a transaction that writes.

        Raises
        ------
        FencedError
            If the study has been taken over.
        """
        own = update(journals).where(*self._own).values(changes=journals.c.changes + 1)
        if not connection.execute(own).rowcount:
            raise FencedError(f"{self._told} was taken over by another process: this run of it is over")

    def confirm(self) -> None:
        """Do what `check` does, in a transaction of its own."""

        def attempt() -> None:
            with self._server.engine.begin() as connection:
                self.check(connection)

        self._server.patiently(attempt)

    def release(self) -> None:
        """End the lease, so that others may take it at once; a server that is away is left to let it run out."""
        self._released.set()
        self._thread.join()
        try:
            with self._server.engine.begin() as connection:
                connection.execute(update(journals).where(*self._own).values(holder="", until=NOW))
        except SQLAlchemyError:
            return

    def forget(self, connection: Connection) -> None:
        """Delete the row of the study, which is deleted."""
        connection.execute(delete(journals).where(*self._own))

    @property
    def _own(self) -> tuple[Any, ...]:
        return journals.c.name == self._name, journals.c.fence == self.fence, journals.c.holder == self._holder

    def _wait(self) -> int:
        """Take the lease; that of a process that is gone runs out, that of one that lives is renewed before."""
        first = None
        while True:
            if (fence := self._server.patiently(self._take)) is not None:
                return fence
            known = until(self._server, self._name)
            first = known if first is None else first
            if known is not None and known != first:
                raise InUseError(
                    f"{self._told} is in use by another run of this study; wait for it, or choose a new name"
                )
            time.sleep(LOOK_SECONDS)

    def _take(self) -> int | None:
        """Take the lease if it has run out; after a reply that was lost, it may be this one already."""
        blank = {"name": self._name, "holder": self._holder, "fence": 1, "until": _end(), "changes": 0}
        taken = insert(journals).values(blank)
        free = or_(journals.c.until <= NOW, journals.c.holder == self._holder)
        values = {"holder": self._holder, "fence": journals.c.fence + 1, "until": _end()}
        taken = taken.on_conflict_do_update(index_elements=["name"], set_=values, where=free)
        with self._server.engine.begin() as connection:
            return connection.execute(taken.returning(journals.c.fence)).scalar()

    def _renew(self) -> None:
        """Renew the lease until it is released or lost; a server that is away is asked again."""
        while not self._released.wait(SECONDS / RENEWALS):
            try:
                with self._server.engine.begin() as connection:
                    if not connection.execute(update(journals).where(*self._own).values(until=_end())).rowcount:
                        return
            except SQLAlchemyError:
                continue


def until(server: Server, name: str) -> float | None:
    """Return when the lease of a study ends, in seconds since 1970; None if nobody holds it."""

    def attempt() -> float | None:
        with server.engine.begin() as connection:
            ends = select(func.extract("epoch", journals.c.until))
            found = connection.execute(ends.where(journals.c.name == name, journals.c.until > NOW)).scalar()
            return None if found is None else float(found)

    return server.patiently(attempt)


def _end() -> Any:
    return NOW + literal_column(f"interval '{SECONDS} seconds'")
