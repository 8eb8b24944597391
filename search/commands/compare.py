"""`bpsearch compare`: put studies side by side."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "put studies, or versions of models, side by side"
HAS_RESULT = True
INTERRUPTED = "interrupted"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="+", metavar="NAME", help="a study, its file, or a version of a model (NAME/2)")


def run(options: argparse.Namespace, console: Output) -> int:
    from search.catalog import comparison, documents, words
    from search.tracking import stores

    found = comparison.compare([comparison.side(stores.answering_uri(), name) for name in options.names])
    console.print(words.compared(found))
    console.document(documents.compared(found))
    return 0
