"""`bpsearch ui`: open the MLflow UI."""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

from search.arguments import whole_number
from search.errors import StudyError

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "open the MLflow UI on 127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=whole_number("port", 65535), default=5000, help="port (default: 5000, or the next free one)"
    )


def run(options: argparse.Namespace, console: Output) -> int:
    from search import tracking

    uri = tracking.default_uri()
    tracking.check(uri)
    if uri.startswith("http"):
        console.print(f"MLflow is served at {uri}")
        return 0
    port = _free_port(options.port)
    console.print(f"MLflow UI: http://127.0.0.1:{port}  (Ctrl-C stops it)")
    sys.stdout.flush()
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")  # the server's own warnings, which are repeated several times
    server = ["-m", "mlflow", "ui", "--backend-store-uri", uri, "--host", "127.0.0.1", "--port", str(port)]
    return _become([sys.executable, *server])


def _become(command: list[str]) -> int:
    """Replace this process by a command."""
    if os.name == "nt":  # there `execv` starts another process, and the shell does not wait for it
        return subprocess.call(command)
    os.execv(command[0], command)


def _free_port(first: int) -> int:
    """Return the first free port, starting at `first`."""
    last = min(first + 99, 65535)
    for port in range(first, last + 1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise StudyError(f"--port {first}: no free port from {first} to {last}")
