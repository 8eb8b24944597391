"""The fuzz targets of this folder, by name."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast


class Target(Protocol):
    """The interface of a target."""

    NAME: str
    GOAL: int
    SHORT: int

    def attempt(self, seed: int, number: int, folder: Path) -> str | None:
        """Make one attempt; return which fault it found."""


def targets() -> dict[str, Target]:
    """Return the modules of this folder that have a NAME."""
    package = __package__ or "tests.fuzz"
    names = [m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if m.name != "__main__"]
    modules = [import_module(f"{package}.{name}") for name in names if not name.startswith("test_")]
    found = {module.NAME: cast(Target, module) for module in modules if hasattr(module, "NAME")}
    return dict(sorted(found.items()))
