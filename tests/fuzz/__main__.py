"""Run fuzz targets: ``python -m tests.fuzz [NAME …] [--seed n] [--attempts n] [--first n] [--jobs n]``.

Without names, all targets run, each with its full number of attempts. One attempt is repeated by ``NAME --first n --attempts 1``
with the seed that is printed. The exit code is 1 if a fault was found.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

from tests.fuzz.running import Fault, run
from tests.fuzz.targets import targets

SEED = 19
"""The seed of `make fuzz`."""
EVERY = 500
"""Attempts between two lines that say how far a target is."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the targets that are named; print each fault when it is found, and one line of figures for each target."""
    found = targets()
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Run fuzz targets.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"target: {', '.join(found)} (default: all)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--attempts", type=int, help="number of attempts (default: each target's own)")
    parser.add_argument("--first", type=int, default=0, help="number of the first attempt (default: 0)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time (default: all cores)"
    )
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in found]:
        parser.error(f"NAME = {unknown[0]!r}; allowed are {', '.join(found)}")
    totals = [_run(found[name], options) for name in options.names or found]
    return 1 if any(totals) else 0


def _run(target, options: argparse.Namespace) -> int:
    """Run one target; return the number of faults."""
    attempts = target.GOAL if options.attempts is None else options.attempts
    start = time.monotonic()

    def tell(done: int, fault: Fault | None) -> None:
        if fault:
            print(f"{target.NAME} --first {fault.number}: {fault.text}", flush=True)
        if done % EVERY == 0:
            print(f"{target.NAME}: {done} of {attempts}, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)

    numbers = range(options.first, options.first + attempts)
    faults = run(target.NAME, options.seed, numbers, options.jobs, tell=tell)
    seconds = time.monotonic() - start
    print(
        f"{target.NAME}: {attempts} attempts with seed {options.seed}, {len(faults)} faults, {seconds:.0f} s",
        flush=True,
    )
    return len(faults)


if __name__ == "__main__":
    sys.exit(main())
