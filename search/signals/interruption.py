"""Ctrl-C at any moment: the current step is completed, then running evaluations are cancelled."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from search.signals.command import SIGNALS


@contextmanager
def postponed() -> Iterator[None]:
    """Delay a signal that asks the program to end during the body, until the body ends.

    Whatever handlers there are, Python's own for Ctrl-C or those of the user's program, they are put aside and back. Does
    nothing outside the main thread, where no signal is handled.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: handler for number in SIGNALS if callable(handler := signal.getsignal(number))}
    received: list[tuple[Any, ...]] = []
    try:
        for number in before:
            signal.signal(number, lambda *arguments: received.append(arguments))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for arguments in received[:1]:
        before[arguments[0]](*arguments)


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
