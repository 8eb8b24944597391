"""`bpsearch cancel`: end a queued study; its finished trials are kept."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from search.arguments import add_queued

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "end a queued study; its finished trials are kept"
HAS_RESULT = True
INTERRUPTED = "interrupted"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_queued(parser)


def run(options: argparse.Namespace, console: Output) -> int:
    from search.service.terminal import verbs

    verbs.act("cancel", options.name, console)
    return 0
