"""Memory that reading a text file needs, in bytes of the table that results.

    python -m benchmarks.read_memory [--markdown FILE]

Each kind of file is read in a process of its own: the peak while it is read and its columns get their types, minus the
memory in use before, over the bytes of the table. Then the same for the file as gzip. The bound is
`search.tables.size.COPIES`; texts of more columns than `WIDE` have another one, and each column counts beside its cells.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.common import Table, in_a_new_process, main, say, take_turns
from benchmarks.memory import MEGA, forget_peak, peak

SIZE = 100_000_000
"""Bytes of a file."""

Random = np.random.Generator


def _texts(random: Random, cells: Callable[[int], list[str]]) -> pd.DataFrame:
    return pd.DataFrame({f"x{i}": cells(2000) for i in range(10)})


KINDS: dict[str, Callable[[Random], pd.DataFrame]] = {
    "fractions": lambda random: pd.DataFrame(random.normal(size=(2000, 50)).round(4)),
    "digits": lambda random: pd.DataFrame(random.integers(0, 10, size=(2000, 50))),
    "nearly all missing": lambda random: pd.DataFrame(random.normal(size=(2000, 50)).round()).mask(
        random.uniform(size=(2000, 50)) < 0.9
    ),
    "many texts": lambda random: _texts(random, lambda n: [f"{x:x} some" for x in random.integers(0, 2**40, n)]),
    "few texts": lambda random: _texts(random, lambda n: random.choice(["red", "green", ""], n).tolist()),
    "leading zeros": lambda random: _texts(random, lambda n: [f"0{x}" for x in random.integers(1000, 9999, n)]),
    "texts of 100 kB": lambda random: pd.DataFrame(
        {"x0": [f"{x:x}" * 10_000 for x in random.integers(2**36, 2**40, 20)], "x1": 1}
    ),
    "a text of 50 MB": lambda random: pd.DataFrame({"x0": ["ab" * 25_000_000], "x1": 1}),
    "quoted lines": lambda random: _texts(random, lambda n: [f"{x:x}\n{x}, a" for x in random.integers(0, 2**40, n)]),
    "20,000 columns": lambda random: pd.DataFrame(random.normal(size=(50, 20_000)).round(3)),
    "100,000 columns": lambda random: pd.DataFrame(random.integers(0, 10, size=(20, 100_000))),
}


def write(path: Path, kind: str, size: int) -> None:
    """Write a file of at least so many bytes: the same rows, many times."""
    frame = KINDS[kind](np.random.default_rng(0))
    rows = frame.to_csv(index=False, header=False)
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(f"x{i}" for i in range(frame.shape[1])) + "\n")
        for _ in range(-(-size // len(rows))):
            file.write(rows)


def child(path: str) -> float:
    """Read a file in this process; return the peak memory over that of the table."""
    from bpmodel.preprocessing.texts.marks import Hints
    from search.tables import sources
    from search.tables.typed import typed

    small = pd.DataFrame({"a": ["1", "x", ""] * 9, "b": 1.5})
    with tempfile.TemporaryDirectory() as folder:
        small.to_csv(Path(folder, "t.csv"), index=False)
        typed(sources.read(str(Path(folder, "t.csv"))).frame)  # so that imports and pools do not count
    before = forget_peak()
    table = sources.read(path)
    made = typed(table.frame, Hints(table.decimal))
    most = max(float(frame.memory_usage(index=False, deep=True).sum()) for frame in (table.frame, made.frame))
    return (peak() - before) / most


def times(path: Path) -> float:
    """Read a file in a process of its own; return the peak memory over that of the table."""
    code = "import sys; from benchmarks.read_memory import child; print(child(sys.argv[1]))"
    return float(in_a_new_process(code, str(path)))


def measure(repeats: int, size: int = SIZE, kinds: tuple[str, ...] = tuple(KINDS)) -> Table:
    """Measure the memory of reading files of several kinds, plain and packed."""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds:
            path, packed = Path(folder) / "t.csv", Path(folder) / "t.csv.gz"
            write(path, kind, size)
            with path.open("rb") as file, gzip.open(packed, "wb", compresslevel=1) as out:
                shutil.copyfileobj(file, out)
            found = take_turns({"plain": partial(times, path), "gzip": partial(times, packed)}, repeats)
            lines.append([kind, *(f"{value:.2f}" for value in found.values())])
            say(*lines[-1])
    return Table(
        ["a text file of", "plain", "gzip"],
        lines,
        f"Peak memory of reading {size / MEGA:.0f} MB and typing it, over the bytes of the table. pandas {pd.__version__}.",
    )


if __name__ == "__main__":
    main("read_memory", measure, repeats=1)
