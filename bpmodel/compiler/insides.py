"""Which versions of Numba have the insides that this folder builds on.

What reaches into Numba makes compiling and loading faster, and nothing else depends on it: every such part has a public
fallback that computes the same. `reach` decides between the two.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numba

FIRST, LAST = (0, 63), (0, 68)
"""The oldest and the newest version that the tests passed with. To add a version, install it, set `LAST` and run all tests."""

NEEDS_RUNTIME_ALONE = ((0, 68),)
"""Versions that were found to need nothing but Numba's runtime for machine code that is loaded (`machine_code`)."""


def usable() -> bool:
    """Whether this version of Numba is between the oldest and the newest that are known."""
    return FIRST <= numba.version_info.short <= LAST


def needs_runtime_alone() -> bool:
    """Whether machine code can be loaded without Numba's getting ready to compile more."""
    return numba.version_info.short in NEEDS_RUNTIME_ALONE


def reach(module: str) -> Any:
    """Import the module of this folder that builds on Numba's insides; None where they are not what it knows."""
    if not usable():
        return None
    try:
        return import_module(f"bpmodel.compiler.{module}")
    except (ImportError, AttributeError):
        return None
