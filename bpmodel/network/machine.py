"""What this machine has."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

try:
    import resource
except ImportError:  # there is none on Windows
    resource = None  # type: ignore[assignment]

GROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where Linux tells a container how much memory it may have: in the two versions of control groups."""


def memory() -> float:
    """Return the bytes of memory that this process may have: of the machine, its container and its own limits.

    Infinity if the system does not say.
    """
    return min([_of_system(), *_limits()])


@cache
def _of_system() -> float:
    """Return the bytes of the machine and of its container, read once: each fit asks for them."""
    return min(_physical(), *map(_of_group, GROUPS))


def _physical() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return float("inf")


def _of_group(path: str) -> float:
    try:
        return float(Path(path).read_text(encoding="ascii"))
    except (OSError, ValueError):  # "max" is no limit
        return float("inf")


def _limits() -> list[float]:
    if resource is None:
        return []
    found = (resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    return [float(soft) for soft in found if soft != resource.RLIM_INFINITY]
