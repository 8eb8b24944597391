"""`bpsearch init`: write a study file for a table."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from search.errors import StudyError

if TYPE_CHECKING:
    from search.terminal.output import Output

HELP = "write a study file for a table"
INTERRUPTED = "interrupted: no file was written"
HAS_RESULT = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", help="file (CSV, TSV, Excel, Parquet, Feather) or database (sqlite:///FILE?table=NAME)")
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="study file to write (default: studies/<name>.toml)"
    )
    parser.add_argument("--encoding", metavar="NAME", help="encoding of a text file, such as cp1250 (default: guessed)")
    parser.add_argument("--yes", action="store_true", help="for scripts: init never asks, with or without it")


def run(options: argparse.Namespace, console: Output) -> int:
    from bpmodel.names.short import listed
    from search.results import documents, profile_table
    from search.study import data, init
    from search.tables.reading import Asked

    if options.target is None:
        asked = Asked(encoding=options.encoding)
        columns = data.read_table(options.data, f"{options.data}", asked).frame.columns
        raise StudyError(f"--target is missing: name the column to predict; the columns are {listed(columns)}")
    written, profile = init.write_study(options.data, options.target, options.output, options.encoding)
    console.print(profile_table.table(profile.columns, console.width))
    further = shlex.join(["bpsearch", "tune", str(written)])
    lines = [
        profile_table.rest(profile.columns),
        "",
        *(f"data:    {note}" for note in profile.notes),
        *(f"found:   {sentence}" for sentence in profile_table.sentences(profile.findings)),
        f"task:    {profile.task}: {profile.reason}; change [data] task if that is wrong",
        f"written: {written}",
        f"next:    {further}",
    ]
    for line in lines[not lines[0] :]:
        console.print(line)
    found = documents.table(profile.columns, profile.findings)
    guessed = {"task": profile.task, "reason": profile.reason, "notes": profile.notes}
    console.document({"written": str(written), **guessed, **found, "next": further})
    return 0
