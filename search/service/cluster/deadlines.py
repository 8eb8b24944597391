"""A trial that hangs ends with its process, and the process is started anew.

Nothing else ends a thread that loops in compiled code. The clock is one of the interpreter's own threads, which needs no lock of
Python; before the process ends, it writes where each thread was.
"""

from __future__ import annotations

import faulthandler
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_numbers = itertools.count()
_due: dict[int, float] = {}


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """End this process if the body takes longer; 0 seconds are no limit. Threads may have a body each."""
    if not seconds:
        yield
        return
    number = next(_numbers)
    with _lock:
        _due[number] = time.monotonic() + seconds
        _set()
    try:
        yield
    finally:
        with _lock:
            del _due[number]
            _set()


def _set() -> None:
    """Set the clock to the earliest end."""
    if not _due:
        faulthandler.cancel_dump_traceback_later()
        return
    faulthandler.dump_traceback_later(max(min(_due.values()) - time.monotonic(), 0.001), exit=True)
