"""Where machine code is kept between processes, and under which key.

Files are named by what they were made from: the sources of the folders that compile, the rows that were registered, the
versions of Python, Numba and NumPy, the processor, the function and the types of its arguments. The path of the sources is not
part of the name: a copy of the code, such as the one that comes with a model from a server, finds the same machine code.

To load machine code is to run it. A file counts only if nobody but this user and root could have written it, and if it is
whole; any other is as good as missing. Where nothing can be kept, everything is compiled in each process.
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


@cache
def source_digest() -> str:
    """Hash of the sources that compiled code is made of, and of the versions that compile it; empty if there are no sources."""
    return digest_of(Path(__file__).parents[1])


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
    """Return the folders that machine code may lie in: what NUMBA_CACHE_DIR says, or the user's cache, then a temporary one."""
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
    """Whether a folder, which is made if it is missing, is one that only this user and root can write to."""
    try:
        folder.mkdir(mode=0o700 if folder.parent == Path(tempfile.gettempdir()) else 0o755, parents=True, exist_ok=True)
        status = folder.stat()
        if hasattr(os, "geteuid") and status.st_uid == os.geteuid() and status.st_mode & 0o022:
            folder.chmod(status.st_mode & 0o755)  # ours, made under a lax umask
            status = folder.stat()
    except OSError:
        return False
    return _only_ours(status)


def _only_ours(status: os.stat_result) -> bool:
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o022


def read(name: str) -> bytes | None:
    """Return the content of a file that is whole and that nobody else could have written, or None."""
    for folder in folders():
        try:
            with open(folder / name, "rb") as file:
                content = file.read() if _only_ours(os.fstat(file.fileno())) else b""
        except OSError:
            continue
        checksum, content = content[:32], content[32:]
        if content and hashlib.sha256(content).digest() == checksum:
            return content
    return None


def write(name: str, content: bytes) -> None:
    """Keep content under a name, in the first folder that takes it, if any."""
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
            return
