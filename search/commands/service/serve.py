"""`bpsearch serve`: run what is queued."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from search.arguments import add_switch, whole_number
from search.errors import StudyError
from search.signals.command import unwinding

if TYPE_CHECKING:
    from search.service.cluster.sources import Wanted
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
    parser.add_argument("--scheduler", metavar="ADDRESS", help="use the cluster of this scheduler, as tls://host:8786")
    parser.add_argument(
        "--cluster", metavar="MODULE:FUNCTION", help="use the cluster of Dask that this function returns"
    )
    parser.add_argument("--tls", type=Path, metavar="FOLDER", help="folder with the certificates of the cluster")
    add_switch(parser, "unencrypted", "connections of the cluster may be open: its network is private", False)
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
    from search.project import store
    from search.service import object_store, serving
    from search.service.desk import Desk
    from search.service.external.asking import Asking
    from search.service.place import Place
    from search.service.queue import Queue
    from search.service.states import QUEUED
    from search.service.web.server import WebServer
    from search.tracking import default_uri

    with serving.needing_dask():
        from search.service.cluster import sources
    place, wanted = Place(), _wanted(options)
    with (
        unwinding(),
        serving.alone(place),
        closing(Queue(place)) as queue,
        closing(Asking(queue, default_uri)) as asking,
    ):
        if copies := store.copies():
            object_store.check(copies)
        web = WebServer(Desk(queue, default_uri), asking, _listening(options), options.data)
        with (
            sources.reached(wanted) as cluster,
            serving.running(queue, asking, cluster.access, options.at_once) as runs,
        ):
            waiting = len(queue.all(QUEUED))
            console.print(f"serving:  {Path.cwd()}, {cluster.title}; {waiting} queued")
            console.own(f"page:     {web.link or web.url}  (Ctrl-C stops it)", web.link or web.url)
            if not web.link:
                console.print(f"token:    in {place.token}; the page needs it once: {web.url}/?token=…")
            sys.stdout.flush()
            web.run(runs)
    return 0


def _wanted(options: argparse.Namespace) -> Wanted:
    from joblib import cpu_count

    from search.service.cluster.sources import Wanted

    named = {"--workers": options.workers, "--scheduler": options.scheduler, "--cluster": options.cluster}
    given = [key for key, value in named.items() if value]
    if len(given) > 1:
        raise StudyError(f"{' and '.join(given)} exclude each other: workers are of this machine, or of one cluster")
    if (options.tls or options.unencrypted) and not (options.scheduler or options.cluster):
        raise StudyError("--tls and --unencrypted are for a cluster: name it with --scheduler or --cluster")
    if options.tls and options.cluster:
        raise StudyError("--tls is for --scheduler; a cluster object has certificates of its own")
    n_workers = options.workers or cpu_count()
    return Wanted(n_workers, options.scheduler or "", options.cluster or "", options.tls, options.unencrypted)


def _listening(options: argparse.Namespace) -> Listening:
    from search.service.web.listening import Listening

    return Listening(
        options.host, options.port, tuple(options.names), options.certificate, options.key, options.behind_proxy
    )
