"""A bounded, thread-safe memo: an expensive value is computed once, by the thread that asks first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


class ComputeOnce:
    """Keeps the `limit` most recently used values; a copy in another process starts empty.

    Examples
    --------
    >>> squares = ComputeOnce(limit=2)
    >>> [squares.get(str(n), lambda n=n: n**2) for n in (3, 4, 3, 5)]
    [9, 16, 9, 25]
    >>> len(squares)
    2
    """

    def __init__(self, limit: int = 8) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._values: dict[str, Future[Any]] = {}

    def __len__(self) -> int:
        return len(self._values)

    def __reduce__(self) -> Any:
        return ComputeOnce, (self.limit,)

    def get(self, key: str, make: Callable[[], Any]) -> Any:
        """Return the value of a key; call `make` if it is neither cached nor being computed by another thread.

        An exception of `make` is raised in every thread that waits for the value, and nothing is cached.
        """
        with self._lock:
            found = self._values.pop(key, None)
            value = self._values[key] = found or Future()
            while len(self._values) > self.limit:
                del self._values[next(iter(self._values))]
        if found is None:
            try:
                value.set_result(make())
            except BaseException as error:
                value.set_exception(error)
                self.forget(key)
        return value.result()

    def forget(self, key: str) -> None:
        """Drop the value of a key, if there is one."""
        with self._lock:
            self._values.pop(key, None)
