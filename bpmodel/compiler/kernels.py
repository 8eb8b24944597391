"""How numeric code is compiled: one set of flags, one cache on disk, choices picked from tables.

Every function that runs inside the training loop is a `kernel` or, out of Python's sight, an `inner` one. The few that Python
calls are `entry_point`s: they are compiled once and served from a cache on disk afterwards. `choose` turns a table column of
kernels into one kernel that takes the row number first, so the loop is compiled once for all options instead of once per
combination.

Notes on what keeps the loops fast; each was found by timing, not by reading:

- `fastmath` leaves out ``nnan`` and ``ninf``: with them the compiler may delete the checks for non-finite values.
- ``error_model="numpy"``: a division that may raise stops a loop from being vectorised.
- Constants are ``np.float32`` where that is exact, and go through `arithmetic.like` where it is not: a Python float would turn
  single precision arithmetic into double precision.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba import njit

from bpmodel.compiler import machine_code
from bpmodel.compiler.linking import LinkedCompiler

FLAGS: dict[str, Any] = {
    "fastmath": {"contract", "reassoc", "nsz", "arcp", "afn"},
    "error_model": "numpy",
    "nogil": True,
    "forceinline": False,
}

kernel = njit(**{**FLAGS, "no_cfunc_wrapper": True})

_LINKED: dict[str, Any] = {
    **FLAGS,
    "pipeline_class": LinkedCompiler,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}

inner = njit(**_LINKED)
"""A kernel that only compiled code can call: it is made into machine code within its callers, never by itself (`linking`)."""

part = njit(**{**_LINKED, "forceinline": True})
"""An `inner` kernel that is called in one place: a piece of its caller that has a name of its own, and costs nothing."""


def entry_point(function: Callable) -> Callable:
    """Compile a function that Python alone calls, keeping the machine code on disk for the next process (`machine_code`)."""
    with _cache_folder(_source_digest()):
        dispatcher = njit(**{**FLAGS, "no_cfunc_wrapper": True, "cache": True})(function)
        if machine_code.understood():
            dispatcher._cache = machine_code.MachineCodeCache(function)
    return dispatcher


def choose(kernels: Sequence[Callable]) -> Callable:
    """Return one kernel ``picked(code, *args)`` that calls ``kernels[code](*args)``.

    A tuple of functions inside compiled code would be a table of addresses, which cannot be cached; a chain of
    comparisons can, and costs nothing next to an array operation. The last kernel takes every code beyond it. The chain is
    written as one function: as functions that call one another it would be optimised once more at every level.
    """
    *first, last = range(len(kernels))
    lines = [f"    if code == {i}:\n        return kernel_{i}(*args)\n" for i in first]
    source = f"def picked(code, *args):\n{''.join(lines)}    return kernel_{last}(*args)\n"
    scope: dict[str, Any] = {f"kernel_{i}": function for i, function in enumerate(kernels)}
    exec(source, scope)
    return inner(scope["picked"])


COMPILED = ("compiler", "functions", "network", "full_batch")
"""The folders of this package that hold kernels."""


@cache
def _source_digest() -> str:
    """Hash of the sources that compiled code is made of: Numba notices a change in the entry point's own file only."""
    digest = hashlib.sha256()
    for folder in COMPILED:
        for path in sorted(Path(__file__).parents[1].joinpath(folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _cache_folder(digest: str) -> Iterator[None]:
    """Make Numba cache under a folder of this version's own; ``NUMBA_CACHE_DIR`` says where, if set."""
    config: Any = numba.config
    before = config.CACHE_DIR
    base = Path(before or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bpmodel"
    try:
        base.mkdir(parents=True, exist_ok=True)
        writable = os.access(base, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        base = Path(tempfile.gettempdir()) / f"bpmodel-{os.getuid() if hasattr(os, 'getuid') else 'cache'}"
    config.CACHE_DIR = str(base / digest)
    try:
        yield
    finally:
        config.CACHE_DIR = before
