"""The runs so far: one line of JSON for each, so that an interrupted benchmark loses nothing."""

from __future__ import annotations

from pathlib import Path

from benchmarks.common import remember, remembered
from benchmarks.search.contenders import Run

Key = tuple[str, int, str]
"""set, seed, contender"""


def read(path: Path) -> dict[Key, Run]:
    """Return the runs that a file holds; none if there is no such file."""
    found = {}
    for record in remembered(path):
        key = record.pop("set"), record.pop("seed"), record.pop("contender")
        found[key] = Run(**record | {"curve": [tuple(point) for point in record["curve"]]})
    return found


def append(path: Path, key: Key, run: Run) -> None:
    """Append a run to a file."""
    name, seed, contender = key
    remember(path, {"set": name, "seed": seed, "contender": contender, **run._asdict()})
