"""`bpsearch show`: print the report on a study again, on one of its trials, or on a model."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

from search.arguments import whole_number
from search.errors import StudyError
from search.samplers.methods import MOST_TRIALS

if TYPE_CHECKING:
    from search.catalog.entries import Entry
    from search.terminal.output import Output

HELP = "print the report on a study again, on one of its trials, or on its model"
HAS_RESULT = True
INTERRUPTED = "interrupted"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="name of a study, its study file, or a URI such as models:/NAME/2")
    parser.add_argument("--file", action="store_true", help="print the study file, as it was when the study ran")
    parser.add_argument(
        "--trial",
        type=whole_number("trial", MOST_TRIALS, low=0),
        metavar="N",
        help="show a finished trial: scores, curves, and what went wrong",
    )
    parser.add_argument("--model", action="store_true", help="show the registered model")
    parser.add_argument("--version", metavar="N", help="version or alias of the model (default: champion)")


def run(options: argparse.Namespace, console: Output) -> int:
    from search.catalog import entries
    from search.tracking import stores
    from search.tracking.models import registry

    uri = stores.answering_uri()
    name, version = registry.named(options.name, options.version)
    model = {"--model": options.model, "--version": options.version is not None}
    asked = {"--file": options.file, "--trial": options.trial is not None, **model}
    given = [switch for switch, there in asked.items() if there and not (switch == "--version" and options.model)]
    if len(given) > 1:
        raise StudyError(f"{' and '.join(given)} ask for different things; keep one of them")
    if options.model or version is not None or options.name.startswith(registry.URI):
        return _model(uri, name, version, console)
    entry = entries.entry(uri, name)
    if options.trial is not None:
        return _trial(entry, options.trial, console)
    return _file(entry, console) if options.file else _study(entry, console)


def _model(uri: str, name: str, version: str | None, console: Output) -> int:
    from search.catalog import documents, models
    from search.tracking.models import registry

    facts, versions = registry.facts(uri, name, version), registry.versions(uri, name)
    run = registry.run(uri, facts.version)
    console.print(models.shown(facts, run, versions))
    console.document(models.document(facts, run, documents.version(facts.version), versions))
    return 0


def _trial(entry: Entry, number: int, console: Output) -> int:
    from search.catalog import trials

    outcome = trials.find(entry, number)
    console.print(trials.shown(entry, outcome))
    if path := entry.about.get("path"):
        console.print(f"next: {shlex.join(['bpsearch', 'diagnose', path, '--trial', str(number)])}")
    console.document(trials.document(entry, outcome))
    return 0


def _file(entry: Entry, console: Output) -> int:
    from search.catalog import documents

    if "file" not in entry.about:
        raise StudyError(f"--file: the journal of {entry.name!r} was written before it kept the study file")
    for line in entry.about["file"].rstrip("\n").split("\n"):
        console.print(line.expandtabs(4))
    console.document(documents.shown(entry, None))
    return 0


def _study(entry: Entry, console: Output) -> int:
    from search.catalog import documents, words
    from search.results import documents as results
    from search.results import report

    result = entry.result
    title = ", ".join(filter(None, [entry.method and f"{entry.method} search", entry.scheme]))
    console.print(f"{entry.name}: {title}{'; running now' if entry.running else ''}\n")
    console.print(words.kept(entry) if result is None else report.final(result))
    for line in words.facts(entry):
        console.print(line)
    if entry.kept.versions:
        console.print(
            f"next:     {shlex.join(['bpsearch', 'predict', entry.name, 'new.csv', '-o', 'predictions.csv'])}"
        )
    console.document(documents.shown(entry, None if result is None else results.study(result)))
    return 0
