"""`bpsearch certificates`: a set of certificates for a private cluster."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from search.arguments import whole_number
from search.errors import StudyError

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "make a set of certificates for a private cluster"
HAS_RESULT = True
INTERRUPTED = "interrupted"

MOST_DAYS = 3_650


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where its three files go")
    parser.add_argument(
        "--days",
        type=whole_number("days", MOST_DAYS),
        default=365,
        metavar="N",
        help="how long they are valid (default: 365)",
    )


def run(options: argparse.Namespace, console: Output) -> int:
    from search.service import serving

    with serving.needing_dask():
        from search.service.cluster import certificates
    if str(options.folder) == ".":
        raise StudyError("FOLDER must be a folder of their own, such as keys")
    end = certificates.make(options.folder, options.days)
    files = [options.folder / name for name in (certificates.AUTHORITY, certificates.CERTIFICATE, certificates.KEY)]
    console.print(f"written: {', '.join(map(str, files))}, valid until {end:%Y-%m-%d}")
    console.print("copy the folder to each machine of the cluster; whoever has its key can run programs there")
    console.document({"files": [str(path) for path in files], "until": f"{end:%Y-%m-%d}"})
    return 0
