"""The two ways in: standard input and output of this process, and HTTP on this machine, for whoever has the service's token."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import anyio
import uvicorn
from mcp.server import Server
from mcp.server.stdio import stdio_server

from search.errors import NoStudyError, StudyError
from search.service.desk import Desk
from search.service.place import Place
from search.service.queue import Queue, Queued
from search.tracking import stores
from search.tracking.ui.gate import Answer, Application, Gate, Scope
from search.tracking.ui.server import bound

ADDRESS = "127.0.0.1"
PATH = "/mcp"
MOST_BYTES = 1_000_000
"""Bytes of a request."""

FAREWELL_SECONDS = 3
UNKNOWN = "401: the token of the service is needed, as Authorization: Bearer; its file is studies/service/token.\n"


class NoQueue(Queue):
    """The queue of a folder to which no study was ever submitted: only to read, it makes no file."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def all(self, *states: str) -> list[Queued]:
        """Return that there are none."""
        return []

    def find(self, name: str) -> None:
        """Return None."""

    def get(self, name: str) -> Queued:
        """Raise NoStudyError."""
        raise NoStudyError(f"there is no study {name!r} in the queue, which is empty")

    def close(self) -> None:
        """Do nothing."""


def desk_of(place: Place, *, write: bool) -> Callable[[], Desk]:
    """Return what returns the desk of a folder. Nothing is made in a folder that is only read."""
    known: list[Desk] = []

    def desk() -> Desk:
        made = write or place.exists
        if not known or (made and isinstance(known[0].queue, NoQueue)):
            known[:] = [Desk(Queue(place) if made else NoQueue(place), stores.answering_uri)]
        return known[0]

    return desk


def stdio(server: Server[Any]) -> None:
    """Serve this process's standard input and output until the input ends. What else is printed goes to the error stream."""

    async def serve() -> None:
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())

    anyio.run(serve)


class TokenGate(Gate):
    """The gate with words of its own for whoever has no token."""

    def answer(self, scope: Scope) -> Answer | None:
        """Return what the gate answers; None if the request may pass."""
        found = super().answer(scope)
        return found._replace(text=UNKNOWN) if found is not None and found.status == 401 else found


def application(server: Server[Any], port: int, token: str) -> Application:
    """Return the server as an ASGI application that lets in whoever has the token."""
    behind = server.streamable_http_app(
        streamable_http_path=PATH, json_response=True, stateless_http=True, max_request_body_size=MOST_BYTES
    )
    return TokenGate(behind, port, token)


def listen(port: int) -> socket.socket:
    """Return a socket that listens on a port of this machine only.

    Raises
    ------
    StudyError
        If it is in use, or needs more rights.
    """
    try:
        return bound(port)
    except OSError as error:
        raise StudyError(
            f"--http {port}: {str(error.strerror).lower()}; allowed are free ports, such as 8766"
        ) from None


def http(server: Server[Any], listening: socket.socket, token: str) -> None:
    """Serve HTTP until the process is told to stop.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C.
    """
    config = uvicorn.Config(
        application(server, listening.getsockname()[1], token),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=FAREWELL_SECONDS,
    )
    with listening:
        uvicorn.Server(config).run(sockets=[listening])
