"""A line now and then while a command works that shows no progress of its own: silence looks like a hang."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from search.terminal import leaving

WAIT = 15.0
"""Seconds from the start to the first line, and from one to the next."""

NAME = "at work"
"""Name of the thread."""


@contextmanager
def at_work(verb: str) -> Iterator[None]:
    """Say on the error stream during the body that a command is still at work, and for how long it has been.

    Standard output may be a table or a document, which a line would spoil.
    """
    begun, ended = time.monotonic(), threading.Event()

    def say() -> None:
        while not ended.wait(WAIT):
            with suppress(OSError):  # the terminal was closed
                leaving.tell(words(verb, time.monotonic() - begun))

    thread = threading.Thread(target=say, name=NAME, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def words(verb: str, seconds: float) -> str:
    """Return the line.

    >>> words("init", 75.2)
    'init: still at work, for 1:15'
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{verb}: still at work, for {minutes}:{rest:02}"
