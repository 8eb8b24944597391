"""`bpsearch submit`: queue a study."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any

from search.arguments import add_budget, add_study, add_switch

if TYPE_CHECKING:
    from search.service.desk import Desk
    from search.terminal.output import Output

HELP = "queue a study for bpsearch serve, with a copy of its data"
HAS_RESULT = True
INTERRUPTED = "interrupted; what is queued stays queued"
SHOWS_PROGRESS = True

LOWEST, HIGHEST = -100, 100
"""The range of priorities, whose own module takes seconds to import."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_study(parser)
    parser.add_argument(
        "--priority",
        type=priority,
        metavar="N",
        help=f"studies of a higher priority get workers first; from {LOWEST} to {HIGHEST} (default: 0)",
    )
    add_budget(parser)
    add_switch(parser, "wait", "wait until the study has ended", False)
    add_switch(parser, "follow", "print what its run says until it has ended", False)


def priority(text: str) -> int:
    """Return a priority.

    >>> priority("-5")
    -5
    """
    digits = text.removeprefix("-")
    if not (digits.isdecimal() and len(digits) < 10 and LOWEST <= int(text) <= HIGHEST):
        raise argparse.ArgumentTypeError(f"priority = {text}; allowed are whole numbers from {LOWEST} to {HIGHEST}")
    return int(text)


def run(options: argparse.Namespace, console: Output) -> int:
    from search.service import states
    from search.service.terminal import opening

    desk = opening.desk(make=True)
    asked = {"priority": options.priority, "n_trials": options.trials, "timeout": options.timeout}
    study = desk.submit_file(options.study, **asked)
    console.essential(study["name"])
    before = [other["name"] for other in desk.list()].index(study["name"])
    ahead = f", {before} of a higher priority or age before it" if before and study["state"] == states.QUEUED else ""
    console.print(f"{study['state']}: {study['name']} (fingerprint {study['fingerprint']}{ahead})")
    if not opening.runs():
        console.print(f"note:   {opening.NOBODY}")
    if not (options.wait or options.follow):
        console.print(f"next:   {shlex.join(['bpsearch', 'status', study['name']])}")
        console.document(study)
        return 0
    study = _awaited(desk, study["name"], options, console)
    console.document(study)
    return 0 if study["state"] == states.DONE else 1


def _awaited(desk: Desk, name: str, options: argparse.Namespace, console: Output) -> dict[str, Any]:
    from search.service.terminal import following, words

    if options.follow:
        for line in following.log(desk, name):
            console.print(line)
    *_, study = following.states(desk, name)
    for line in words.lines(study):
        console.print(line)
    return study
