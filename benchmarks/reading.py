"""Time to read a table from a text file, against pandas.

    python -m benchmarks.reading [--rows 1000000] [--repeats 3] [--markdown FILE]

The file has 50 columns of numbers. pandas is called as in a notebook, `read_csv(path)`. `search.tables` also guesses how the
file is written, looks at all of its bytes, leaves out what is no data, and looks for what the columns are.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.common import Table, parser, run, say, seconds, take_turns
from bpmodel.preprocessing.texts.marks import Hints
from search.tables import files
from search.tables.reading import Asked
from search.tables.typed import typed

ROWS, COLUMNS, BLOCK = 1_000_000, 50, 1_000
KINDS = ("fractions", "whole numbers", "fractions, a tenth missing")


def block(kind: str) -> str:
    """Return the lines of some rows."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(BLOCK, COLUMNS)).round(4))
    if kind == "whole numbers":
        frame = (frame * 1000).round().astype("int64")
    elif kind != "fractions":
        frame = frame.mask(random.uniform(size=frame.shape) < 0.1)
    return frame.to_csv(index=False, header=False)


def write(path: Path, kind: str, rows: int) -> None:
    """Write a file of a number of rows, a multiple of `BLOCK`."""
    lines = block(kind)
    with path.open("w") as file:
        file.write(",".join(f"x{i}" for i in range(COLUMNS)) + "\n")
        for _ in range(rows // BLOCK):
            file.write(lines)


def read(path: Path) -> None:
    """Read a file and give its columns their types, as a study does."""
    table = files.read(path, Asked(target="x0"))
    typed(table.frame, Hints(table.decimal))


def measure(repeats: int, rows: int = ROWS) -> Table:
    """Time the reading of a large text file against pandas."""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        for kind in KINDS:
            write(path, kind, rows)
            turns = {
                "search.tables": partial(seconds, read, path),
                "pandas": partial(seconds, pd.read_csv, path),
            }
            times = take_turns(turns, repeats)
            ours, theirs = times["search.tables"], times["pandas"]
            lines.append([kind, f"{ours:.2f}", f"{theirs:.2f}", f"{ours / theirs:.2f}"])
            say(*lines[-1])
    return Table(
        [f"{rows:,} x {COLUMNS}", "search.tables", "pandas", "ratio"],
        lines,
        f"Seconds, medians of {repeats} repeats that take turns. The ratio is the time of search.tables divided by that of "
        f"pandas. pandas {pd.__version__}.",
    )


def main() -> None:
    command = parser("benchmarks.reading", measure.__doc__)
    command.add_argument("--rows", type=int, default=ROWS, help="rows of the file (%(default)s)")
    command.add_argument("--repeats", type=int, default=3, help="a figure is the median over the repeats (%(default)s)")
    options = vars(command.parse_args())
    run("reading", measure, options.pop("markdown"), **options)


if __name__ == "__main__":
    main()
