"""`bpsearch status`: the queue, or one study of it."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "list the queue of bpsearch serve, or show one study of it"
HAS_RESULT = True
INTERRUPTED = "interrupted"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="name of a study (default: all)")


def run(options: argparse.Namespace, console: Output) -> int:
    from search.service.queued import STUDY
    from search.service.terminal import opening, words

    desk = opening.desk()
    if options.name is not None:
        study = desk.status(options.name)
        for line in words.lines(study):
            console.print(line)
        verb = "logs" if study["kind"] == STUDY else "show"  # clients keep the logs of what they train
        console.print(f"next:      {shlex.join(['bpsearch', verb, study['name']])}")
        console.essential(study["state"])
        console.document(study)
        return 0
    found = desk.list()
    console.print(words.listed(found) if found else "the queue is empty; bpsearch submit STUDY adds one")
    for study in found:
        console.essential(f"{study['name']} {study['state']}")
    if not opening.runs():
        console.print(f"note: {opening.NOBODY}")
    console.document({"studies": found, "running": opening.runs()})
    return 0
