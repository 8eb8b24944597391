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
HAS_RESULT = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, help="CSV, TSV, Excel, Parquet or Feather file")
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="study file to write (default: studies/<name>.toml)"
    )


def run(options: argparse.Namespace, console: Output) -> int:
    from search.study import data, init

    if options.target is None:
        columns = data.read_table(options.data, f"{options.data}").frame.columns
        raise StudyError(f"--target is missing: name the column to predict; the columns are {', '.join(columns)}")
    written, guesses = init.write_study(options.data, options.target, options.output)
    for guess in guesses[:-1]:
        console.print(f"data:    {guess}")
    console.print(f"{guesses[-1]}; change [data] task if that is wrong")
    console.print(f"written: {written}")
    further = shlex.join(["bpsearch", "tune", str(written)])
    console.print(f"next:    {further}")
    console.document({"written": str(written), "notes": guesses, "next": further})
    return 0
