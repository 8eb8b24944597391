"""`bpsearch completion`: write a script that completes commands in a shell."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from search.completion.shells import SHELLS

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "print a script that completes commands in a shell"
INTERRUPTED = "interrupted"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=tuple(SHELLS), help="the shell; its script says where it belongs")


def run(options: argparse.Namespace, console: Output) -> int:
    for line in SHELLS[options.shell](options.grammar()).rstrip("\n").split("\n"):
        console.own(line, line)
    return 0
