"""`bpsearch promote`: make a version of a registered model the champion."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "make a version of a model the champion"
HAS_RESULT = True
INTERRUPTED = "interrupted"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="NAME", help="name of a study, its study file, or a URI such as models:/NAME/2"
    )
    parser.add_argument("--version", metavar="N", help="version or alias of the model (default: challenger)")


def run(options: argparse.Namespace, console: Output) -> int:
    from search.tracking import stores
    from search.tracking.models import champions, registry

    chosen, before = champions.promote(stores.answering_uri(), *registry.named(options.model, options.version))
    same = before is not None and before.number == chosen.number
    told = "" if before is None else f"; until now it was {before.uri}"
    console.print(f"{chosen.uri} is the champion {'already' if same else f'now{told}'}")
    console.essential(chosen.uri)
    console.document(
        {"model": chosen.name, "version": chosen.number, "before": None if before is None else before.number}
    )
    return 0
