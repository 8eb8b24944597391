"""What the benchmarks share: turns, tables, the description of the machine, the command line."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Hashable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import scipy.linalg  # noqa: F401 - loads the BLAS that compiled code calls
from threadpoolctl import ThreadpoolController, threadpool_limits

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "NumPy": "numpy",
    "SciPy": "scipy",
    "Numba": "numba",
    "scikit-learn": "scikit-learn",
    "PyTorch": "torch",
}

Name = TypeVar("Name", bound=Hashable)


class Table(NamedTuple):
    """Rows of text under a head; `note` explains the figures."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str

    def __str__(self) -> str:
        return f"{grid(self.head, self.rows)}\n\n{self.note} {machine()}."


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in (head, *rows)]
    lines.insert(1, "|" + "---|" * len(head))
    return "\n".join(lines)


def take_turns(contenders: dict[Name, Callable[[], float]], repeats: int) -> dict[Name, float]:
    """Return the median figure of each contender. They take turns in every round, so all see the same machine."""
    figures: dict[Name, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, measure in contenders.items():
            figures[name].append(measure())
    return {name: statistics.median(values) for name, values in figures.items()}


def seconds(function: Callable[..., Any], *args: Any) -> float:
    """Return how long a call takes; warnings are suppressed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        started = time.perf_counter()
        function(*args)
        return time.perf_counter() - started


def in_a_new_process(code: str, *args: str, **environment: str) -> str:
    """Run Python code in a process of its own, with one BLAS thread, and return what it prints."""
    return subprocess.run(
        [sys.executable, "-c", code, *args],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def remembered(path: Path) -> list[Any]:
    """Return the records that `remember` wrote to a file; an empty list if there is no such file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def remember(path: Path, record: Any) -> None:
    """Append a record to a file as a line of JSON, so that an interrupted benchmark loses nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def say(*cells: Any) -> None:
    """Print a row to stderr while the rest is being measured."""
    print("  " + "  ".join(str(cell) for cell in cells), file=sys.stderr, flush=True)


def machine() -> str:
    """Return the processor and the versions of the packages."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = [f"Python {platform.python_version()}"]
    for name, package in PACKAGES.items():
        try:
            versions.append(f"{name} {version(package)}")
        except PackageNotFoundError:
            continue
    blas = {
        f"{library['internal_api']} {library['version']} ({library.get('architecture', 'unknown kernels')})"
        for library in ThreadpoolController().info()
        if library["user_api"] == "blas"
    }
    return ", ".join([f"{cores} cores of {_processor()}", *versions, *sorted(blas)])


def _processor() -> str:
    try:
        models = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        models = []
    return models[0] if models else platform.processor() or platform.machine()


def publish(text: str, name: str, markdown: Path | None) -> None:
    """Print the tables of a benchmark, and write them to a file if there is one."""
    print(f"\n{text}\n", flush=True)
    if markdown is not None:
        keep(text, name, markdown)


def keep(text: str, name: str, path: Path) -> None:
    """Write a table to a Markdown file: between ``<!-- name -->`` and ``<!-- end of name -->``, or else at its end."""
    block = f"<!-- {name} -->\n{text}\n<!-- end of {name} -->"
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    place = rf"<!-- {name} -->\n.*?<!-- end of {name} -->"
    if re.search(place, old, re.DOTALL):
        new = re.sub(place, lambda _: block, old, count=1, flags=re.DOTALL)
    else:
        new = "\n\n".join(part for part in (old.rstrip("\n"), block) if part) + "\n"
    path.write_text(new, encoding="utf-8")


def parser(program: str, description: str | None) -> argparse.ArgumentParser:
    """Return a command line with the option that all benchmarks have."""
    made = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    made.add_argument(
        "--markdown", type=Path, help="also write the tables to this file, each in the place with its name"
    )
    return made


def main(name: str, measure: Callable[..., Table], repeats: int) -> None:
    """Run one benchmark from the command line."""
    command = parser(f"benchmarks.{name}", measure.__doc__)
    command.add_argument(
        "--repeats", type=int, default=repeats, help="a figure is the median over the repeats (%(default)s)"
    )
    options = command.parse_args()
    run(name, measure, options.markdown, repeats=options.repeats)


def main_over_sets(name: str, measure: Callable[..., Table], rows: int) -> None:
    """Run a benchmark over data sets from the command line; `rows` is the default of `--rows`."""
    command = parser(f"benchmarks.{name}", measure.__doc__)
    command.add_argument("--data", type=Path, help="folder of data sets; by default those inside scikit-learn")
    command.add_argument("--rows", type=int, default=rows, help="largest number of rows of a set (%(default)s)")
    command.add_argument("--jobs", type=int, default=2, help="fits at a time (%(default)s)")
    options = vars(command.parse_args())
    run(name, measure, options.pop("markdown"), **options)


def run(name: str, measure: Callable[..., Table], markdown: Path | None, **options: Any) -> None:
    """Measure on one BLAS thread, print the table, and write it to `markdown` if given."""
    with threadpool_limits(1, user_api="blas"):
        text = str(measure(**options))
    publish(text, name, markdown)
