"""`bpsearch resume`: queue a study again that is paused or has failed."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from search.arguments import add_queued

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "queue a study again that is paused or has failed"
HAS_RESULT = True
INTERRUPTED = "interrupted"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_queued(parser)


def run(options: argparse.Namespace, console: Output) -> int:
    from search.service.terminal import verbs

    verbs.act("resume", options.name, console)
    return 0
