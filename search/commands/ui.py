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

UNSAFE = {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, *range(6665, 6670), 6679, 6697, 10080}
"""Ports from 1024 that browsers refuse (the port blocking of the Fetch standard)."""

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # half a dozen processes for language models
    "PYTHONWARNINGS": "ignore",  # the server's own warnings, which are repeated several times
}
"""Variables of the server's environment; those that are set already stay."""

STORE = "MLFLOW_BACKEND_STORE_URI"
"""The variable in which the server looks for its store, which may hold a password."""

HELP = "open the MLflow UI on 127.0.0.1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=whole_number("port", 65535), default=5000, help="port (default: 5000, or the next free one)"
    )


def run(options: argparse.Namespace, console: Output) -> int:
    from search import tracking
    from search.tables.secrets import masked

    uri = tracking.default_uri()
    path = tracking.database(uri)
    if path is not None and not path.exists():
        raise StudyError(f"{path}: there are no studies in this folder yet; run one with bpsearch tune")
    tracking.check(uri)
    if uri.startswith("http"):
        console.print(f"MLflow is served at {masked(uri)}")
        return 0
    port = _free_port(options.port)
    console.print(f"MLflow UI: http://127.0.0.1:{port}  (Ctrl-C stops it)")
    sys.stdout.flush()
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    os.environ[STORE] = uri  # not an argument: those of a process are there for all users of the machine to read
    where = ["--host", "127.0.0.1", "--port", str(port)]
    one_person = ["--workers", "1", "--uvicorn-opts", "--log-level warning"]
    return _become([sys.executable, "-m", "mlflow", "ui", *where, *one_person])


def _become(command: list[str]) -> int:
    """Replace this process by a command."""
    if os.name == "nt":  # there `execv` starts another process, and the shell does not wait for it
        return subprocess.call(command)
    os.execv(command[0], command)


def _free_port(first: int) -> int:
    """Return the first free port that browsers open, starting at `first`.

    Raises
    ------
    StudyError
        If browsers refuse `first`, or no port is free.
    """
    if first in UNSAFE:
        raise StudyError(f"--port {first}: browsers refuse this port; allowed are others, such as 5000")
    last = min(first + 99, 65535)
    for port in sorted({*range(first, last + 1)} - UNSAFE):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise StudyError(f"--port {first}: no free port from {first} to {last}")
