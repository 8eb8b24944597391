"""`bpsearch export`: write a registered model, or the trials of a study, to a file for other programs."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from search.arguments import add_model
from search.errors import StudyError

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "write a model (skops, joblib, ONNX), or trials (for Optuna)"
INTERRUPTED = "interrupted: no file was written"
HAS_RESULT = True
TRIALS = "optuna"
"""What is no format of models: the trials of a study."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument(
        "--to",
        required=True,
        choices=("skops", "joblib", "onnx", TRIALS),
        help="skops or joblib for Python, onnx for other languages, optuna for optuna-dashboard",
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

    if options.to == TRIALS:
        return _trials(options, console)
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


def _trials(options: argparse.Namespace, console: Output) -> int:
    """Write the trials of a study, with their own numbers, times and scores."""
    from search.catalog import entries
    from search.files import writing
    from search.loop import optuna_export
    from search.study import records
    from search.tracking import stores
    from search.tracking.models import registry

    if options.version is not None:
        raise StudyError(f"--version {options.version} is of a model; --to {TRIALS} writes the trials of a study")
    writing.check(options.output, "--output", force=options.force)
    entry = entries.entry(stores.answering_uri(), registry.named(options.model)[0])
    space = None if entry.stored is None else records.space_of(entry.stored)
    if entry.stored is None or space is None:
        raise StudyError(f"--to {TRIALS}: {entry.problem or f'the journal of {entry.name!r} is not here, or too old'}")
    trials = optuna_export.write(entry.stored, space, entry.scoring or "", options.output, force=options.force)
    usage = [shlex.join(["optuna-dashboard", str(options.output)])]
    console.essential(str(options.output))
    console.print(f"written: {options.output} ({trials} trials, numbered as in the report)")
    console.print(f"next:    {usage[0]}")
    size = options.output.stat().st_size
    written = {"format": TRIALS, "written": str(options.output), "bytes": size, "usage": usage}
    console.document({"model": entry.name, "version": None, **written, "rows_checked": 0, "difference": None})
    return 0
