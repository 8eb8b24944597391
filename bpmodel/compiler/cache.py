"""The cache of machine code on disk: its folders, its key, and safe reading and writing.

The file name is a hash of everything that determines the machine code: the sources of the folders that contain kernels, the
registered rows, the versions of Python, Numba and NumPy, the processor, the function and its argument types. The path of the
sources is not part of the key. A copy of the code, for example one shipped with a model from a server, therefore finds the same
machine code.

Loading machine code means running it. A file is used only if it is complete and nobody else could have written it (`trust`); any
other file counts as missing. Where no folder can be used, every process compiles everything.
"""

from __future__ import annotations

import hashlib
import os
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import numba
import numpy as np

from bpmodel.compiler import trust

COMPILED = ("compiler", "functions", "network", "full_batch")
"""The folders of this package that hold kernels."""

PACKAGE = Path(__file__).parents[1]

SHIPPED = "machine_code"
"""The folder of a copy of this package for machine code that came with it; `shipping` writes it."""

CHECKSUM = 32
"""Bytes of the checksum that a file begins with."""

used: set[str] = set()
"""Names of the files that this process has read or written."""


@cache
def source_digest() -> str:
    """Hash of the sources of compiled code and of the compiler versions; empty if the source files do not exist."""
    return digest_of(PACKAGE)


def digest_of(package: Path) -> str:
    """Return the digest of the package in a folder."""
    paths = [path for folder in COMPILED for path in sorted(package.joinpath(folder).rglob("*.py"))]
    if not paths:
        return ""
    versions = (numba.__version__, np.__version__, sysconfig.get_config_var("SOABI"))
    digest = hashlib.sha256(repr(versions).encode())
    for path in paths:
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def folders() -> list[Path]:
    """Return the cache folders that are safe: one that was chosen or the user's cache folder, and a temporary one."""
    safe = []
    for base in _bases():
        with trust.made(base, source_digest()) as place:
            if place is not None:
                safe.append(place.path)
    return safe


def _bases() -> Iterator[Path]:
    """The environment alone says where. Numba's own setting may come from a file of the current folder, `.numba_config.yaml`.

    A relative path would mean the current folder as well: it counts as not set, as the standard for XDG_CACHE_HOME has it.
    """
    if not source_digest():
        return
    for chosen in (os.environ.get("NUMBA_CACHE_DIR"), os.environ.get("XDG_CACHE_HOME"), _home()):
        if chosen and os.path.isabs(chosen):
            yield Path(chosen) / "bpmodel"
            break
    with suppress(OSError):  # no temporary folder
        temporary = Path(tempfile.gettempdir())
        if temporary.is_absolute() and temporary != Path.cwd():  # the last resort of `tempfile` is the current folder
            yield temporary / f"bpmodel-{os.geteuid() if hasattr(os, 'geteuid') else 'cache'}"


def _home() -> str:
    """Return the user's cache folder; empty without a home. Python takes an empty HOME for the root of the file system."""
    if os.environ.get("HOME") == "":
        return ""
    try:
        return str(Path.home() / ".cache")
    except (RuntimeError, KeyError):
        return ""


def read(name: str) -> bytes | None:
    """Return the content of a cache file, or None unless it is complete and nobody else could have written it."""
    content = find(name)
    if content is None:
        return None
    used.add(name)
    return content[CHECKSUM:]


def find(name: str) -> bytes | None:
    """Return a cache file as it is on disk, with its checksum, on the same terms as `read`."""
    digest = source_digest()
    places = [trust.made(base, digest) for base in _bases()]
    if digest:
        places.append(trust.found(PACKAGE / SHIPPED / digest))
    for opening in places:
        with opening as place:
            content = None if place is None else place.read(name)
        if content is not None and hashlib.sha256(content[CHECKSUM:]).digest() == content[:CHECKSUM]:
            return content
    return None


def write(name: str, content: bytes) -> None:
    """Save content under a name in the first folder that accepts it, if any."""
    for base in _bases():
        with trust.made(base, source_digest()) as place, suppress(OSError):
            if place is not None:
                place.write(name, hashlib.sha256(content).digest() + content)
                used.add(name)
                return
