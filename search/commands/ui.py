"""`bpsearch ui`: open the MLflow UI."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from search.arguments import add_switch, whole_number
from search.errors import StudyError, one_line

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "open the MLflow UI on 127.0.0.1, for you only"
INTERRUPTED = "stopped"
SHOWS_PROGRESS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=whole_number("port", 65535), default=5000, help="port (default: 5000, or the next free one)"
    )
    add_switch(parser, "no-token", "let in every user of this machine, to read, change and delete", default=False)


def run(options: argparse.Namespace, console: Output) -> int:
    from search import tracking
    from search.tracking import listing
    from search.tracking.ui import server

    uri = tracking.default_uri()
    path = tracking.database(uri)
    if path is not None and not path.exists():
        raise StudyError(f"{path}: there are no studies in this folder yet; run one with bpsearch tune")
    tracking.check(uri)
    if path is not None:
        tracking.settled(path)
    page = listing.latest(uri)
    if uri.startswith("http"):
        address = one_line(f"{_public(uri)}/{page}")  # a link that is masked would lose what has it show training runs
        console.own(f"MLflow is served at {address}", address)
        return 0
    serving = server.Server(uri, server.listen(options.port), page, open_to_all=options.no_token)
    console.own(f"MLflow UI: {serving.url}  (Ctrl-C stops it)", serving.url)
    if options.no_token:
        told = "no token: every user of this machine can read, change and delete these studies and models"
        console.print(f"note:      {told}")
    sys.stdout.flush()
    serving.run()
    return 0


def _public(uri: str) -> str:
    """Return the address of a server without user, password and parameters, as a browser takes it.

    >>> _public("https://me:s3cret@host:5000/mlflow/?x=1")
    'https://host:5000/mlflow'
    """
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
