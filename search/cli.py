"""The command line: `bpsearch VERB`. Each verb is a file of `search/commands/`."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence

from bpsearch import __version__
from search.commands import verbs
from search.errors import StudyError

FAILED, USER_ERROR, INTERRUPTED = 1, 2, 130
WIDE = 160


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0, 1 if it failed, 2 for a user's mistake, 130 for Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except StudyError as error:
        if options.debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        if options.debug:
            raise
        print("\ninterrupted: finished trials are kept; run the same command again to continue")
        return INTERRUPTED
    except Exception as error:  # our bug, not the user's mistake
        if options.debug:
            raise
        message = " ".join(str(error).split())
        print(f"unexpected error: {type(error).__name__}: {message} (--debug shows the traceback)", file=sys.stderr)
        return FAILED


def _run(options: argparse.Namespace) -> int:
    from rich.console import Console  # imported late, to keep --help fast

    warnings.filterwarnings("ignore", category=UserWarning, module="sklearn")
    return int(options.run(options, Console(highlight=False, markup=False, soft_wrap=True, width=_width())))


def _width() -> int | None:
    """Return the width of the output: None is the terminal's. Lines in files and pipes are long, unless COLUMNS is set."""
    return None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bpsearch",
        description="Hyperparameter search for back-propagation networks that learns from diverging runs.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    _add_debug(parser, default=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, verb in verbs().items():
        command = commands.add_parser(name, help=verb.HELP, description=verb.HELP)
        verb.add_arguments(command)
        _add_debug(command, default=argparse.SUPPRESS)  # otherwise its default would override a --debug before the verb
        command.set_defaults(run=verb.run)
    return parser


def _add_debug(parser: argparse.ArgumentParser, default: bool | str) -> None:
    parser.add_argument("--debug", action="store_true", default=default, help="show the traceback of an error")
