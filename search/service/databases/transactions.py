"""Transactions of a queue: their errors in one line, and tries that are repeated."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from search.loop.database import server
from search.service.databases.kinds import AgainError, Database

T = TypeVar("T")
P = ParamSpec("P")


class Transaction:
    """A transaction; errors of the database are told in one line."""

    def __init__(self, engine: Engine, database: Database) -> None:
        self._database, self._transaction = database, engine.begin()

    def __enter__(self) -> Connection:
        try:
            return self._transaction.__enter__()
        except DBAPIError as error:
            raise self._database.told(error) from None

    def __exit__(self, *raised: Any) -> None:
        try:
            self._transaction.__exit__(*raised)
        except DBAPIError as error:
            raise self._database.told(error, sent=raised[1] is None) from None
        if isinstance(raised[1], DBAPIError):
            raise self._database.told(raised[1]) from None


def patient(*, twice: bool) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate what is one transaction: after an error that may pass it is tried again, for as long as `server.PATIENCE`.

    Parameters
    ----------
    twice : bool
        Whether it may be done twice. Otherwise it is tried again only if it was not done for certain.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @wraps(function)
        def again(*args: P.args, **kwargs: P.kwargs) -> T:
            began, pause = time.monotonic(), server.FIRST_PAUSE
            while True:
                try:
                    return function(*args, **kwargs)
                except AgainError as error:
                    if (error.sent and not twice) or time.monotonic() - began + pause > server.PATIENCE:
                        raise
                time.sleep(pause * random.uniform(0.5, 1.0))
                pause = min(2 * pause, server.LONGEST_PAUSE)

        return again

    return decorate
