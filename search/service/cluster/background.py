"""Requests that may never be answered, because a machine stands still."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def beside(call: Callable[[], T]) -> Future[T]:
    """Call a function in a thread that keeps no process from its end.

    Examples
    --------
    >>> beside(lambda: 5).result()
    5
    """
    promise: Future[T] = Future()

    def run() -> None:
        try:
            promise.set_result(call())
        except BaseException as error:  # told by whoever asks for the result
            promise.set_exception(error)

    threading.Thread(target=run, name="request", daemon=True).start()
    return promise
