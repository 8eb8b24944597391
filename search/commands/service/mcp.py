"""`bpsearch mcp`: let assistants ask about the studies of this folder."""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from search.arguments import add_switch, whole_number
from search.errors import StudyError

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "let assistants ask about the studies of this folder (MCP)"
INTERRUPTED = "stopped"
SHOWS_PROGRESS = True

MISSING = "bpsearch mcp needs a package that is not installed ({}); install it with: pip install 'bpsearch[mcp]'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_switch(parser, "write", "let them submit, pause, resume, cancel and change studies, too", default=False)
    parser.add_argument(
        "--http",
        type=whole_number("http", 65535),
        metavar="PORT",
        help="serve HTTP on this port of 127.0.0.1, for whoever has the service's token (default: standard input and output)",
    )


def run(options: argparse.Namespace, console: Output) -> int:
    with redirect_stdout(sys.stderr):  # standard output is for the protocol
        try:
            import mcp  # noqa: F401
            import uvicorn  # noqa: F401
        except ImportError as error:
            raise StudyError(MISSING.format(error.name)) from None
        from search.service import whereabouts
        from search.service.mcp import serving
        from search.service.mcp.server import server
        from search.service.place import Place

        place = Place()
        desk = serving.desk_of(place, write=options.write)
        desk()  # what is wrong with the queue is told now
        made = server(desk, write=options.write)
        token = "" if options.http is None else whereabouts.secret(place.token)
    if options.http is None:
        serving.stdio(made)
        return 0
    listening = serving.listen(options.http)
    console.own(f"MCP: http://{serving.ADDRESS}:{options.http}{serving.PATH}  (Ctrl-C stops it)")
    console.print(f"token: in {place.token}; clients send it as Authorization: Bearer")
    sys.stdout.flush()
    serving.http(made, listening, token)
    return 0
