"""`python -m benchmarks` runs all benchmarks of `make bench`, or those that are named, one after the other.

With `--data` it also runs those that need real data sets.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from benchmarks.common import parser, run

REPEATS = {
    "steps": 5,
    "options": 3,
    "threads": 3,
    "prediction": 3,
    "memory": 1,
    "start": 3,
    "sparse": 3,
    "bookkeeping": 1,
    "tracking": 1,
    "reading": 1,
}
"""benchmark -> repeats, in the order of running; with these repeats all of them end within ten minutes."""

ON_DATA = {"second_order": 3}


def main() -> None:
    command = parser("benchmarks", "time and weigh the networks and the search against their peers")
    command.add_argument("names", nargs="*", metavar="NAME", help=f"by default {', '.join(REPEATS)}")
    command.add_argument("--data", type=Path, help=f"folder of data sets, for {', '.join(ON_DATA)}")
    options = command.parse_args()
    available = REPEATS | (ON_DATA if options.data else {})
    unknown = set(options.names) - available.keys()
    if unknown:
        command.error(f"unknown: {', '.join(sorted(unknown))}; allowed are {', '.join(available)}")
    for name in options.names or available:
        module = import_module(f"benchmarks.{name}")
        print(f"{module.__doc__.splitlines()[0]}\n", flush=True)
        data = {"data": options.data} if name in ON_DATA else {}
        run(name, module.measure, options.markdown, repeats=available[name], **data)


if __name__ == "__main__":
    main()
