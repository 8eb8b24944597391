"""Where the service of a folder listens, and the token of whoever started it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from urllib.parse import urlsplit

from search.files import writing
from search.service.connection import LOOPBACK, START, ServiceError, checked

MOST_BYTES = 4096
"""Bytes of the files with the address and the token."""


def found(url: str | None, token: str | None) -> tuple[str, str]:
    """Return address and token of the service of the current folder, where they are not given.

    The token of this folder is sent to no other service than its own.

    Raises
    ------
    ServiceError
        If there is no such service, or the token of another one is missing.
    """
    if url is not None and token is not None:
        return url, token
    from search.service.place import Place  # late: it takes seconds to import

    own = address(Place().address)
    if own is None and url is None:
        raise ServiceError(f"no service runs in this folder; {START}, or name one by url= and token=")
    if token is None and url not in (None, own):
        raise ServiceError("token: it is needed for a service that is not this folder's; whoever runs it makes one")
    return url or str(own), secret(Place().token) if token is None else token


def address(path: Path) -> str | None:
    """Return the address that a service has written to a file; None if none runs.

    Raises
    ------
    ServiceError
        If it leads to another machine: a folder may come from somebody else, and files are sent there.
    """
    text = _content(path)
    if text is None:
        return None
    url = checked(text)
    if urlsplit(url).hostname not in LOOPBACK:
        raise ServiceError(f"{path}: allowed are addresses of this machine; name another service by url= and token=")
    return url


def secret(path: Path) -> str:
    """Return the token of whoever started the service.

    Raises
    ------
    ServiceError
        If there is none, or others can read it.
    """
    text = _content(path, private=True)
    if not text:
        raise ServiceError(f"{path}: there is no token; {START}, or give one by token=")
    return text


def _content(path: Path, *, private: bool = False) -> str | None:
    """Return the only line of a small file; None if there is none."""
    try:
        with open(writing.opened_to_read(path), "rb") as file:
            status = os.fstat(file.fileno())
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ServiceError(f"{path} cannot be read: {error.strerror}") from None
    if private and os.name == "posix" and (status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077):
        raise ServiceError(
            f"{path}: others can read this token; withdraw it, and let only its owner read it (mode 600)"
        )
    text = content.decode("utf-8", "replace").strip()
    if len(content) > MOST_BYTES or not text.isascii() or not text.isprintable() or " " in text:
        raise ServiceError(f"{path} is damaged; stop the service and {START.replace('it ', 'it again ')}")
    return text
