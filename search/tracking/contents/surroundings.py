"""What a study runs with: versions of packages, and the machine."""

from __future__ import annotations

import math
import os
import platform
import re
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bpmodel.names.visible import visible
from bpmodel.network.machine import memory

PACKAGES = ("numpy", "scipy", "scikit-learn", "numba", "optuna", "mlflow")
"""Packages that scores and weights depend on, or that wrote them."""

CPU_INFO, MODEL = Path("/proc/cpuinfo"), re.compile(r"^model name\s*: (.+)$", re.MULTILINE)
MOST_CHARACTERS = 1 << 16
"""Characters read of the description of the processors: that of the first is enough."""


def tags() -> dict[str, str]:
    """Return the tags of the parent run; no program is started, and no package imported, to know them."""
    return {f"version.{name}": text for name, text in versions()} | {f"hardware.{name}": t for name, t in hardware()}


def versions() -> Iterator[tuple[str, str]]:
    """Return the versions of Python, of this product, and of `PACKAGES`."""
    from bpsearch import __version__  # the module of all public names, which is above this one

    yield "python", platform.python_version()
    yield "bpsearch", __version__
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            yield name, version(name)


def hardware() -> Iterator[tuple[str, str]]:
    """Return processor, cores and memory that this process may use, and system.

    >>> [name for name, _ in hardware()]
    ['cpu', 'cores', 'memory', 'platform']
    """
    yield "cpu", visible(_cpu())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield "cores", str(cores)
    usable = memory()
    yield "memory", f"{usable / 2**30:.1f} GiB" if math.isfinite(usable) else "unknown"
    yield "platform", visible(f"{platform.system()} {platform.release()} {platform.machine()}")


def _cpu() -> str:
    with suppress(OSError), CPU_INFO.open(encoding="utf-8", errors="replace") as file:
        if found := MODEL.search(file.read(MOST_CHARACTERS)):
            return found[1].strip()
    return platform.machine()
