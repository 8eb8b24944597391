"""Where a service listens, and whether it may: on another address than this machine's own only with tokens and TLS."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from search.errors import StudyError
from search.service.tokens import Tokens, is_local
from search.tracking.ui.gate import LOOPBACK
from search.tracking.ui.server import UNSAFE, bound

DEFAULT_PORT = 8000
FURTHER = 99
"""Ports after the default one that are tried."""

HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")
"""How a name is written in a request; one with other letters has been encoded (IDNA)."""


@dataclass(frozen=True)
class Listening:
    """How a service is reached.

    Attributes
    ----------
    host : str
        The address that it listens on.
    port : int or None
        None for the first free one from `DEFAULT_PORT` on.
    names : tuple of str
        Names and addresses under which others reach it.
    certificate, key : Path, optional
        Files of its certificate, with the chain, and of the private key.
    behind_proxy : bool
        Whether another server on this machine or network ends TLS.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    behind_proxy: bool = False
    is_local: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_local", self.host in LOOPBACK)

    @property
    def scheme(self) -> str:
        """The scheme of its address."""
        return "http" if self.certificate is None else "https"

    @property
    def hosts(self) -> list[str]:
        """Hosts of requests that are for it, beside those of this machine."""
        anywhere = {"0.0.0.0", "::"}
        return sorted({*self.names, *([] if self.host in anywhere else [self.host])})

    def check(self, tokens: Tokens) -> None:
        """Check that the service may listen there.

        Raises
        ------
        StudyError
            If it is not for this machine alone and lacks tokens or TLS, or its files or names cannot be used.
        """
        if (self.certificate is None) != (self.key is None):
            given, other = ("--certificate", "--key") if self.key is None else ("--key", "--certificate")
            raise StudyError(f"{given} needs {other}, too")
        if self.certificate is not None:
            _check_files(self.certificate, self.key)
        for name in self.names:
            _check_name(name)
        if self.is_local and not self.behind_proxy:
            return
        if not self.is_local and self.certificate is None and not self.behind_proxy:
            raise StudyError(
                f"--host {self.host}: others could read tokens on the way; allowed are 127.0.0.1, --certificate with --key, "
                "and --behind-proxy if another server ends TLS"
            )
        if all(is_local(token.name) or token.withdrawn is not None for token in tokens.all()):
            where = f"--host {self.host}" if not self.is_local else "--behind-proxy"
            raise StudyError(f"{where}: there are no tokens for others yet; make one with: bpsearch token make NAME")
        if not self.hosts:
            raise StudyError(
                f"--host {self.host}: name what others call this service, such as --names search.example.org; requests for "
                "other names are refused"
            )

    def opened(self) -> socket.socket:
        """Return a socket that listens.

        Raises
        ------
        StudyError
            If the port is in use, or needs more rights.
        """
        if self.port is not None:
            return _bound(self.host, self.port)
        for port in range(DEFAULT_PORT, DEFAULT_PORT + FURTHER):
            try:
                return _bound(self.host, port)
            except StudyError as error:
                last = error
        raise last


def _bound(host: str, port: int) -> socket.socket:
    if port in UNSAFE:
        raise StudyError(f"--port {port}: browsers refuse this port; allowed are others, such as {DEFAULT_PORT}")
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    except ValueError:
        if host != "localhost":
            raise StudyError(
                f"--host {host}: allowed are addresses of this machine, such as 127.0.0.1 and 0.0.0.0"
            ) from None
        family = socket.AF_INET
    try:
        return bound(port, host, family)
    except OSError as error:
        raise StudyError(f"--port {port}: {str(error.strerror).lower()}; allowed are free ports on {host}") from None


def _check_name(name: str) -> None:
    """Check that a browser could send a name as that of a host: without scheme, port and path."""
    try:
        is_host = f"{ipaddress.ip_address(name)}" == name.lower()
    except ValueError:
        is_host = HOST.fullmatch(name) is not None
    if not is_host:
        raise StudyError(
            f"--names {name}: allowed are names and addresses alone, such as search.example.org and 10.0.0.7"
        )


def _check_files(certificate: Path, key: Path | None) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise StudyError(f"--certificate {certificate}, --key {key}: cannot be used: {reason}") from None


def _no_password() -> str:
    raise ValueError("the key has a password; allowed are keys without one, which only you can read")
