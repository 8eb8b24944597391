"""`bpsearch worker`: train on this machine for a service on another one."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from search.arguments import add_switch, whole_number
from search.signals.command import unwinding

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "train on this machine for a service on another one"
INTERRUPTED = "stopped: what was running runs again elsewhere"
SHOWS_PROGRESS = True

MOST_WORKERS = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scheduler", metavar="ADDRESS", help="address of the scheduler, as tls://host:8786")
    parser.add_argument(
        "--workers",
        type=whole_number("workers", MOST_WORKERS),
        metavar="N",
        help="processes that train (default: one for each core)",
    )
    parser.add_argument("--tls", type=Path, metavar="FOLDER", help="folder with the certificates of the cluster")
    add_switch(parser, "unencrypted", "connections may be open: the network is private", False)
    parser.add_argument(
        "--memory",
        default="auto",
        metavar="SIZE",
        help="memory of each process, as 4GB (default: its share of the machine)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        help="folder for copies of data, which machines may share (default: one that is deleted in the end)",
    )


def run(options: argparse.Namespace, console: Output) -> int:
    from joblib import cpu_count

    from search.service import serving

    with serving.needing_dask():
        from search.service.cluster.sources import given
        from search.service.cluster.worker import Workers, memory_of
    access = given(options.scheduler, options.tls, unencrypted=options.unencrypted)
    n_workers = options.workers or cpu_count()
    memory = memory_of(options.memory)

    def tell(told: str) -> None:
        console.print(told)
        sys.stdout.flush()

    with unwinding(), tempfile.TemporaryDirectory(prefix="bpsearch-") as folder:
        Workers(access, n_workers, memory, (options.folder or Path(folder)).absolute(), tell).run()
    return 0
