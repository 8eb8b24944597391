"""`bpsearch token`: who may use the service of this folder."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from search.arguments import whole_number
from search.errors import StudyError

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "make, list and withdraw tokens: who may use the service of this folder"
HAS_RESULT = True
INTERRUPTED = "interrupted"

ACTIONS = ("make", "list", "withdraw")
SCOPES = ("read", "submit", "admin")
"""Those of `search.service.tokens`, whose own module takes long to import."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=ACTIONS, help="what to do: make, list, withdraw")
    parser.add_argument("name", nargs="?", metavar="NAME", help="whose token it is")
    parser.add_argument("--scope", choices=SCOPES, help="what the token is for (default: submit)")
    parser.add_argument(
        "--quota",
        type=whole_number("quota", 500, 0),
        metavar="N",
        help="studies of it that may be queued or run (default: 20)",
    )


def run(options: argparse.Namespace, console: Output) -> int:
    from search.service.place import Place
    from search.service.queue import Queue
    from search.service.tokens import Tokens

    if (options.name is None) != (options.action == "list"):
        told = "needs a NAME" if options.name is None else "has no NAME"
        raise StudyError(f"bpsearch token {options.action} {told}")
    if options.action != "make" and (options.scope or options.quota is not None):
        raise StudyError(f"--scope and --quota are for bpsearch token make, not for {options.action}")
    queue = Queue(Place())
    try:
        {"make": _make, "list": _list, "withdraw": _withdraw}[options.action](Tokens(queue), options, console)
    finally:
        queue.close()
    return 0


def _make(tokens, options: argparse.Namespace, console: Output) -> None:  # type: ignore[no-untyped-def]
    scope = options.scope or "submit"
    secret = tokens.make(options.name, scope, options.quota)
    console.own(f"token of {options.name} ({scope}), which is not shown again: {secret}", secret)
    console.document({"name": options.name, "scope": scope, "token": secret})


def _list(tokens, options: argparse.Namespace, console: Output) -> None:  # type: ignore[no-untyped-def]
    from search.catalog.documents import moment

    found = tokens.all()
    for each in found:
        end = f", withdrawn {moment(each.withdrawn)}" if each.withdrawn else ""
        console.print(f"{each.name}: {each.scope}, up to {each.quota} studies, made {moment(each.made)}{end}")
    if not found:
        console.print("no tokens yet; bpsearch token make NAME makes one")
    rows = [
        {
            "name": each.name,
            "scope": each.scope,
            "quota": each.quota,
            "made": moment(each.made),
            "withdrawn": moment(each.withdrawn or 0.0),
        }
        for each in found
    ]
    console.document({"tokens": rows})


def _withdraw(tokens, options: argparse.Namespace, console: Output) -> None:  # type: ignore[no-untyped-def]
    gone = tokens.withdraw(options.name)
    console.print(f"{gone.name}: withdrawn; it is good for nothing from now on")
    console.document({"name": gone.name, "withdrawn": True})
