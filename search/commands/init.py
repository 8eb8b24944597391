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
    parser.add_argument("data", type=Path, help="CSV, TSV, Excel, Parquet or Feather file")
    parser.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="study file to write (default: studies/<name>.toml)"
    )
    parser.add_argument("--yes", action="store_true", help="for scripts: init never asks, with or without it")


def run(options: argparse.Namespace, console: Console) -> int:
    from search.results import profile_table
    from search.study import init

    written, profile = init.write_study(options.data, options.target, options.output)
    console.print(profile_table.table(profile.columns, console.width))
    lines = [
        profile_table.rest(profile.columns),
        "",
        *(f"data:    {note}" for note in profile.notes),
        *(f"found:   {sentence}" for sentence in profile_table.sentences(profile.findings)),
        f"task:    {profile.task}: {profile.reason}; change [data] task if that is wrong",
        f"written: {written}",
        f"next:    {shlex.join(['bpsearch', 'tune', str(written)])}",
    ]
    for line in lines[not lines[0] :]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return 0
