"""Numba's own cache on disk: what is used where its insides are not known well enough for `machine_code`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numba
from numba import njit

from bpmodel.compiler.cache import folders


class NumbaCached:
    """A compiled function with Numba's cache in a folder that is to be trusted, or with none.

    Where the cache cannot be read, the function is compiled, and nothing is kept.
    """

    def __init__(self, function: Callable, options: Mapping[str, Any], registered: str) -> None:
        self._function, self._options = function, options
        self._compiled = _cached(function, options, registered)

    def __call__(self, *arguments: Any) -> Any:
        known = len(self._compiled.signatures)
        try:
            return self._compiled(*arguments)
        except Exception:
            if len(self._compiled.signatures) > known:  # it could be read: the error is the function's own
                raise
        compile_: Any = njit
        self._compiled = compile_(**self._options)(self._function)
        return self._compiled(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._compiled, name)


def _cached(function: Callable, options: Mapping[str, Any], registered: str) -> Any:
    compile_: Any = njit
    config: Any = numba.config
    before = config.CACHE_DIR
    for folder in folders():
        try:
            config.CACHE_DIR = str(folder / registered)
            return compile_(**options, cache=True)(function)
        except RuntimeError:  # it cannot be written to
            continue
        finally:
            config.CACHE_DIR = before
    return compile_(**options)(function)
