"""The versions that the numbers of a study depend on."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from bpsearch import __version__

PACKAGES = ("numpy", "scipy", "scikit-learn", "numba", "optuna", "mlflow")


def versions_here() -> dict[str, str]:
    """Return the versions of this program, Python and the libraries.

    >>> list(versions_here())[:3]
    ['bpsearch', 'Python', 'numpy']
    """
    return {"bpsearch": __version__, "Python": platform.python_version(), **_of_packages()}


@cache
def _of_packages() -> Mapping[str, str]:
    """Return the versions of the libraries, which are read once: that takes longer than a small search."""
    found = {}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):  # installed under another name, as a part of a larger one
            found[package] = version(package)
    return found
