"""The one wait for a tracking store: a signal interrupts it, it has a deadline, and it says what it waits for.

MLflow's client asks a server that is gone again and again, for minutes and without a word. It may: it runs in a thread, and
whoever needs its answer waits here.
"""

from __future__ import annotations

import sqlite3
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, TypeVar

from search.tables.secrets import masked
from search.tracking import servers, stores

T = TypeVar("T")

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

_silent = False


class UnansweredError(RuntimeError):
    """A wait came to its end; `silent` says whether the store does not answer at all."""

    def __init__(self, message: str, silent: bool) -> None:
        super().__init__(message)
        self.silent = silent


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
        Called with a line when the store does not answer, and every 30 seconds from then on.
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
        while not done(look):
            asked = self.clock()
            if asked - begun >= self.limit:
                raise UnansweredError(f"{name} is not done yet: waited {asked - begun:.0f} s", silent=False)
            reason = silence(self.uri, ANSWER_SECONDS if self.answer is None else self.answer)
            if not reason:
                silent = None
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


def silence(uri: str, seconds: float = ANSWER_SECONDS) -> str:
    """Return why a store does not answer within so many seconds, in words that follow its name; empty if it does.

    Of other stores than servers and SQLite it is not known.

    >>> silence("sqlite:///not/there.db")
    ''
    """
    if uri.startswith(("http://", "https://")):
        return "" if _answers(uri, seconds) else "does not answer"
    path = stores.database(uri)
    locked = path is not None and path.exists() and _locked(str(path), seconds)
    return "is locked by another program" if locked else ""


def _answers(uri: str, seconds: float) -> bool:
    try:
        urllib.request.urlopen(servers.request(uri), timeout=seconds).close()
    except urllib.error.HTTPError as error:
        error.close()
        return error.code not in GONE
    except urllib.error.URLError as error:
        return isinstance(error.reason, ssl.SSLError) and not isinstance(error.reason, TimeoutError)
    except (OSError, ValueError, HTTPException):
        return False
    return True


def _locked(path: str, seconds: float) -> bool:
    try:
        with closing(sqlite3.connect(path, timeout=seconds, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    except sqlite3.Error:
        return False
    return False
