"""Which versions of Numba have the internals that this folder builds on.

The modules that use Numba's internals only make compiling and loading faster. Each has a fallback that uses Numba's public API
and computes the same. `reach` decides between the two.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numba

FIRST, LAST = (0, 63), (0, 68)
"""The oldest and the newest tested version. To add a version, install it, set `LAST` and run all tests."""

NEEDS_RUNTIME_ALONE = ((0, 68),)
"""Versions in which loaded machine code needs only Numba's runtime, as tests have shown (`machine_code`)."""


def usable() -> bool:
    """Whether this version of Numba is between `FIRST` and `LAST`."""
    return FIRST <= numba.version_info.short <= LAST


def needs_runtime_alone() -> bool:
    """Whether machine code can be loaded without initializing Numba's compiler."""
    return numba.version_info.short in NEEDS_RUNTIME_ALONE


def reach(module: str) -> Any:
    """Import a module of this folder that uses Numba's internals; return None if this version of Numba is unknown."""
    if not usable():
        return None
    try:
        return import_module(f"bpmodel.compiler.{module}")
    except (ImportError, AttributeError):
        return None
