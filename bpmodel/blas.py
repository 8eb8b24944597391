"""One BLAS thread while networks train: the products are small, and parallelism comes from training several networks.

The number of threads is a setting of the whole process, so fits that overlap in time must not restore it under each other:
the first one in sets it, the last one out restores it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_inside = 0
_limit = None


@contextmanager
def single_thread() -> Iterator[None]:
    """Run the body with one BLAS thread."""
    global _inside, _limit
    with _lock:
        _inside += 1
        if _inside == 1:
            _limit = _controller().limit(limits=1, user_api="blas")
            _limit.__enter__()
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _limit.__exit__(None, None, None)


@cache
def _controller() -> ThreadpoolController:
    # finding the libraries takes milliseconds: once is enough, for the ones the loop calls are loaded on import
    import scipy.linalg  # noqa: F401

    return ThreadpoolController()
