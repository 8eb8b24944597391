"""Two networks trained in two threads, against one after the other.

    python -m benchmarks.threads [--repeats 3] [--markdown FILE]

The training loop runs without the interpreter lock, so two fits on two cores should take the time of one. What is timed are
whole fits, validation of the data included, each on one BLAS thread.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from benchmarks.common import Table, main, say, seconds, take_turns
from benchmarks.steps import SHAPES, Shape, enough_epochs, scikit_like
from bpmodel import BPClassifier, BPRegressor

SECONDS = 0.4
THREADS = 2
MEASURED = (SHAPES[0], SHAPES[3], SHAPES[-1])


def in_turn(fit: Callable[[int], None], epochs: int) -> None:
    for _ in range(THREADS):
        fit(epochs)


def in_threads(fit: Callable[[int], None], epochs: int) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(fit, [epochs] * THREADS))


def measure(repeats: int, shapes: tuple[Shape, ...] = MEASURED, least: float = SECONDS) -> Table:
    """Time two fits in two threads against one after the other."""
    rows = []
    for shape in shapes:
        fit = scikit_like(BPRegressor, BPClassifier, shape, np.float32)
        epochs = enough_epochs(fit, least)
        turns = {run.__name__: partial(seconds, run, fit, epochs) for run in (in_turn, in_threads)}
        times = take_turns(turns, repeats)
        gain = times["in_turn"] / times["in_threads"]
        rows.append([str(shape), f"{times['in_turn']:.2f}", f"{times['in_threads']:.2f}", f"{gain:.2f}x"])
        say(*rows[-1])
    return Table(
        ["network, batch", "one after the other", f"in {THREADS} threads", "gain"],
        rows,
        f"Seconds of {THREADS} fits. One BLAS thread each, median of {repeats} repeats.",
    )


if __name__ == "__main__":
    main("threads", measure, repeats=3)
