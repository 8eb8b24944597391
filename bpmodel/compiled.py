"""How numeric code is compiled: one set of flags, one cache on disk, choices picked from tables.

Every function that runs inside the training loop is a `kernel`. The few that Python calls are `entry_point`s: they are
compiled once and served from a cache on disk afterwards. `choose` turns a table column of kernels into one kernel that
takes the row number first, so the loop is compiled once for all options instead of once per combination.

Notes on what keeps the loops fast; each was found by timing, not by reading:

- `fastmath` leaves out ``nnan`` and ``ninf``: with them the compiler may delete the checks for non-finite values.
- ``error_model="numpy"``: a division that may raise stops a loop from being vectorised.
- Constants are ``np.float32``: a Python float would turn single precision arithmetic into double precision, while a
  float32 constant leaves both precisions as they are.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload, register_jitable

FLAGS: dict[str, Any] = {
    "fastmath": {"contract", "reassoc", "nsz", "arcp", "afn"},
    "error_model": "numpy",
    "nogil": True,
}

kernel = njit(**FLAGS)


def entry_point(function: Callable) -> Callable:
    """Compile a function that Python calls, keeping the machine code on disk for the next process."""
    with _cache_folder(_source_digest()):
        return njit(cache=True, **FLAGS)(function)


def choose(kernels: Sequence[Callable], index: int = 0) -> Callable:
    """Return one kernel ``picked(code, *args)`` that calls ``kernels[code](*args)``.

    A tuple of functions inside compiled code would be a table of addresses, which cannot be cached; a chain of
    comparisons can, and costs nothing next to an array operation. The last kernel takes every code beyond it.
    """
    first = kernels[0]
    if len(kernels) == 1:

        @kernel
        def last(code, *args):
            return first(*args)

        return last
    rest = choose(kernels[1:], index + 1)

    @kernel
    def picked(code, *args):
        if code == index:
            return first(*args)
        return rest(code, *args)

    return picked


# ---------------------------------------------------------------------------------------------------- exponential


@intrinsic
def _float32_from_bits(typing_context, bits):
    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


# Cephes `expf`: degree-5 polynomial on [-ln 2 / 2, ln 2 / 2], ln 2 split in two so that the reduction is exact.
_LOG2_E = np.float32(1.44269504088896341)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_C0, _C1, _C2 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3), np.float32(8.3334519073e-3)
_C3, _C4, _C5 = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)
_SMALLEST, _LARGEST = np.float32(-87.33), np.float32(88.37)
_HALF, _ONE = np.float32(0.5), np.float32(1)


@register_jitable
def _exp32(x):
    # comparisons written so that NaN passes through both
    x = _SMALLEST if x < _SMALLEST else x
    x = _LARGEST if x > _LARGEST else x
    n = np.floor(x * _LOG2_E + _HALF)
    r = x - n * _LN2_HIGH
    r = r - n * _LN2_LOW
    p = ((((_C0 * r + _C1) * r + _C2) * r + _C3) * r + _C4) * r + _C5
    p = p * r * r + r + _ONE
    bits = (np.int32(n) + np.int32(127)) << np.int32(23)
    return p * _float32_from_bits(bits)  # type: ignore[call-arg]  # an intrinsic


def exp(x: float) -> float:
    """e to the x inside a kernel, in the precision of `x`.

    In single precision a range reduction and a polynomial (Cephes ``expf``; relative error below 3e-7 for
    ``-87 < x < 88``, clamped outside, NaN stays NaN), which the compiler vectorises: 0.4 ns an element where the library
    call takes 4. In double precision the library call.
    """
    raise TypeError("exp is compiled: call it inside a kernel, or use numpy.exp")


@overload(exp, jit_options={"fastmath": FLAGS["fastmath"]})
def _exp(x):
    if x == types.float32:
        return lambda x: _exp32(x)
    return lambda x: np.exp(x)


# ---------------------------------------------------------------------------------------------------- cache on disk


def _source_digest() -> str:
    """Hash of this package's sources: Numba notices a change in the entry point's own file only."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _cache_folder(digest: str):
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
