"""What this machine has."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

try:
    import resource
except ImportError:  # there is none on Windows
    resource = None  # type: ignore[assignment]

CGROUP, MOUNT = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
"""Where Linux tells the control groups of a process, and where their folders are."""

LIMITS = ("memory.max", "memory.limit_in_bytes")
"""Files that hold the limit of a control group, of the second and the first version."""


def memory() -> float:
    """Return the bytes of memory that this process may use; infinity if the system does not say.

    That is the machine's memory, or the limit of a container, a service or a shell (``ulimit -v``) if one is smaller.
    """
    return min([_of_system(), *_of_process()])


def give_back() -> None:
    """Give memory that is free inside this process back to the system, where glibc keeps it: some 100 MB after work on arrays."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # another C library
        return


@cache
def _of_system() -> float:
    """Return the bytes of the machine and of its containers, read once: each fit asks for them."""
    return min([_physical(), *_of_groups()])


def _physical() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return float("inf")


def _of_groups() -> Iterator[float]:
    """Yield the limits of the control groups of this process, from its own to the outermost."""
    try:
        lines = CGROUP.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, kinds, name = line.split(":", 2)
        if kinds not in ("", "memory"):
            continue
        top = MOUNT / kinds
        own = top / name.lstrip("/")
        for folder in dict.fromkeys([own, *own.parents]):
            if folder == top or top in folder.parents:
                yield from _of_group(folder)


def _of_group(folder: Path) -> Iterator[float]:
    for name in LIMITS:
        try:
            yield float((folder / name).read_text(encoding="ascii").replace("max", "inf"))
        except (OSError, ValueError):
            continue


def _of_process() -> Iterator[float]:
    if resource is None:
        return
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        soft, _ = resource.getrlimit(kind)
        if soft != resource.RLIM_INFINITY:
            yield float(soft)
