"""Ctrl-C at any moment: the current step is completed, then running evaluations are cancelled."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def postponed() -> Iterator[None]:
    """Delay a Ctrl-C during the body until the body ends.

    Does nothing outside the main thread, where none can arrive.
    """
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
    """A cancellation request to running evaluations; copies in other processes do not see it."""

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
    """Raised in an evaluation when the caller has cancelled it."""
