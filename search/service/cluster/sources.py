"""Where the workers of a service come from: this machine, a scheduler that is there, or a cluster object of Dask."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from distributed import Client

from search.errors import StudyError
from search.service.cluster import local
from search.service.cluster.access import Access, connected
from search.service.cluster.members import Members, Needs

TLS = "tls://"

ANSWER_SECONDS = 30.0
"""How long the service waits at its start for the workers that are there to say what they are."""

ADDRESS = re.compile(r"(tls|tcp)://([^\s:/@\[\]]+|\[[0-9A-Fa-f:.%]+\]):(?P<port>[0-9]{1,5})")
"""A name, an IPv4 address, or an IPv6 address in brackets, and a port."""

MOST_PORT = 65_535

OPEN = (
    "everybody who reaches it could run programs on its workers; use tls:// (bpsearch certificates makes a set), or, on a "
    "network of your own, --unencrypted"
)


class Wanted(NamedTuple):
    """Where workers come from: one of the first three.

    Attributes
    ----------
    n_workers : int
        Processes of this machine.
    scheduler : str
        Address of a scheduler that is there.
    cluster : str
        `module:function`, which returns a cluster object of Dask.
    tls : Path, optional
        Folder with the certificates of the cluster.
    unencrypted : bool
        Whether connections may be open.
    """

    n_workers: int = 1
    scheduler: str = ""
    cluster: str = ""
    tls: Path | None = None
    unencrypted: bool = False


class Reached(NamedTuple):
    """How a cluster is reached, and what it is called."""

    access: Access
    title: str


@contextmanager
def reached(wanted: Wanted) -> Iterator[Reached]:
    """Reach the workers during the body; those that were started for it are stopped at its end.

    Raises
    ------
    StudyError
        If the cluster cannot be reached, may not be used, or has a worker with other versions.
    """
    if wanted.scheduler:
        yield _joined(given(wanted.scheduler, wanted.tls, unencrypted=wanted.unencrypted))
    elif wanted.cluster:
        made = _made(wanted.cluster)
        try:
            found = Access.of(str(made.scheduler_address), getattr(made, "security", None))
            _check_encrypted(found, wanted.unencrypted)
            yield _joined(found)
        finally:
            made.close()
    else:
        with local.started(wanted.n_workers) as (_, access):
            yield Reached(access, _workers(wanted.n_workers))


def given(address: str, tls: Path | None, *, unencrypted: bool) -> Access:
    """Return the access to a scheduler that a command names.

    Raises
    ------
    StudyError
        If it is no address, lacks certificates, or is not encrypted.
    """
    from search.service.cluster import certificates

    scheme = address.partition("://")[0]
    match = ADDRESS.fullmatch(address)
    if match is None or int(match["port"]) > MOST_PORT:
        raise StudyError(f"scheduler = {address!r}; allowed are addresses as tls://host:8786")
    if tls is not None:
        if scheme != "tls":
            raise StudyError(f"--tls is for tls://, not for {address}")
        return certificates.access(address, tls)
    found = Access.of(address, _configured()) if scheme == "tls" else Access(address)
    if scheme == "tls" and not found.tls_ca_file:
        raise StudyError(f"{address} needs certificates: --tls FOLDER, or Dask's own settings (distributed.comm.tls)")
    _check_encrypted(found, unencrypted)
    return found


def _configured() -> Any:
    from distributed.security import Security

    return Security()


def _check_encrypted(access: Access, unencrypted: bool) -> None:
    if not unencrypted and not (access.tls_ca_file and access.address.startswith(TLS)):
        raise StudyError(f"the connections to {access.address} are not encrypted: {OPEN}")


def _joined(access: Access) -> Reached:
    with connected(access) as client:
        count = n_usable(client)
    return Reached(access, f"the cluster {access.address} ({_workers(count)} now)")


def n_usable(client: Client, seconds: float = ANSWER_SECONDS) -> int:
    """Return how many workers are there, once all have said what they are, or the time is over.

    Raises
    ------
    StudyError
        If one has other versions than this process, or cannot run what it needs.
    """
    members, end = Members(client, Needs()), time.monotonic() + seconds
    try:
        count = members.n_threads
        while count < members.n_connected and time.monotonic() < end:
            if members.problems:
                raise StudyError("; ".join(members.problems))
            time.sleep(0.05)
            count = members.n_threads
        return members.n_connected
    finally:
        members.leave()


def _workers(count: int) -> str:
    return f"{count} worker{'' if count == 1 else 's'}"


def _made(named: str) -> Any:
    """Call the function that makes a cluster; its module may lie in the current folder."""
    module, _, function = named.partition(":")
    if not module or not function:
        raise StudyError(f"--cluster {named}: allowed is MODULE:FUNCTION, as in my_cluster:make")
    before = [*sys.path]
    sys.path.append(str(Path.cwd()))
    try:
        made = getattr(import_module(module), function)()
    except Exception as error:  # whatever that module raises
        reason = " ".join(str(error).split())
        raise StudyError(f"--cluster {named}: {type(error).__name__}: {reason}") from error
    finally:
        sys.path[:] = before
    if not hasattr(made, "scheduler_address"):
        raise StudyError(f"--cluster {named} returns {type(made).__name__}; allowed is a cluster of Dask")
    return made
