"""Measure all blocks, or those that are named, and write them into the document: `python -m docs.article [NAME ...]`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.common import keep, say
from docs.article import (
    death,
    factors,
    gain,
    momentum,
    nonfinite,
    normalization,
    plateaus,
    rates,
    remedies,
    saturation,
    slopes,
    starts,
)
from docs.article.block import Block

FILE = Path(__file__).parents[1] / "exploding_gradients.md"
BLOCKS: dict[str, Callable[[], Block]] = {
    "slopes": slopes.measure,
    "saturation": saturation.measure,
    "gain": gain.measure,
    "rates": rates.measure,
    "factors": factors.measure,
    "momentum": momentum.measure,
    "remedies": remedies.measure,
    "normalization": normalization.measure,
    "death": death.measure,
    "nonfinite": nonfinite.measure,
    "plateaus": plateaus.measure,
    "starts": starts.measure,
}
"""In the order of the document."""


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m docs.article", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"one of {', '.join(BLOCKS)}; by default all")
    names = parser.parse_args().names
    for name in names:
        if name not in BLOCKS:
            parser.error(f"name {name!r} is unknown; allowed are {', '.join(BLOCKS)}")
    for name in names or BLOCKS:
        started = time.perf_counter()
        block = BLOCKS[name]()
        block.save(name)
        keep(block.text(name), name, FILE)
        say(name, f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
