"""Another try, in the background, at what a server has not done: one that is gone comes back, one that is busy gets free.

The search goes on in the meantime, and its journal keeps what is to be written. Whatever is asked again may have been done
although no reply came. So the study is opened anew before: what is whole stays, what is not goes to the trash.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from search.files import trouble
from search.tables.secrets import masked
from search.tracking import waiting

FIRST_SECONDS, LONGEST_SECONDS = 0.5, 10.0
"""Seconds before the second try and, as each pause is twice the one before, the longest pause."""

SHORTEST_PATIENCE = 15.0
"""Seconds that whoever waits at the end of a search waits at least, though the server has been gone for long."""

PASSING = {
    "INTERNAL_ERROR",
    "TEMPORARILY_UNAVAILABLE",
    "REQUEST_LIMIT_EXCEEDED",
    "RESOURCE_EXHAUSTED",
    "DEADLINE_EXCEEDED",
}
"""MLflow's names of errors that may pass: no answer, and the HTTP statuses 429, 500, 502, 503 and 504."""

OF_REQUEST = "API request to"
"""How errors of requests begin. MLflow's client gives the code of an internal error to mistakes in arguments, too."""

RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
FEW = "2"
"""How often MLflow's client sends a request again by itself; with its own seven, a server that is back would be asked minutes
later."""

_lock = threading.Lock()
_bodies, _own = 0, False


def passes(error: BaseException | None) -> bool:
    """Return whether an error may pass by itself: no answer of a server, or the answer that it is busy.

    >>> passes(ConnectionError("refused")), passes(ValueError("no such run"))
    (True, False)
    """
    if error is None or trouble.of_disk(error):
        return False
    if _lost_connection(error) or _lost_connection(error.__cause__):
        return True
    mlflow, requests = sys.modules.get("mlflow.exceptions"), sys.modules.get("requests")
    if mlflow is not None and isinstance(error, mlflow.MlflowException):
        own = type(error) is mlflow.MlflowException and not str(error).startswith(OF_REQUEST)
        return error.error_code in PASSING and not (own and error.error_code == "INTERNAL_ERROR")
    if requests is not None and isinstance(error, requests.RequestException):
        status = getattr(error.response, "status_code", None)
        return status is None or status == 429 or status >= 500
    return isinstance(error, ConnectionError | TimeoutError)


def _lost_connection(error: BaseException | None) -> bool:
    """Return whether a database has not answered; MLflow lets some of its errors through, and calls others mistakes."""
    sqlalchemy = sys.modules.get("sqlalchemy.exc")
    if sqlalchemy is None or not isinstance(error, sqlalchemy.DBAPIError):
        return False
    return error.connection_invalidated or isinstance(error, sqlalchemy.OperationalError | sqlalchemy.InterfaceError)


class Again:
    """Tries what a server is asked until it is done.

    Parameters
    ----------
    uri : str
    stopped : threading.Event
        Set when nobody wants it any longer.
    awaited : threading.Event
        Set while somebody waits for it: then there is an end of trying.
    """

    def __init__(self, uri: str, stopped: threading.Event, awaited: threading.Event) -> None:
        self._uri, self._stopped, self._awaited = uri, stopped, awaited
        self._since: float | None = None
        self._waited: float | None = None

    @property
    def patience(self) -> float:
        """Seconds for which an end of the search waits: what the server has been gone for already counts."""
        gone = 0.0 if self._since is None else time.monotonic() - self._since
        return max(min(SHORTEST_PATIENCE, waiting.PATIENCE), waiting.PATIENCE - gone)

    def wanted(self, error: BaseException) -> bool:
        """Return whether what ended in this error is worth another try."""
        if self._stopped.is_set() or not passes(error):
            return False
        now = time.monotonic()
        self._waited = (self._waited or now) if self._awaited.is_set() else None
        return self._waited is None or now - self._waited < waiting.PATIENCE

    def until_done(self, job: Callable[[], Any], anew: Callable[[], Any]) -> None:
        """Do something, with pauses between the tries.

        Parameters
        ----------
        job, anew : callable
            `anew` is called before each further try.
        """
        pause = FIRST_SECONDS
        while True:
            try:
                with few_retries():
                    if self._since is not None:
                        anew()
                    job()
                self._since = self._waited = None
                return
            except Exception as error:
                if not self.wanted(error):
                    raise
                self._note(error)
            pause = self._pause(pause)

    def _note(self, error: Exception) -> None:
        """Say once that a server is gone, unless somebody waits, who says so too."""
        if self._since is None:
            self._since = time.monotonic()
            if not self._awaited.is_set():
                what = waiting.silence(self._uri) or f"is busy ({waiting.reason(error, self._uri)})"
                waiting.tell(
                    f"MLflow at {masked(self._uri)} {what}; the search goes on, and its trials are written "
                    "when the server is back, or by the next run"
                )

    def _pause(self, seconds: float) -> float:
        """Wait until it is time for another try of a server that answers; return how long the next pause is."""
        while not self._stopped.wait(seconds):
            seconds = min(2 * seconds, LONGEST_SECONDS)
            if not waiting.silence(self._uri):
                break
        return seconds


@contextmanager
def few_retries() -> Iterator[None]:
    """Have MLflow's client give up soon in the body, in all threads, unless the user has said how often it asks again.

    Bodies of several threads share one setting: the last one to end puts it back.

    >>> with few_retries():
    ...     found = os.environ[RETRIES]
    >>> found, RETRIES in os.environ
    ('2', False)
    """
    global _bodies, _own
    with _lock:
        if not _bodies:
            _own = RETRIES not in os.environ
        if _own:
            os.environ[RETRIES] = FEW
        _bodies += 1
    try:
        yield
    finally:
        with _lock:
            _bodies -= 1
            if _own and not _bodies:
                os.environ.pop(RETRIES, None)
