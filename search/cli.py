"""The command line: `bpsearch VERB`. Each verb is a file of `search/commands/`."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import warnings
from collections.abc import Sequence
from contextlib import chdir, nullcontext
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from bpsearch import __version__
from search.arguments import add_switch
from search.commands import verbs
from search.completion import grammar
from search.errors import StudyError
from search.files import trouble
from search.signals import command
from search.terminal import encoding, exits, leaving
from search.terminal.exits import FAILED, USER_ERROR

OUTPUT = "where the output goes"
"""What is full when an error of the system names no file: it was open already."""

KEPT = "interrupted: finished trials are kept; run the same command again to continue"
"""What is said after Ctrl-C and other signals that end a command, unless a verb has words of its own."""

SWITCHES = {
    "debug": "show the traceback of an error",
    "quiet": "print errors only, and after tune the URI of the model",
    "json": "print the result as one JSON document",
}
"""Switches of every verb, which may also stand before it; ``--json`` is for the verbs that have a result."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code, a row of `search.terminal.exits.EXITS`."""
    encoding.standard()
    given = sys.argv[1:] if arguments is None else arguments
    parser = _parser("--json" in given)
    options = parser.parse_args(given)
    if options.json and not options.has_result:
        parser.error(f"argument --json: {options.verb} has no result to print")
    command.describe(options.interrupted, as_json=options.json, quiet=options.quiet)
    if options.debug:
        sys.excepthook = leaving.hook
    try:
        return _run(options)
    except BaseException as error:
        if options.debug and not isinstance(error, SystemExit):
            raise
        if isinstance(error, KeyboardInterrupt) or (command.received() and isinstance(error, Exception)):
            command.tell()  # an import may make another exception of an interruption
            return command.code(error)
        if isinstance(error, StudyError):
            return _failed(f"error: {error}", USER_ERROR, options.json)
        if not isinstance(error, Exception):
            raise
        if what := trouble.of_disk(error):
            _give_up_output()
            return _failed(f"error: {what}: {trouble.path_of(error) or OUTPUT}; {trouble.KEPT}", FAILED, options.json)
        message = " ".join(str(error).split())  # our bug, not the user's mistake
        told = f"unexpected error: {type(error).__name__}: {message} (--debug shows the traceback)"
        return _failed(told, FAILED, options.json)


def _run(options: argparse.Namespace) -> int:
    for name, ignore in SETTINGS.items():
        if Path(name).exists():
            ignore()
    from bpmodel.network.interruption import raising  # imported late, to keep --help fast
    from search.terminal.at_work import at_work
    from search.terminal.output import Output

    warnings.filterwarnings("ignore", category=UserWarning, module="sklearn")
    if options.quiet:
        from bpmodel.compiler import announcement
        from search.tracking import waiting

        announcement.silence()
        waiting.say_nothing()
        warnings.simplefilter("ignore")
    output = Output(sys.stdout, quiet=options.quiet, json=options.json)
    said = nullcontext() if options.quiet or options.shows_progress else at_work(options.verb)
    with output.alone(), raising(), leaving.warnings_told(), leaving.notes_told(not options.quiet), said:
        code = int(options.run(options, output))
    sys.stdout.flush()  # a full disk may not tell before
    return code


def _give_up_output() -> None:
    """Send what cannot be written nowhere: Python would try again at its end, and say so in lines of its own."""
    try:
        sys.stdout.flush()
    except OSError:
        _send_output_nowhere()


def _send_output_nowhere() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _ignore_matplotlibrc() -> None:
    with chdir(Path(__file__).parent):
        import matplotlib  # noqa: F401


def _ignore_numba_config() -> None:
    """Numba looks for its file when it is imported, and again before it compiles a function."""
    with chdir(Path(__file__).parent):
        config = import_module("numba.core.config")
    if not hasattr(config, NUMBA_FILE):  # not of Numba's public interface
        raise StudyError(f"{NUMBA_SETTINGS} in the current folder would change how Numba compiles; move it away")
    setattr(config, NUMBA_FILE, "")


NUMBA_SETTINGS, NUMBA_FILE = ".numba_config.yaml", "_config_fname"
SETTINGS = {"matplotlibrc": _ignore_matplotlibrc, NUMBA_SETTINGS: _ignore_numba_config}
"""Files of the current folder with the settings of libraries, and how each is ignored: it may be a stranger's, or broken."""


def _failed(message: str, code: int, as_json: bool) -> int:
    """Say why a command failed; return its exit code."""
    leaving.tell(message)
    if as_json:
        _document(message.removeprefix("error: "))
    return code


def _document(error: str) -> None:
    try:
        print(json.dumps({"error": leaving.told(error)}), flush=True)
    except OSError:  # the disk is full, or nobody reads on: the error stream has it
        _send_output_nowhere()


NEAR = 0.7
"""How similar a verb or switch must be: twice the letters in common, over the letters of both (`difflib`)."""
WRONG_CHOICE = re.compile(r"argument (?:--)?(\S+): invalid choice: '(.*)' \(choose from (.*)\)")
WRONG_SWITCH = re.compile(r"unrecognized arguments: (--\S+)")


class _Parser(argparse.ArgumentParser):
    """A parser whose errors say what may be meant, and are a JSON document, too, if that is wanted."""

    as_json = False
    switches: ClassVar[set[str]] = set()
    """Those of all verbs."""

    def add_argument(self, *names: Any, **more: Any) -> argparse.Action:
        self.switches.update(name for name in names if name.startswith("--"))
        action = super().add_argument(*names, **more)
        self.__dict__.setdefault("arguments", []).append(action)  # argparse keeps its own list private
        return action

    def error(self, message: str) -> NoReturn:
        message += _meant(message, self.switches)
        if self.as_json:
            _document(message)
        super().error(leaving.told(message))


def _meant(message: str, switches: set[str]) -> str:
    """Return what a wrong choice or switch may mean, given the message that argparse has for it.

    Verbs and switches are compared by the standard library: `bpmodel.names` takes two seconds to import.
    """
    if wrong := WRONG_SWITCH.match(message):
        near = get_close_matches(wrong[1].partition("=")[0], sorted(switches), n=1, cutoff=NEAR)
        return f" (did you mean {near[0]}?)" if near else ""
    if not (wrong := WRONG_CHOICE.match(message)):
        return ""
    option, given, allowed = wrong[1], wrong[2], wrong[3].replace("'", "").split(", ")
    if option != "COMMAND":
        from bpmodel.names import hints

        return hints.of_value(option, given, allowed)
    near = get_close_matches(given, allowed, n=1, cutoff=NEAR)
    return f" (did you mean {near[0]}?)" if near else ""


def _parser(as_json: bool = False) -> argparse.ArgumentParser:
    # a class, because the parsers of the verbs have that of the first
    kind = type("_Parser", (_Parser,), {"as_json": as_json, "switches": set()})
    parser = kind(
        prog="bpsearch",
        description="Hyperparameter search for back-propagation networks that learns from diverging runs.",
        epilog=exits.listed(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    for name, meaning in SWITCHES.items():
        add_switch(parser, name, meaning, default=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    parsers = {"": parser}
    for name, verb in verbs().items():
        has_result = getattr(verb, "HAS_RESULT", False)
        parsers[name] = command = commands.add_parser(name, help=verb.HELP, description=verb.HELP)
        verb.add_arguments(command)
        # any other default would override a switch before the verb
        for switch, meaning in SWITCHES.items():
            if switch != "json" or has_result:
                add_switch(command, switch, meaning, default=argparse.SUPPRESS)
        interrupted = getattr(verb, "INTERRUPTED", KEPT)
        command.set_defaults(run=verb.run, verb=name, has_result=has_result, interrupted=interrupted)
        command.set_defaults(shows_progress=getattr(verb, "SHOWS_PROGRESS", False))
    meanings = {name: verb.HELP for name, verb in verbs().items()}
    parsers["completion"].set_defaults(
        grammar=lambda: grammar.grammar(meanings, {name: each.arguments for name, each in parsers.items()})
    )
    return parser
