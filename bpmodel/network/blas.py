"""Limit BLAS to one thread while networks train: the products are small, and parallelism comes from training several networks.

The number of threads is a setting of the whole process, and fits may overlap in time. The first fit to start therefore sets it,
and the last fit to end restores it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_inside = 0
_before: list[int] = []


@contextmanager
def single_thread() -> Iterator[None]:
    """Run the body with one BLAS thread."""
    global _inside, _before
    with _lock:
        _inside += 1
        if _inside == 1:
            _before = [library.num_threads for library in _libraries()]
            for library in _libraries():
                library.set_num_threads(1)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                for library, threads in zip(_libraries(), _before, strict=True):
                    library.set_num_threads(threads)


@cache
def _libraries() -> list[Any]:
    # finding the BLAS libraries takes milliseconds; once is enough, because the import loads those that the loop calls
    import scipy.linalg  # noqa: F401

    return ThreadpoolController().select(user_api="blas").lib_controllers
