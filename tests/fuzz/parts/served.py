"""A real MLflow server on the loopback interface, and a proxy before it that spoils one request."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SECONDS = 180
"""Within which a server must answer."""

HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}
"""Headers that a proxy makes itself."""

FAULTS = {
    "reply lost": (True, 0),
    "refused": (False, 0),
    "500": (False, 500),
    "503": (False, 503),
    "429": (False, 429),
    "500 after the work": (True, 500),
}
"""For each fault, whether the server does the work, and the status that the client gets; 0 closes the connection."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(folder: Path, database: Path | None = None) -> Iterator[str]:
    """Run a server whose database and artifacts are in a folder; yield its address. `database` is one to begin with."""
    folder.mkdir(parents=True, exist_ok=True)
    if database is not None:
        shutil.copy(database, folder / "server.db")
    port = free_port()
    where = ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--artifacts-destination", f"{folder}/artifacts"]
    address = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    own = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")} | quiet
    with (folder / "log").open("w") as log:
        command = [sys.executable, "-P", "-m", "mlflow", "server", *where, *address]
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True, env=own)
    uri = f"http://127.0.0.1:{port}"
    try:
        _wait(uri, process, folder / "log")
        yield uri
    finally:
        stop(process)


@contextmanager
def model_server(model: str, folder: Path, **environment: str) -> Iterator[str]:
    """Serve a model as MLflow does, without an environment of its own; yield the address."""
    port, log = free_port(), folder / "log"
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", model, "--env-manager", "local"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # for uvicorn
    with log.open("w") as file:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            stdout=file,
            stderr=file,
            start_new_session=True,
            env=os.environ | {"PATH": path} | environment,
        )
    uri = f"http://127.0.0.1:{port}"
    try:
        _wait(uri, process, log, "ping")
        yield uri
    finally:
        stop(process)


def asked(uri: str, content: Any, kind: str = "application/json") -> Any:
    """Return the predictions of a model that is served, or the message of an error."""
    body = content if isinstance(content, str) else json.dumps(content)
    request = urllib.request.Request(f"{uri}/invocations", body.encode(), {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["predictions"]
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()


def stop(process: subprocess.Popen) -> None:
    """End a process that has a session of its own, and all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def _wait(uri: str, process: subprocess.Popen, log: Path, path: str = "health") -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        with suppress(OSError):
            urllib.request.urlopen(f"{uri}/{path}", timeout=5).close()
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server did not start: {log.read_text()[-500:]}")
        time.sleep(0.05)


class Proxy:
    """Passes requests on to a server, and spoils one of them.

    Attributes
    ----------
    seen : list of str
        Method and path of each request since `arm`.
    spoilt : str
        The request that was spoilt; empty if none was.
    """

    def __init__(self, target: str) -> None:
        self._target = target.removeprefix("http://")
        self._lock = threading.Lock()
        self.arm()

    def arm(self, place: int = -1, fault: str = "refused") -> None:
        """Spoil the request with this number from now on; none by default."""
        with self._lock:
            self.seen: list[str] = []
            self.spoilt, self._place, self._fault, self._down = "", place, fault, False

    def fail(self, fault: str) -> None:
        """Spoil all requests from now on, until `arm`."""
        with self._lock:
            self._fault, self._down = fault, True

    def next(self, request: str) -> tuple[bool, int | None]:
        """Return whether a request goes to the server, and the status to answer with; None for the server's own."""
        with self._lock:
            place = len(self.seen)
            self.seen.append(request)
            if place != self._place and not self._down:
                return True, None
            self.spoilt = request
            return FAULTS[self._fault]

    def ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, list, bytes]:
        """Return status, headers and body of the server's answer."""
        connection = HTTPConnection(self._target, timeout=120)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            method, path = self.command, self.path
            body = self._body()
            works, status = proxy.next(f"{method} {path.partition('?')[0]}")
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
            told: tuple[int, list, bytes] = (status or 0, [], b"{}")
            if works:
                try:
                    told = proxy.ask(method, path, body, headers)
                except (OSError, HTTPException):
                    self.close_connection = True
                    return
            if status == 0:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self._send(*(told if status is None else (status, [], b"{}")))

        def _body(self) -> bytes:
            if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _send(self, status: int, headers: list, body: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815 - the names of http.server

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:  # a client that was killed
        pass


@contextmanager
def proxied(target: str) -> Iterator[tuple[str, Proxy]]:
    """Run a proxy before a server; yield its address and the proxy."""
    proxy = Proxy(target)
    front = _Quiet(("127.0.0.1", 0), _handler(proxy))
    thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{front.server_port}", proxy
    finally:
        front.shutdown()
        front.server_close()
        thread.join()
