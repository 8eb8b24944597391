"""`python -m benchmarks` runs all benchmarks but the model card, or those that are named, one after the other."""

from __future__ import annotations

from importlib import import_module

from benchmarks.common import parser, run

REPEATS = {"steps": 5, "options": 3, "threads": 3, "prediction": 3, "memory": 1, "start": 3, "sparse": 3}
"""Benchmarks in their order, and the repeats with which all of them end within five minutes."""


def main() -> None:
    command = parser("benchmarks", "time and weigh the networks and the search against their peers")
    command.add_argument("names", nargs="*", metavar="NAME", help=f"by default {', '.join(REPEATS)}")
    options = command.parse_args()
    unknown = set(options.names) - REPEATS.keys()
    if unknown:
        command.error(f"unknown: {', '.join(sorted(unknown))}; allowed are {', '.join(REPEATS)}")
    for name in options.names or REPEATS:
        module = import_module(f"benchmarks.{name}")
        print(f"{module.__doc__.splitlines()[0]}\n", flush=True)
        run(name, module.measure, options.markdown, repeats=REPEATS[name])


if __name__ == "__main__":
    main()
