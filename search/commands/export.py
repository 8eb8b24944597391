"""`bpsearch export`: write a registered model to a file for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from search.arguments import add_model

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "write a registered model to a file: skops, joblib or ONNX"
INTERRUPTED = "interrupted: no file was written"
HAS_RESULT = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument(
        "--to",
        required=True,
        choices=("skops", "joblib", "onnx"),
        help="skops or joblib for Python, onnx for other languages",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="file to write")
    parser.add_argument("--force", action="store_true", help="replace the file if there is one")
    parser.add_argument(
        "--dtype",
        choices=("float32", "float64"),
        default="float32",
        help="with --to onnx: precision of the numbers that go in and out (default: float32)",
    )


def run(options: argparse.Namespace, console: Output) -> int:
    from search.export import files, formats
    from search.tracking import stores
    from search.tracking.models import registry

    row = formats.check(options.to)
    files.check_target(options.output, options.force)
    uri = stores.answering_uri()
    model, known = registry.load(uri, *registry.named(options.model, options.version), trusted=options.trust)
    written = files.write(
        model,
        options.output,
        options.to,
        example=registry.example(uri, known.version),
        dtype=options.dtype,
        facts=files.facts_of(known),
        force=options.force,
    )
    console.essential(str(written.path))
    console.print(f"model:   {known.version.uri}")
    console.print(f"written: {written.path} ({written.size:,} bytes), {row.meaning}")
    console.print(f"checked: {files.judged(written, options.to)}")
    console.print(f"note:    {row.remark}\n")
    for line in written.usage:
        console.print(line)
    console.document(files.document(written, options.to, known))
    return 0
