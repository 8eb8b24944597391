"""`bpsearch list`: list the studies of this folder."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "list the studies of this folder and their models"
HAS_RESULT = True
INTERRUPTED = "interrupted"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(options: argparse.Namespace, console: Output) -> int:
    from search.catalog import documents, entries, words
    from search.tracking import stores

    found = entries.entries(stores.answering_uri())
    if found:
        console.print(words.listed(found))
        console.print("next:   bpsearch show NAME")
    else:
        console.print("there are no studies here; `bpsearch init DATA --target COLUMN` begins one")
    for entry in found:
        console.essential(entry.name)
    console.document(documents.listed(found))
    return 0
