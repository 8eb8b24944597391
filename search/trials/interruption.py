"""Ctrl-C at any moment: the current step is finished first, and running evaluations are asked to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def postponed() -> Iterator[None]:
    """Let a Ctrl-C during the body take effect after it; outside the main thread there is nothing to postpone."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    received: list[tuple[Any, ...]] = []
    signal.signal(signal.SIGINT, lambda *arguments: received.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    for arguments in received[:1]:
        before(*arguments)


class Cancellation:
    """A request to running evaluations to stop; it does not reach copies in other processes."""

    def __init__(self) -> None:
        self._event: threading.Event | None = threading.Event()

    def request(self) -> None:
        if self._event is not None:
            self._event.set()

    def requested(self) -> bool:
        return self._event is not None and self._event.is_set()

    def __getstate__(self) -> dict[str, Any]:
        return {"_event": None}


class Cancelled(Exception):  # noqa: N818 - not an error
    """The caller asked a running evaluation to end."""
