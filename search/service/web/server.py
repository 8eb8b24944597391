"""The web server of a service: its HTTP interface, its page, and MLflow's UI behind the same tokens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio

from search.errors import StudyError
from search.files import writing
from search.service.api import sources
from search.service.api.app import application
from search.service.desk import Desk
from search.service.external.asking import Asking
from search.service.limits import Limits
from search.service.tokens import Tokens, find
from search.service.web.listening import Listening
from search.tracking import stores
from search.tracking.ui import server as mlflow
from search.tracking.ui.gate import LOOPBACK, Application, Receive, Scope, Send

FAREWELL_SECONDS = 3
"""How long requests that are being answered may take once the service is stopped."""

LOOK_SECONDS = 0.5
"""Seconds between two looks whether it still serves."""

PROXIES = sorted(LOOPBACK - {"localhost"})
"""Whose word on a client's address counts behind a proxy: programs of this machine, whatever the environment says."""

NOT_YET = b"There are no studies in MLflow yet.\n"


class LateMLflow:
    """MLflow's server, made when somebody asks for it first: it takes seconds, and memory.

    Parameters
    ----------
    uri : str
        MLflow tracking URI: a database.
    """

    def __init__(self, uri: str) -> None:
        self._uri, self._lock = uri, threading.Lock()
        self._made: Application | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        made = self._made or await anyio.to_thread.run_sync(self._make)
        if made is not None:
            await made(scope, receive, send)
            return
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(NOT_YET))]
        await send({"type": "http.response.start", "status": 404, "headers": headers})
        await send({"type": "http.response.body", "body": NOT_YET})

    def _make(self) -> Application | None:
        path = stores.database(self._uri)
        with self._lock:
            if self._made is None and path is not None and path.exists():
                self._made = mlflow.application(self._uri)
            return self._made


class WebServer:
    """The web server of a service.

    Parameters
    ----------
    desk : Desk
    asking : Asking
    listening : Listening
    shared : Path, optional
        The folder whose files studies may name.
    limits : Limits, optional

    Attributes
    ----------
    url : str
        The address for programs on this machine.
    link : str
        The address for a browser, with the token of whoever started the service; empty unless the token is new.

    Raises
    ------
    StudyError
        If it may not listen there, or cannot.
    """

    def __init__(
        self,
        desk: Desk,
        asking: Asking,
        listening: Listening,
        shared: Path | None = None,
        limits: Limits | None = None,
    ) -> None:
        place, tokens = desk.place, Tokens(desk.queue)
        if shared is not None:
            sources.check_shared(shared, place)
        is_first = not place.token.exists()
        tokens.of_owner(place)
        listening.check(tokens)
        self._listening, self._socket, self._place = listening, listening.opened(), place
        host = "127.0.0.1" if listening.host in ("0.0.0.0", "::") else listening.host
        port = self._socket.getsockname()[1]
        self.url = f"{listening.scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        self.link = f"{self.url}/?token={find(place)}" if is_first else ""
        self._limits = Limits() if limits is None else limits
        uri = stores.default_uri()
        behind = LateMLflow(uri) if stores.database(uri) is not None else None
        self._application = application(
            desk, tokens, self._limits, hosts=listening.hosts, shared=shared, mlflow=behind, asking=asking
        )

    def run(self, needed: Callable[[], bool] = lambda: True) -> None:
        """Serve until the process is told to stop, or `needed` says that nobody runs what is served.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C.
        StudyError
            If it ends by itself.
        """
        import uvicorn  # before MLflow's server, which protects itself only where it sees it

        from search.service.web import patience

        listening = self._listening
        config = uvicorn.Config(
            self._application,
            http=patience.limited(self._limits),  # a faster one that may be installed has no limit on headers
            ws="none",
            log_level="error",  # warnings are of what clients send: anybody could fill the disk with them
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=listening.behind_proxy,
            forwarded_allow_ips=PROXIES,
            ssl_certfile=listening.certificate,
            ssl_keyfile=listening.key,
            timeout_graceful_shutdown=FAREWELL_SECONDS,
            h11_max_incomplete_event_size=64 * 1024,
        )
        serving = uvicorn.Server(config)
        # in a thread: in the main one it would take over the signals of the command
        thread = threading.Thread(target=serving.run, kwargs={"sockets": [self._socket]}, name="web", daemon=True)
        with self._socket, self._told():
            thread.start()
            try:
                while thread.is_alive() and needed():
                    thread.join(LOOK_SECONDS)
                by_itself = not thread.is_alive()
            finally:
                serving.should_exit = True
                thread.join()
        if by_itself:
            raise StudyError("the web server has ended; its reason stands above")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Write down during the body where the service listens, for commands and clients in this folder."""
        writing.write(self._place.address, f"{self.url}\n".encode())
        try:
            yield
        finally:
            self._place.address.unlink(missing_ok=True)
