"""`bpsearch serve`: run what is queued."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from search.arguments import add_switch, whole_number
from search.signals.command import unwinding

if TYPE_CHECKING:
    from search.service.web.listening import Listening
    from search.terminal.output import Output

HELP = "run what is queued, and serve HTTP, a page and MLflow's UI"
INTERRUPTED = "stopped: finished trials are kept; bpsearch serve goes on where it was"
SHOWS_PROGRESS = True

MOST_WORKERS = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers",
        type=whole_number("workers", MOST_WORKERS),
        metavar="N",
        help="processes that train, for all studies together (default: one for each core)",
    )
    parser.add_argument(
        "--at-once",
        type=whole_number("at-once", MOST_WORKERS),
        default=4,
        metavar="N",
        help="studies that run at the same time; more wait for their turn (default: 4)",
    )
    parser.add_argument(
        "--port", type=whole_number("port", 65535), help="port of the web server (default: 8000, or the next free one)"
    )
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="folder whose files studies of other users may name, as shared:NAME"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="address to listen on (default: 127.0.0.1)"
    )
    parser.add_argument(
        "--names", nargs="+", default=[], metavar="NAME", help="names by which other machines reach the service"
    )
    parser.add_argument("--certificate", type=Path, metavar="FILE", help="certificate for TLS, with its chain (PEM)")
    parser.add_argument("--key", type=Path, metavar="FILE", help="private key of the certificate (PEM)")
    add_switch(parser, "behind-proxy", "another server ends TLS and passes requests on", False)


def run(options: argparse.Namespace, console: Output) -> int:
    from joblib import cpu_count

    from search.service import serving
    from search.service.desk import Desk
    from search.service.external.asking import Asking
    from search.service.place import Place
    from search.service.queue import Queue
    from search.service.states import QUEUED
    from search.service.web.server import WebServer
    from search.tracking import default_uri

    place = Place()
    n_workers = options.workers or cpu_count()
    with (
        unwinding(),
        serving.alone(place),
        closing(Queue(place)) as queue,
        closing(Asking(queue, default_uri)) as asking,
    ):
        web = WebServer(Desk(queue, default_uri), asking, _listening(options), options.data)
        with serving.running(queue, asking, n_workers, options.at_once) as runs:
            waiting = len(queue.all(QUEUED))
            console.print(f"serving:  {Path.cwd()}, {n_workers} workers; {waiting} queued")
            console.own(f"page:     {web.link or web.url}  (Ctrl-C stops it)", web.link or web.url)
            if not web.link:
                console.print(f"token:    in {place.token}; the page needs it once: {web.url}/?token=…")
            sys.stdout.flush()
            web.run(runs)
    return 0


def _listening(options: argparse.Namespace) -> Listening:
    from search.service.web.listening import Listening

    return Listening(
        options.host, options.port, tuple(options.names), options.certificate, options.key, options.behind_proxy
    )
