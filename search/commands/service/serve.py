"""`bpsearch serve`: run what is queued."""

from __future__ import annotations

import argparse
import sys
import threading
from typing import TYPE_CHECKING

from search.arguments import whole_number
from search.signals.command import unwinding

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "run the studies of the queue, with an HTTP interface and the MLflow UI beside it"
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


def run(options: argparse.Namespace, console: Output) -> int:
    from joblib import cpu_count

    from search.service import serving
    from search.service.place import Place
    from search.service.queue import Queue

    place = Place()
    n_workers = options.workers or cpu_count()
    with unwinding(), serving.alone(place), serving.running(queue := Queue(place), n_workers, options.at_once):
        waiting = len(queue.all("queued"))
        console.print(f"bpsearch serves {place.folder.parent.absolute()} with {n_workers} workers; {waiting} queued")
        sys.stdout.flush()
        threading.Event().wait()
    return 0
