"""Numba's `njit`, also under ``NUMBA_DISABLE_JIT=1``.

That setting is for functions that someone wants to debug or measure. The functions of this package do not run without the
compiler: they use a register of the processor and views that Python does not have. So they are compiled all the same, and a fit
has the same numbers with the setting as without it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numba

config: Any = numba.config

_lock = threading.Lock()
_inside: list[int] = []
"""the user's setting, once for each thread that has put it aside"""


def is_disabled() -> bool:
    """Return whether the setting is on, or put aside at the moment."""
    return bool(config.DISABLE_JIT or _inside)


@contextmanager
def enabled() -> Iterator[None]:
    """Put the setting aside; Numba looks at it when it decorates a function, and again when it compiles one."""
    with _lock:
        _inside.append(_inside[0] if _inside else config.DISABLE_JIT)
        config.DISABLE_JIT = 0
    try:
        yield
    finally:
        with _lock:
            before = _inside.pop()
            if not _inside:
                config.DISABLE_JIT = before


def njit(**options: Any) -> Callable[[Callable], Any]:
    """Return a decorator that compiles a function with these options of `numba.njit`."""
    compile_: Any = numba.njit  # its annotations lack some options

    def decorate(function: Callable) -> Any:
        with enabled():
            return compile_(**options)(function)

    return decorate
