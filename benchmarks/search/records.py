"""What was measured so far: a line of JSON for each run, so that hours of a benchmark survive an interruption."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.search.contenders import Run

Key = tuple[str, int, str]
"""set, seed, contender"""


def read(path: Path) -> dict[Key, Run]:
    """Return the runs that a file holds; none if there is no such file."""
    if not path.exists():
        return {}
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        key = record.pop("set"), record.pop("seed"), record.pop("contender")
        found[key] = Run(**record | {"curve": [tuple(point) for point in record["curve"]]})
    return found


def append(path: Path, key: Key, run: Run) -> None:
    """Add a run to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    name, seed, contender = key
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"set": name, "seed": seed, "contender": contender, **run._asdict()}) + "\n")
