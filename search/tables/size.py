"""Whether a file fits into the memory of this machine."""

from __future__ import annotations

import os
from pathlib import Path

from search.tables.reading import UnreadableError

GIGABYTE = 1e9


def memory() -> float:
    """Return the memory of this machine in bytes; infinity if the system does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return float("inf")


def check_size(path: Path) -> None:
    """Check that a file is not larger than the memory: as a table it takes at least as much.

    Raises
    ------
    UnreadableError
        If it is larger.
    FileNotFoundError
    """
    size, limit = path.stat().st_size, memory()
    if size > limit:
        raise UnreadableError(
            f"it has {size / GIGABYTE:,.1f} GB, and this machine {limit / GIGABYTE:,.1f} GB of memory; take a sample of its rows"
        )
