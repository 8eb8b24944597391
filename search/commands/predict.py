"""`bpsearch predict`: predict new rows with a registered model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from search.arguments import add_model, add_rows
from search.errors import StudyError
from search.signals.command import unwinding

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "predict the rows of a table with a registered model"
HAS_RESULT = True
INTERRUPTED = "interrupted: no file was written"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_rows(parser, "table of new rows (CSV, Excel, Parquet, JSON, …), or address of a database")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="file to write: .csv, .parquet, .json, .jsonl (default: CSV, here)",
    )
    parser.add_argument("--force", action="store_true", help="replace the file if there is one")
    parser.add_argument("--probabilities", action="store_true", help="add a column for each class: its probability")
    parser.add_argument("--with-input", action="store_true", help="write the columns of the table, too")


def run(options: argparse.Namespace, console: Output) -> int:
    from search.prediction import predictor, tables, writing
    from search.results import documents
    from search.tables.reading import Asked
    from search.terminal import leaving
    from search.tracking import stores
    from search.tracking.models import registry

    if options.output is not None:
        writing.check(options.output, force=options.force)
    elif options.json:
        raise StudyError("--json needs --output FILE: predictions and the document would be mixed")
    pipeline, known = registry.load(
        stores.answering_uri(), *registry.named(options.model, options.version), trusted=options.trust
    )
    model = predictor.Model(pipeline, known.study)
    pieces = tables.opened(options.data, model, Asked(encoding=options.encoding))
    with tables.of_rows(options.data):
        predicting = predictor.Predictor(model, pieces, probabilities=options.probabilities)
        names: list[str] = []
        try:
            screen = leaving.screen(console.file)
            types = pieces.types if options.with_input else {}
            to = options.output
            out = writing.to_file(to, force=options.force, types=types) if to else writing.csv(screen)
            with unwinding(), out as write:
                for frame, predicted in predicting:
                    written = predictor.beside(frame, predicted) if options.with_input else predicted
                    names = names or list(written.columns)
                    write(written)
        except BrokenPipeError:  # nobody reads on, as in `bpsearch predict … | head`
            console.on_broken_pipe()
    said = [*pieces.notes, *predictor.ignored(pieces, model), *predicting.notes]
    if not options.quiet:
        for note in said:
            leaving.tell(f"note:    {note}")
    if options.output is not None:
        console.print(f"model:   {known.version.uri}")
        console.print(f"written: {options.output} ({predicting.rows:,} rows; {', '.join(names)})")
    console.document(documents.predicted(known, options.output, predicting.rows, names, said))
    return 0
