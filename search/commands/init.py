"""`bpsearch init`: write a study file for a table."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

HELP = "write a study file for a table"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", help="file (CSV, TSV, Excel, Parquet, Feather) or database (sqlite:///FILE?table=NAME)")
    parser.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="study file to write (default: studies/<name>.toml)"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    from search.study import init

    written, guesses = init.write_study(options.data, options.target, options.output)
    for guess in guesses[:-1]:
        console.print(f"data:    {guess}")
    console.print(f"{guesses[-1]}; change [data] task if that is wrong")
    console.print(f"written: {written}")
    console.print(f"next:    {shlex.join(['bpsearch', 'tune', str(written)])}")
    return 0
