"""`bpsearch delete`: delete a study."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "delete a study: its trials, its runs in MLflow and its model"
HAS_RESULT = True
INTERRUPTED = "interrupted: run the same command again to delete what is left"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="name of a study, or its study file")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(options: argparse.Namespace, console: Output) -> int:
    from search.catalog import deletion, entries
    from search.errors import NoStudyError, StudyError
    from search.service.terminal import opening
    from search.tracking import stores
    from search.tracking.models import registry

    uri = stores.answering_uri()
    name, _ = registry.named(options.name)
    opening.check_ended(name)
    try:
        entry = entries.entry(uri, name)
    except NoStudyError:
        if not opening.has(name):
            raise
        entry = entries.Entry(name)
    if entry.running:
        raise StudyError(f"study {name!r} is running; stop it first")
    lines = deletion.planned(entry) or ["its place in the queue: it has no trials"]
    if not options.yes:
        if options.json or options.quiet or not sys.stdin.isatty():
            raise StudyError(f"delete {name!r} would delete {'; '.join(lines)}. Say --yes if that is what you want")
        console.print(f"This deletes the study {name!r}:")
        for line in lines:
            console.print(f"  {line}")
        if input("Delete it? [y/N] ").strip().casefold() not in ("y", "yes"):
            console.print("nothing was deleted")
            return 1
    deletion.delete(uri, entry, lambda: opening.forget(name))
    for line in lines:
        console.print(f"deleted: {line}")
    if entry.kept.n_runs:
        console.print("MLflow keeps the runs in its trash until `mlflow gc` empties it; the study file is still there")
    console.document({"name": name, "deleted": lines})
    return 0
