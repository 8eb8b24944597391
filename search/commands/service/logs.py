"""`bpsearch logs`: what the runs of a queued study have said."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from search.arguments import add_switch

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "print what the runs of a queued study have said"
INTERRUPTED = "no longer following; the study goes on"
SHOWS_PROGRESS = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="name of a study")
    add_switch(parser, "follow", "go on until the study has ended", False)


def run(options: argparse.Namespace, console: Output) -> int:
    from search.service.terminal import following, opening

    desk = opening.desk()
    if options.follow:
        for line in following.log(desk, options.name):
            console.print(line)
        return 0
    said, _ = desk.log(options.name)
    for line in said.decode(errors="replace").splitlines():
        console.print(line)
    if not said and desk.queue.is_shared and (row := desk.queue.get(options.name)).begun:
        where = f", which is {row.holder.partition(':')[0]}" if row.holder else ""
        console.print(f"note:   its log is with the service that runs or has run it{where}")
    return 0
