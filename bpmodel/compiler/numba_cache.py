"""Fallback for `machine_code`: Numba's own cache on disk, for versions of Numba whose internals are unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numba

from bpmodel.compiler.cache import folders
from bpmodel.compiler.jit import njit


class NumbaCached:
    """A compiled function with Numba's cache in a trusted folder, or without a cache.

    If the cache cannot be read, the function is compiled and nothing is saved.
    """

    def __init__(self, function: Callable, options: Mapping[str, Any], registered: str) -> None:
        self._function, self._options = function, options
        self._compiled = _cached(function, options, registered)

    def __call__(self, *arguments: Any) -> Any:
        signature = tuple(numba.typeof(argument) for argument in arguments)
        if signature not in self._compiled.signatures:
            try:
                self._compiled.compile(signature)
            except Exception:  # the cache cannot be read: an error of the function itself comes again below
                self._compiled = njit(**self._options)(self._function)
        return self._compiled(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._compiled, name)


def _cached(function: Callable, options: Mapping[str, Any], registered: str) -> Any:
    config: Any = numba.config
    before = config.CACHE_DIR
    for folder in folders():
        try:
            config.CACHE_DIR = str(folder / registered)
            return njit(**options, cache=True)(function)
        except RuntimeError:  # the folder is not writable
            continue
        finally:
            config.CACHE_DIR = before
    return njit(**options)(function)
