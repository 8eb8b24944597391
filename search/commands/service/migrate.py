"""`bpsearch migrate`: move the studies of this folder into a PostgreSQL database, or back."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from search.arguments import add_switch

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "move the studies of this folder into a PostgreSQL database, or back"
HAS_RESULT = True
INTERRUPTED = "interrupted: nothing was moved away; run the same command again to go on"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "address",
        nargs="?",
        metavar="ADDRESS",
        help="the database, such as postgresql://me@host/studies (default: the store of this project)",
    )
    add_switch(parser, "to-folder", "copy the studies of the database into this folder", default=False)


def run(options: argparse.Namespace, console: Output) -> int:
    from search.errors import StudyError
    from search.project import store
    from search.service.databases import migration

    address = store.address() if options.address is None else store.checked(options.address, "ADDRESS")
    if address is None:
        raise StudyError(f"ADDRESS is missing, and {store.FILE} names no store; allowed is {store.ALLOWED}")
    move = migration.to_folder if options.to_folder else migration.to_store
    found = move(address, console.print)
    noun = "copied" if options.to_folder else "moved"
    console.print(f"{noun}: {found.studies:,} journals with {found.trials:,} trials, {found.queued:,} queued studies")
    if found.folder is not None:
        console.print(f"files:  {found.folder} keeps what was copied")
    console.print(
        "note:   runs and models stay in their MLflow store; name it in MLFLOW_TRACKING_URI to go on with them"
    )
    if options.to_folder:
        console.print(f"next:   take the store out of {store.FILE}")
    elif store.address() != address:
        shown = store.shown(address)
        console.own(f'next:   write into {store.FILE}: store = "{shown}"', shown)
    console.document({**asdict(found), "folder": found.folder and str(found.folder)})
    return 0
