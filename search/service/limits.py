"""How much a service takes on: one table of limits, and the counts of what clients do over time."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MB, GB = 10**6, 10**9
DAY = 86_400.0


@dataclass(frozen=True)
class Limits:
    """How much a service takes on.

    Attributes
    ----------
    study_bytes : int
        Bytes of a study file, and of any other request with a JSON document. Study files of this machine have the same limit.
    data_bytes, rows_bytes : int
        Bytes of a table that is uploaded, and of one that is to be predicted.
    unpacked_bytes : int
        Bytes that a packed table may unpack to.
    stored_bytes : int
        Bytes of all uploaded tables together.
    rows, cells : int
        Rows of a table, and rows times columns.
    predicted_rows, predicted_cells : int
        Rows of one request for predictions, and rows times columns if they are JSON.
    n_trials : int
        Trials of a study, whether its file or the request says so.
    timeout : float
        Seconds of a study.
    priority : int
        The highest priority that a token without the scope admin may ask for.
    queued, queued_of_all : int
        Studies that have not ended: of one token, unless it was made with a quota of its own, and of all.
    rate, burst : float
        Requests per second of one token, on average, and at once.
    at_once : int
        Requests of one token that are answered at a time, streams among them. Those to MLflow do not count.
    failed_logins : float
        Wrong tokens per minute from one address. Right tokens pass, whatever else comes from there.
    streams, streams_of_all : int
        Streams of events that one token, and all, may follow at a time.
    checks, waiting : int
        Submissions, reports and predictions that are worked on at a time, and how many more may wait for it.
    asks : int
        Requests of clients that train elsewhere that are worked on at a time; as many may wait as of submissions.
    uploads : int
        Tables that arrive at a time.
    body_seconds : float
        Seconds in which a request must have arrived.
    connections : int
        Connections at a time. If there are more, the one makes way that has asked for nothing for longest.
    head_seconds : float
        Seconds that a connection may ask for nothing, or take to say what it asks for.

    Examples
    --------
    >>> Limits(rate=5.0).rate, Limits().checks
    (5.0, 2)
    """

    study_bytes: int = MB
    data_bytes: int = 200 * MB
    rows_bytes: int = 20 * MB
    unpacked_bytes: int = GB
    stored_bytes: int = 20 * GB
    rows: int = 5_000_000
    cells: int = 50_000_000
    predicted_rows: int = 100_000
    predicted_cells: int = 5_000_000
    n_trials: int = 10_000
    timeout: float = 7 * DAY
    priority: int = 10
    queued: int = 20
    queued_of_all: int = 500
    rate: float = 20.0
    burst: float = 60.0
    at_once: int = 32
    failed_logins: float = 10.0
    streams: int = 8
    streams_of_all: int = 64
    checks: int = 2
    waiting: int = 32
    asks: int = 8
    uploads: int = 4
    body_seconds: float = 600.0
    connections: int = 400
    head_seconds: float = 15.0


class Bucket:
    """Counts what each of many clients does, and how long it must wait where that is too much: a token bucket for each.

    Parameters
    ----------
    rate : float
        How much a client may do per second, on average.
    burst : float
        How much it may do at once.
    most : int
        Clients that are remembered. Those that have done nothing for longest are forgotten first.
    clock : callable
        Returns seconds.

    Examples
    --------
    >>> now = 0.0
    >>> bucket = Bucket(rate=2.0, burst=1.0, clock=lambda: now)
    >>> bucket.take("a"), bucket.take("a"), bucket.take("b")
    (0.0, 0.5, 0.0)
    >>> now = 0.5
    >>> bucket.take("a")
    0.0
    """

    def __init__(
        self, rate: float, burst: float, most: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._most, self._clock = rate, burst, most, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> float:
        """Count something that a client does; return 0, or after how many seconds it may do it, which is not counted then."""
        now = self._clock()
        left, when = self._left.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - when) * self._rate)
        wait = 0.0 if left >= 1.0 else (1.0 - left) / self._rate
        self._left[client] = (left if wait else left - 1.0, now)
        while len(self._left) > self._most:
            self._left.popitem(last=False)
        return wait
