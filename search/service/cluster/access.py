"""How a scheduler is reached: its address, and the certificates of both sides."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import Any

import dask
from distributed import Client
from distributed.security import Security

from search.errors import AwayError

KILLS = 3
"""Workers that a trial may kill before it is given up."""

SETTINGS = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.worker-ttl": "60s",
    "distributed.comm.timeouts.connect": "5s",
    "distributed.worker.multiprocessing-method": "spawn",
    "distributed.logging": {"distributed": "error"},
}
"""Nothing of Dask answers over HTTP, and nothing but errors is logged. The service itself decides what runs again when a worker
has died, and a worker that has been silent for a minute counts as dead."""

FAREWELL_SECONDS = 2
"""How long a client waits for a scheduler that it leaves, which may be gone."""

CONNECT_SECONDS = 20.0
"""How long a scheduler may take to answer the first time."""

KEYS = ("tls_ca_file", "tls_client_key", "tls_client_cert")


@dataclass(frozen=True)
class Access:
    """What a client needs to reach the scheduler.

    Attributes
    ----------
    address : str
        As `tls://host:8786`.
    tls_ca_file, tls_client_key, tls_client_cert : str
        Certificates and key in PEM, or paths of files with them; empty for a connection that is not encrypted.
    """

    address: str
    tls_ca_file: str = ""
    tls_client_key: str = ""
    tls_client_cert: str = ""

    @property
    def security(self) -> Security | None:
        """The keys, for Dask: those of a client, and of a worker."""
        if not self.tls_ca_file:
            return None
        own = {"tls_worker_key": self.tls_client_key, "tls_worker_cert": self.tls_client_cert}
        return Security(require_encryption=True, **{key: getattr(self, key) for key in KEYS}, **own)

    @classmethod
    def of(cls, address: str, security: Security | None) -> Access:
        """Return the access to a scheduler whose keys Dask holds."""
        found = {key: getattr(security, key, None) for key in KEYS}
        return cls(address, **{key: value for key, value in found.items() if value})

    @classmethod
    def read(cls, given: dict[str, Any]) -> Access:
        """Return the inverse of `written`."""
        return cls(**{field.name: str(given[field.name]) for field in fields(cls)})

    def written(self) -> dict[str, str]:
        """Return it as plain data."""
        return asdict(self)


@contextmanager
def connected(access: Access) -> Iterator[Client]:
    """Connect to a cluster during the body.

    Raises
    ------
    AwayError
        If nothing answers there, or the certificates are not of one set.
    """
    dask.config.set(SETTINGS)
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # a scheduler that goes is told in a line of ours
    try:
        client = Client(access.address, security=access.security, set_as_default=False, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TypeError) as error:
        raise AwayError(f"the scheduler {access.address} cannot be reached: {_first_line(error)}") from None
    try:
        yield client
    finally:
        client.close(timeout=FAREWELL_SECONDS)


def _first_line(error: Exception) -> str:
    cause = error.__cause__ or error
    return next(iter(str(cause).splitlines()), "") or type(cause).__name__
