"""The versions that the numbers of a study depend on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from bpsearch import __version__

PACKAGES = ("numpy", "scipy", "scikit-learn", "numba", "optuna", "mlflow")


def versions_here() -> dict[str, str]:
    """Return the versions of this program, Python and the libraries.

    >>> list(versions_here())[:3]
    ['bpsearch', 'Python', 'numpy']
    """
    found = {"bpsearch": __version__, "Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # installed under another name, as a part of a larger one
            continue
    return found
