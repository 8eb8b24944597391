"""Who may use the service: tokens, of which only a hash is kept, and what each is for."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from search.errors import StudyError
from search.files import writing
from search.service.limits import Limits
from search.service.place import Place
from search.service.queue import Queue
from search.service.schema import row_of, tokens
from search.spelling import did_you_mean

READ, SUBMIT, ADMIN = "read", "submit", "admin"

SCOPES = {
    READ: "see all studies and their results, and predict with their models",
    SUBMIT: "besides, upload tables and submit studies; pause, resume, cancel and change its own",
    ADMIN: "all of that for the studies of all, tokens, and MLflow",
}
"""What a token is for: each scope has those before it."""

BYTES = 32
"""Bytes of a token: none is found by trying."""

LOCAL = "local"
"""The name of the token of whoever started the service."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
NAMES_ALLOWED = "allowed are up to 64 letters, digits, '.', '_' and '-', beginning with a letter or digit"


class NoTokenError(StudyError):
    """There is no such token."""


@dataclass(frozen=True)
class Token:
    """A token, without its secret.

    Attributes
    ----------
    name : str
        Whose it is: the owner of the studies that are submitted with it.
    scope : str
        A row of `SCOPES`.
    quota : int
        Studies of it that may be queued or run.
    made, withdrawn : float
        In seconds since 1970.
    """

    name: str
    scope: str
    quota: int
    made: float
    withdrawn: float | None = None

    def may(self, scope: str) -> bool:
        """Return whether it is good for what needs a scope.

        >>> Token("ann", "submit", 1, 0.0).may("read"), Token("ann", "submit", 1, 0.0).may("admin")
        (True, False)
        """
        order = list(SCOPES)
        return order.index(self.scope) >= order.index(scope)


class Tokens:
    """The tokens of a service.

    Parameters
    ----------
    queue : Queue
        Whose database they are in.
    clock : callable
        Returns seconds since 1970.
    """

    def __init__(self, queue: Queue, clock: Callable[[], float] = time.time) -> None:
        self._queue, self._clock = queue, clock

    def make(self, name: str, scope: str = SUBMIT, quota: int | None = None) -> str:
        """Make a token and return it: it is told only here. The name of one that was withdrawn may be used again.

        Raises
        ------
        StudyError
            If there is a token of this name, or the name, scope or quota is not allowed.
        """
        quota = Limits.queued if quota is None else quota
        _check(name, scope, quota)
        if is_local(name):
            raise StudyError(f"name = {name!r} is that of whoever started the service; choose another name")
        return self._made(name, scope, quota, again=False)

    def all(self) -> list[Token]:
        """Return all tokens, those that were withdrawn included, by name."""
        with self._queue.reading() as connection:
            return [_token(row) for row in connection.execute(select(tokens).order_by(tokens.c.name)).mappings()]

    def withdraw(self, name: str) -> Token:
        """Withdraw a token: it is good for nothing from now on. Its studies stay as they are.

        Raises
        ------
        NoTokenError
            If there is none of this name.
        """
        with self._queue.changing() as connection:
            if (row := row_of(connection, tokens, name=name)) is None:
                raise _unknown(connection, name)
            if row["withdrawn"] is None:
                connection.execute(update(tokens).where(tokens.c.id == row["id"]).values(withdrawn=self._clock()))
            return _token(row_of(connection, tokens, name=name))

    def known(self, secret: str) -> Token | None:
        """Return the token that a client has sent; None if it is none, or was withdrawn."""
        with self._queue.reading() as connection:
            row = row_of(connection, tokens, digest=digest(secret), withdrawn=None)
        return None if row is None else _token(row)

    def holder(self, name: str) -> Token | None:
        """Return the token of a name; None if there is none, or it was withdrawn."""
        with self._queue.reading() as connection:
            row = row_of(connection, tokens, name=name, withdrawn=None)
        return None if row is None else _token(row)

    def of_owner(self, place: Place) -> str:
        """Return the token of whoever started the service, from its file; it is made if it is missing or no longer good."""
        try:
            secret = find(place)
        except NoTokenError:
            secret = ""
        known = self.known(secret)
        name = local_name(place)
        if known is None or known.name != name:
            secret = self._made(name, ADMIN, Limits.queued_of_all, again=True)
            writing.write(place.token, f"{secret}\n".encode(), private=True)
        return secret

    def _made(self, name: str, scope: str, quota: int, *, again: bool) -> str:
        secret = secrets.token_urlsafe(BYTES)
        row = {"digest": digest(secret), "scope": scope, "quota": quota, "made": self._clock(), "withdrawn": None}
        with self._queue.changing() as connection:
            known = row_of(connection, tokens, name=name)
            if known is None:
                connection.execute(insert(tokens).values(name=name, **row))
            elif again or known["withdrawn"] is not None:
                connection.execute(update(tokens).where(tokens.c.id == known["id"]).values(row))
            else:
                raise StudyError(f"there is a token {name!r}; withdraw it first, or choose another name")
        return secret


def is_local(name: str) -> bool:
    """Return whether a token is that of whoever started a service.

    >>> is_local("local"), is_local("local@host-1a2b3c4d"), is_local("locally")
    (True, True, False)
    """
    return name.partition("@")[0] == LOCAL


def local_name(place: Place) -> str:
    """Return the name of the token of whoever starts the service of a folder: services that share a queue have one each."""
    if place.store is None:
        return LOCAL
    folder = hashlib.sha256(str(place.folder.absolute()).encode(errors="surrogateescape")).hexdigest()[:8]
    return f"{LOCAL}@{socket.gethostname()}-{folder}"


def local(place: Place) -> str:
    """Return the token of whoever starts the service; it is made at the first start and kept in a file for this user only.

    Raises
    ------
    StudyError
        If others can read the file, or it cannot be written.
    """
    queue = Queue(place)
    try:
        return Tokens(queue).of_owner(place)
    finally:
        queue.close()


def find(place: Place) -> str:
    """Return the token of whoever started the service of a folder.

    Raises
    ------
    NoTokenError
        If no service was ever started there.
    StudyError
        If the file is not this user's, or others can read it.
    """
    path = place.token
    try:
        status = path.lstat()
    except OSError:
        raise NoTokenError(
            f"there is no {path}: no service was started in this folder; bpsearch serve starts one"
        ) from None
    if problem := writing.misfit(path, status):
        raise StudyError(f"{path} {problem}")
    if hasattr(os, "geteuid") and (status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077):
        raise StudyError(
            f"{path} can be read by others: withdraw the token local, delete the file, and start the service anew"
        )
    try:
        with open(writing.opened_to_read(path), encoding="ascii") as file:
            return file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}") from None


def digest(secret: str) -> str:
    """Return what is kept of a token: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _check(name: str, scope: str, quota: int) -> None:
    if not NAME.fullmatch(name):
        raise StudyError(f"name = {name[:80]!r}; {NAMES_ALLOWED}")
    if scope not in SCOPES:
        raise StudyError(f"scope = {scope!r}{did_you_mean(scope, list(SCOPES))}; allowed are {', '.join(SCOPES)}")
    if not 0 <= quota <= Limits.queued_of_all:
        raise StudyError(f"quota = {quota}; allowed are whole numbers from 0 to {Limits.queued_of_all}")


def _token(row: Any) -> Token:
    return Token(row["name"], row["scope"], row["quota"], row["made"], row["withdrawn"])


def _unknown(connection: Connection, name: str) -> NoTokenError:
    names = list(connection.execute(select(tokens.c.name).order_by(tokens.c.name)).scalars())
    listed = f"allowed are {', '.join(names)}" if names else "there are none yet"
    return NoTokenError(f"there is no token {name!r}{did_you_mean(name, names)}; {listed}")
