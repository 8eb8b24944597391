"""The cache of machine code on disk: its folders, its key, and safe reading and writing.

The file name is a hash of everything that determines the machine code: the sources of the folders that contain kernels, the
registered rows, the versions of Python, Numba and NumPy, the processor, the function and its argument types. The path of the
sources is not part of the key. A copy of the code, for example one shipped with a model from a server, therefore finds the same
machine code.

Loading machine code means running it. A file is used only if it is complete and nobody except this user and root could have
written it; any other file counts as missing. Where no folder can be used, every process compiles everything.
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
    """Return the candidate cache folders: NUMBA_CACHE_DIR, or else the user's cache folder; then a temporary folder."""
    if not source_digest():
        return []
    return [base / source_digest() for base in _bases() if _is_safe(base) and _is_safe(base / source_digest())]


def _bases() -> Iterator[Path]:
    chosen = numba.config.CACHE_DIR or os.environ.get("XDG_CACHE_HOME")  # type: ignore[attr-defined]
    with suppress(RuntimeError):  # no home
        yield Path(chosen or Path.home() / ".cache") / "bpmodel"
    with suppress(OSError):  # no temporary folder
        yield Path(tempfile.gettempdir()) / f"bpmodel-{os.geteuid() if hasattr(os, 'geteuid') else 'cache'}"


def _is_safe(folder: Path) -> bool:
    """Whether only this user and root can write to the folder; creates it if it is missing."""
    try:
        folder.mkdir(mode=0o700 if folder.parent == Path(tempfile.gettempdir()) else 0o755, parents=True, exist_ok=True)
        status = folder.stat()
        if hasattr(os, "geteuid") and status.st_uid == os.geteuid() and status.st_mode & 0o022:
            folder.chmod(status.st_mode & 0o755)  # our own folder, created with a permissive umask
            status = folder.stat()
    except OSError:
        return False
    return _only_ours(status)


def _only_ours(status: os.stat_result) -> bool:
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o022


def read(name: str) -> bytes | None:
    """Return the content of a cache file, or None unless it is complete and nobody else could have written it."""
    content = find(name)
    if content is None:
        return None
    used.add(name)
    return content[CHECKSUM:]


def find(name: str) -> bytes | None:
    """Return a cache file as it is on disk, with its checksum, on the same terms as `read`."""
    for folder in [*folders(), *_shipped()]:
        try:
            with open(folder / name, "rb") as file:
                content = file.read() if _only_ours(os.fstat(file.fileno())) else b""
        except OSError:
            continue
        if len(content) > CHECKSUM and hashlib.sha256(content[CHECKSUM:]).digest() == content[:CHECKSUM]:
            return content
    return None


def _shipped() -> list[Path]:
    """Return the folder of machine code that came with these sources, if there is one as safe as the sources."""
    folder = PACKAGE / SHIPPED / source_digest()
    try:
        return [folder] if source_digest() and _only_ours(folder.stat()) else []
    except OSError:
        return []


def write(name: str, content: bytes) -> None:
    """Save content under a name in the first folder that accepts it, if any."""
    for folder in folders():
        with suppress(OSError):
            handle, path = tempfile.mkstemp(dir=folder)
            try:
                with open(handle, "wb") as file:
                    file.write(hashlib.sha256(content).digest() + content)
                os.chmod(path, 0o644)
                os.replace(path, folder / name)
            except OSError:
                os.unlink(path)
                raise
            used.add(name)
            return
