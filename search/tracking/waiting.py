"""The one wait for a tracking store: a signal interrupts it, it has a deadline, and it says what it waits for.

MLflow's client asks a server that is gone again and again, for minutes and without a word. It may: it runs in a thread, and
whoever needs its answer waits here.
"""

from __future__ import annotations

import os
import sqlite3
import ssl
import sys
import threading
import time
import urllib.error
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial, wraps
from http.client import HTTPException
from typing import Any, Concatenate, ParamSpec, TypeVar

from search.errors import StudyError, reason_of
from search.tables.secrets import masked
from search.tracking import servers
from search.tracking.local import place, rollback

T = TypeVar("T")
P = ParamSpec("P")

PATIENCE = 120.0
"""Seconds without an answer after which nobody waits any longer."""

LOOK_SECONDS = 3.0
"""Seconds after which the store is asked whether it is there at all, and between two such questions."""

ANSWER_SECONDS = 2.0
"""Seconds in which a store that is there answers that question."""

TELL_SECONDS = 30.0
"""Seconds between two lines that say that we still wait."""

GONE = (502, 503, 504)
"""HTTP statuses of a proxy whose server does not answer."""

AGAIN_SECONDS = 0.2
"""Seconds before a database that was locked is tried again: not each of its errors has waited by itself."""

LONGEST_REASON = 500
"""Characters kept of what a store says: a server may answer with the page of a login."""

WRITE, READ = "BEGIN IMMEDIATE", "SELECT count(*) FROM sqlite_master"
"""Statements that end at once unless another program keeps a database from being written, or from being read."""

_silent = False
_here = threading.local()


class UnansweredError(RuntimeError):
    """A wait came to its end; `silent` says whether the store does not answer at all."""

    def __init__(self, message: str, silent: bool) -> None:
        super().__init__(message)
        self.silent = silent


def be_patient(seconds: float) -> None:
    """Wait for stores that do not answer for so many seconds in this process."""
    global PATIENCE
    PATIENCE = seconds


def say_nothing() -> None:
    """Say nothing of waits in this process."""
    global _silent
    _silent = True


def tell(line: str) -> None:
    """Write a line to the error stream."""
    if not _silent:
        print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Wait:
    """A wait for what a store is asked to do.

    Attributes
    ----------
    uri : str
        The store.
    patience : float
        Seconds without an answer of the store, after which the wait ends.
    look : float
        Seconds before the store is asked whether it is there, and between two such questions.
    answer : float
        Seconds in which a store that is there answers that question.
    limit : float
        Seconds after which the wait ends in any case.
    tell : callable
        Called with a line when the store does not answer, and every 30 seconds from then on; also every 30 seconds in which it
        answers, but is not done.
    clock : callable
        Returns a time in seconds.
    """

    uri: str
    patience: float | None = None
    look: float | None = None
    answer: float | None = None
    limit: float = float("inf")
    tell: Callable[[str], None] = tell
    clock: Callable[[], float] = time.monotonic

    def until(self, done: Callable[[float], bool]) -> None:
        """Return once something is done.

        Parameters
        ----------
        done : callable
            Waits for at most so many seconds as it is given, and returns whether it is done: such as `threading.Event.wait`.

        Raises
        ------
        UnansweredError
            If the store does not answer for `patience` seconds, or `limit` is reached.

        Examples
        --------
        >>> ready = threading.Event()
        >>> ready.set()
        >>> Wait("http://127.0.0.1:5000").until(ready.wait)
        """
        look = LOOK_SECONDS if self.look is None else self.look
        patience = PATIENCE if self.patience is None else self.patience
        name = f"MLflow at {masked(self.uri)}"
        begun, silent, told = self.clock(), None, None
        patient = begun
        while not done(look):
            asked = self.clock()
            if asked - begun >= self.limit:
                raise UnansweredError(f"{name} is not done yet: waited {asked - begun:.0f} s", silent=False)
            reason = silence(self.uri, ANSWER_SECONDS if self.answer is None else self.answer)
            if not reason:
                silent = None
                if asked - patient >= TELL_SECONDS:
                    self.tell(f"{name} is not done after {asked - begun:.0f} s, waiting (Ctrl-C stops)")
                    patient = asked
                continue
            silent = asked - look if silent is None else silent
            now = self.clock()
            if now - silent >= patience:
                raise UnansweredError(f"{name} {reason}: waited {now - silent:.0f} s", silent=True)
            if told is None or now - told >= TELL_SECONDS:
                since = "" if told is None else f" for {now - silent:.0f} s"
                self.tell(f"{name} {reason}{since}, waiting (Ctrl-C stops)")
                told = now


def call(wait: Wait, function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in a thread of its own, and wait for what it returns.

    Raises
    ------
    UnansweredError
        As `Wait.until`; the thread is left alone.
    BaseException
        Whatever the function raises.

    Examples
    --------
    >>> call(Wait("http://127.0.0.1:5000"), sum, [1, 2])
    3
    """
    found: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(function(*arguments))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="mlflow-call", daemon=True)
    thread.start()

    def done(seconds: float) -> bool:
        thread.join(seconds)
        return not thread.is_alive()

    wait.until(done)
    if failed:
        raise failed[0]
    return found[0]


def asked(function: Callable[Concatenate[str, P], T]) -> Callable[Concatenate[str, P], T]:
    """Have a question to a store answered in the way of `call`; the address of the store is its first argument.

    A question inside of another one is a part of it. The decorated function raises `StudyError` if the store does not answer, or
    answers with an error.

    Examples
    --------
    >>> @asked
    ... def length(uri):
    ...     return len(uri)
    >>> length("sqlite:///mlflow.db")
    19
    """

    @wraps(function)
    def ask(uri: str, *arguments: P.args, **more: P.kwargs) -> T:
        if getattr(_here, "asking", False):
            return function(uri, *arguments, **more)
        unwanted = threading.Event()

        def answer() -> T:
            _here.asking = True
            return while_locked(partial(function, uri, *arguments, **more), unwanted.is_set)

        try:
            return call(Wait(uri), answer)
        except UnansweredError as error:
            raise StudyError(str(error)) from None
        except Exception as error:
            if isinstance(error, sqlite3.Error) or _is_of_store(error):
                raise StudyError(f"MLflow at {masked(uri)} cannot be used: {reason(error, uri)}") from error
            raise
        finally:
            unwanted.set()

    return ask


def while_locked(function: Callable[[], T], stopped: Callable[[], bool] = lambda: False) -> T:
    """Call a function, again and again as long as another program has the database locked; return what it returns.

    SQLite and MLflow give up after 20 seconds.

    Parameters
    ----------
    function : callable
        Does all or nothing, or can be asked again.
    stopped : callable
        Returns whether nobody waits any longer.
    """
    while True:
        try:
            return function()
        except Exception as error:
            if stopped() or not is_locked(error):
                raise
        time.sleep(AGAIN_SECONDS)


def is_locked(error: BaseException | None) -> bool:
    """Return whether an error, or one that it came from, says that another program has a database locked.

    >>> is_locked(sqlite3.OperationalError("database is locked")), is_locked(ValueError("locked"))
    (True, False)
    """
    while error is not None:
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def until_free(uri: str, key: str, *, to_read: bool = False) -> None:
    """Wait until no other program has a database locked; of other stores nothing is asked.

    Parameters
    ----------
    uri : str
    key : str
        Where the user has named the store, for the message.
    to_read : bool, default=False
        Whether it is enough that it can be read, while another program writes.

    Raises
    ------
    StudyError
        If that takes too long, or SQLite would delete a file elsewhere as soon as the database is opened.
    """
    path = place.database(uri)
    if path is not None and (file := rollback.named(path)):
        raise StudyError(
            f"{key} = {masked(uri)!r}: SQLite would delete {file} when it opens this store, as {rollback.beside(path)} says, "
            "which is no journal of MLflow; move it away"
        )
    if path is None or not os.path.exists(path):  # False where that cannot be known
        return
    look = READ if to_read else WRITE
    try:
        Wait(uri).until(lambda seconds: not _locked(str(path), seconds, look))
    except UnansweredError as error:
        raise StudyError(f"{key} = {masked(uri)!r}: {error}; close the other program") from None


def reason(error: BaseException, uri: str) -> str:
    """Return the first line of what a store says, without the passwords of its address."""
    text = masked(reason_of(error).removeprefix("MlflowException: "), uri)
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}…"


def _is_of_store(error: Exception) -> bool:
    """Return whether it is an error of MLflow, or one of a database that MLflow lets through; neither is imported for that."""
    mlflow, sqlalchemy = sys.modules.get("mlflow.exceptions"), sys.modules.get("sqlalchemy.exc")
    return (mlflow is not None and isinstance(error, mlflow.MlflowException)) or (
        sqlalchemy is not None and isinstance(error, sqlalchemy.SQLAlchemyError)
    )


def silence(uri: str, seconds: float = ANSWER_SECONDS) -> str:
    """Return why a store does not answer within so many seconds, in words that follow its name; empty if it does.

    Of a database elsewhere it is known only whether its server takes connections, and of MLflow's plug-ins nothing.

    >>> silence("sqlite:///not/there.db")
    ''
    """
    if uri.startswith(("http://", "https://")):
        return "" if _answers(uri, seconds) else "does not answer"
    path = place.database(uri)
    if path is None and servers.of_database(uri):
        return "" if _takes_connections(uri, seconds) else "does not answer"
    locked = path is not None and path.exists() and _locked(str(path), seconds)
    return "is locked by another program" if locked else ""


def _answers(uri: str, seconds: float) -> bool:
    try:
        servers.answer(uri, seconds)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code not in GONE
    except urllib.error.URLError as error:
        return isinstance(error.reason, ssl.SSLError) and not isinstance(error.reason, TimeoutError)
    except (OSError, ValueError, HTTPException):
        return False
    return True


def _takes_connections(uri: str, seconds: float) -> bool:
    try:
        servers.knock(uri, seconds)
    except OSError:
        return False
    return True


def _locked(path: str, seconds: float, look: str = WRITE) -> bool:
    try:
        with closing(sqlite3.connect(path, timeout=seconds, isolation_level=None)) as database:
            database.execute(look).fetchall()
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    except sqlite3.Error:
        return False
    return False
