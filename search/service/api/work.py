"""Work that takes time, in threads: so much of each kind at a time, and no more than so much that waits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread

from search.service.api.problems import Problem
from search.service.limits import Limits

T = TypeVar("T")

QUICK, CHECK, ASK, REPORT, UPLOAD = "quick", "check", "ask", "report", "upload"

BUSY_SECONDS = 5.0
"""After how long a client may ask again if too much waits."""

READERS = 16
"""Questions to the database and to journals that are answered at a time."""


class Work:
    """Threads for work of several kinds.

    Parameters
    ----------
    limits : Limits
    """

    def __init__(self, limits: Limits) -> None:
        self._waiting = limits.waiting
        self._most = {QUICK: READERS, CHECK: limits.checks, ASK: limits.asks, REPORT: 1, UPLOAD: limits.uploads}
        self._limiters: dict[str, CapacityLimiter] = {}

    async def run(self, kind: str, function: Callable[..., T], /, *arguments: Any, **named: Any) -> T:
        """Call a function in a thread and return its result.

        Raises
        ------
        Problem
            If too much of this kind waits.
        """
        limiter = self._limiter(kind)
        if kind != QUICK and limiter.statistics().tasks_waiting >= self._waiting:
            raise Problem.later("the service has too much to do; ask again", "busy", BUSY_SECONDS)
        return await to_thread.run_sync(partial(function, *arguments, **named), limiter=limiter)

    def _limiter(self, kind: str) -> CapacityLimiter:
        """Return the limiter of a kind: it is made within the loop of events that it belongs to."""
        if kind not in self._limiters:
            self._limiters[kind] = CapacityLimiter(self._most[kind])
        return self._limiters[kind]
