"""`bpsearch show`: print the report on a study again."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "print the report on a study again, its file and its models"
HAS_RESULT = True
INTERRUPTED = "interrupted"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="name of a study, or its study file")
    parser.add_argument("--file", action="store_true", help="print the study file, as it was when the study ran")


def run(options: argparse.Namespace, console: Output) -> int:
    from search.catalog import documents, entries, words
    from search.errors import StudyError
    from search.results import documents as results
    from search.results import report
    from search.study import records
    from search.tracking import stores
    from search.tracking.models import registry

    name, _ = registry.named(options.name)
    entry = entries.entry(stores.answering_uri(), name)
    if options.file:
        if "file" not in entry.about:
            raise StudyError(f"--file: the journal of {name!r} was written before it kept the study file")
        for line in entry.about["file"].rstrip("\n").split("\n"):
            console.print(line.expandtabs(4))
        console.document(documents.shown(entry, None))
        return 0
    result = None if entry.stored is None else records.result(entry.stored)
    title = ", ".join(filter(None, [entry.method and f"{entry.method} search", entry.scheme]))
    console.print(f"{name}: {title}{'; running now' if entry.running else ''}\n")
    console.print(words.kept(entry) if result is None else report.final(result))
    for line in words.facts(entry):
        console.print(line)
    if entry.kept.versions:
        console.print(f"next:     {shlex.join(['bpsearch', 'predict', name, 'new.csv', '-o', 'predictions.csv'])}")
    console.document(documents.shown(entry, None if result is None else results.study(result)))
    return 0
