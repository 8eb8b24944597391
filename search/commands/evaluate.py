"""`bpsearch evaluate`: compare a registered model with the true values of a table."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from search.arguments import add_model, add_rows

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "score a registered model on a table with known targets"
HAS_RESULT = True
INTERRUPTED = "interrupted"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_rows(parser, "table with the target's column (CSV, Excel, Parquet, JSON, …), or address of a database")
    parser.add_argument("--target", metavar="COLUMN", help="column of the true values (default: the study's target)")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="picture to write: .png, .svg, .pdf")


def run(options: argparse.Namespace, console: Output) -> int:
    from search.holdout import documents, evaluation, pictures, words
    from search.plots import canvas
    from search.prediction import predictor, tables
    from search.tables.reading import Asked
    from search.tracking import stores
    from search.tracking.models import registry

    if options.plot is not None:
        canvas.check(options.plot)
    pipeline, known = registry.load(
        stores.answering_uri(), *registry.named(options.model, options.version), trusted=options.trust
    )
    model = predictor.Model(pipeline, known.study)
    target = options.target or model.target
    pieces = tables.opened(options.data, model, Asked(encoding=options.encoding, target=target))
    with tables.of_rows(options.data):
        found = evaluation.evaluate(model, pieces, target, known.metrics)
    console.print(f"{known.version.uri} on {options.data}\n")
    console.print(words.report(found))
    for note in found.notes:
        console.print(f"note:   {note}")
    if options.plot is not None:
        canvas.save(pictures.picture(found, str(target)), options.plot)
        console.print(f"plot:   {options.plot}")
    console.document(documents.evaluated(known, target, found))
    return 0
