"""`bpsearch verify`: compare journals, MLflow and files, and repair what differs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from search.arguments import add_switch

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "check that journals, MLflow and files agree, and repair what differs"
HAS_RESULT = True
INTERRUPTED = "interrupted: run the same command again to look at all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help="names of studies, or study files (default: all of this folder and its store)",
    )
    add_switch(parser, "repair", "repair what can be repaired safely; otherwise nothing is changed", default=False)


def run(options: argparse.Namespace, console: Output) -> int:
    from search.catalog.soundness import verification, words
    from search.tracking import stores
    from search.tracking.models import registry

    names = [registry.named(name)[0] for name in options.names]
    found = verification.verify(stores.answering_uri(settle=False), names, repair=options.repair)
    for name in found.running:
        console.print(f"{name}: is running: left alone")
    for each in found.differences:
        console.print(words.line(each))
        if each.state != verification.REPAIRED:
            console.essential(words.line(each))
    console.print(words.summary(found))
    if not options.repair and any(each.state == verification.FOUND for each in found.differences):
        console.print("next:   bpsearch verify --repair")
    console.document(words.document(found))
    return 0 if found.is_sound else 1
