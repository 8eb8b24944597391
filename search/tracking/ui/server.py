"""MLflow's UI in this process: with it, everything that serves ends."""

from __future__ import annotations

import os
import socket
import warnings
from contextlib import suppress
from typing import Any

from search.errors import StudyError
from search.tracking import library, stores
from search.tracking.ui import entrance
from search.tracking.ui.gate import Application, Gate

ADDRESS = "127.0.0.1"
UNSAFE = {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679, 6697, 10080}
"""Ports from 1024 that browsers refuse (the port blocking of the Fetch standard)."""

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # the runners of its jobs are processes of their own
}

FAREWELL_SECONDS = 3
"""How long requests that are being answered may take once the server is stopped."""


def listen(first: int) -> socket.socket:
    """Return a socket that listens on the first free port that browsers open, starting at `first`.

    It listens from now on: between a look for a free port and its use another user could take the port, and would be sent the
    token.

    Raises
    ------
    StudyError
        If browsers refuse `first`, or no port is free.
    """
    if first in UNSAFE:
        raise StudyError(f"--port {first}: browsers refuse this port; allowed are others, such as 5000")
    last = min(first + 99, 65535)
    for port in sorted({*range(first, last + 1)} - UNSAFE):
        with suppress(OSError):
            return bound(port)
    raise StudyError(f"--port {first}: no free port from {first} to {last}")


def bound(port: int, address: str = ADDRESS, family: int = socket.AF_INET) -> socket.socket:
    """Return a socket that listens on a port of an address of this machine.

    Raises
    ------
    OSError
        If it cannot.
    """
    listening = socket.socket(family)
    if os.name == "posix":  # elsewhere this option lets two programs have one port
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address, port))
        listening.listen(128)
    except BaseException:
        listening.close()
        raise
    return listening


class Server:
    """The UI of a store, behind its gate.

    Parameters
    ----------
    uri : str
        MLflow tracking URI. It stays in this process: no other user sees a password in it.
    listening : socket
        Where it serves.
    page : str, optional
        The part of the address after its path: what the browser shows first (`listing.latest`).
    open_to_all : bool, default=False
        Whether everybody who reaches the port gets in.

    Attributes
    ----------
    url : str
        The address for the browser, with the token.
    """

    def __init__(self, uri: str, listening: socket.socket, page: str = "", *, open_to_all: bool = False) -> None:
        self._uri, self._listening = uri, listening
        port = listening.getsockname()[1]
        self._gate = Gate(self._pass, port, token=None if open_to_all else "")
        self._application: Application | None = None
        token = "" if open_to_all else f"?token={self._gate.token}"
        self.url = f"http://{ADDRESS}:{port}{entrance.PATH}{token}{page}"

    def run(self) -> None:
        """Serve until the process is told to stop.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C.
        """
        import uvicorn  # before MLflow's server, which protects itself only where it sees it

        self._application = entrance.with_entrance(application(self._uri))
        # no lifespan: at its start MLflow would look for containers of its assistant
        config = uvicorn.Config(
            self._gate,
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=FAREWELL_SECONDS,
        )
        with self._listening:
            uvicorn.Server(config).run(sockets=[self._listening])

    async def _pass(self, *request: Any) -> None:
        assert self._application is not None  # it serves only in `run`
        await self._application(*request)


def application(uri: str) -> Application:
    """Return MLflow's server for a store, as an ASGI application.

    Its own command would start further processes, which go on when it is killed, and take the URI as an argument, which every
    user sees.
    """
    os.environ.update(ENVIRONMENT)
    warnings.simplefilter("ignore")  # the server's own warnings
    mlflow = library.load()
    mlflow.set_tracking_uri(uri)
    _open_store(uri)
    try:
        from mlflow.server.fastapi_app import create_fastapi_app
    except ImportError:  # not of MLflow's public interface
        return _of_flask()
    return create_fastapi_app()


def _open_store(uri: str) -> None:
    """Tell the server where experiments go that are made in the UI: beside the database, as those of studies do."""
    path = stores.database(uri)
    root = None if path is None else (path.parent / stores.ARTIFACTS).resolve().as_uri()
    try:
        from mlflow.server.handlers import initialize_backend_stores
    except ImportError:  # not of MLflow's public interface; without it the store is the one of `set_tracking_uri`
        return
    initialize_backend_stores(uri, uri, root)


def _of_flask() -> Application:
    """Return the application that MLflow documents for plug-ins, without what is served natively: jobs, traces, gateways."""
    from mlflow.server import app
    from starlette.middleware.wsgi import WSGIMiddleware

    return WSGIMiddleware(app)
