"""Two networks in two threads, and searches with two trials at a time, against one after the other.

    python -m benchmarks.threads [--repeats 3] [--markdown FILE]

The training loop releases the GIL, so two fits on two cores should take the time of one. The benchmark times whole fits,
including the validation of the data, and whole searches, including scheduling, preparation and scoring. Each fit has one BLAS
thread. The trials of a random search are the same for any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from benchmarks.common import Table, main, say, seconds, take_turns
from benchmarks.sets import Data, load
from benchmarks.steps import SHAPES, Shape, enough_epochs, scikit_like
from bpmodel import BPClassifier, BPRegressor
from search import BPSearchCV
from search.space import spaces
from search.trials.nesting import prefix
from search.trials.pipeline import default_pipeline

SECONDS = 0.4
THREADS = 2
MEASURED = (SHAPES[0], SHAPES[3], SHAPES[-1])
SEARCHES = {"diabetes": 120, "digits": 48}
"""set inside scikit-learn -> trials of a random search: tiny fits, and larger ones; enough that the last trial matters little."""

ROWS = 10_000


def in_turn(fit: Callable[[int], None], epochs: int) -> None:
    for _ in range(THREADS):
        fit(epochs)


def in_threads(fit: Callable[[int], None], epochs: int) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(fit, [epochs] * THREADS))


def search(data: Data, trials: int, jobs: int) -> None:
    """Draw `trials` configurations of the default space and cross-validate them, `jobs` at a time."""
    pipeline = default_pipeline(data.task, {})
    space = spaces.default(prefix(pipeline))
    BPSearchCV(pipeline, space, method="random", n_trials=trials, n_jobs=jobs, refit=False, random_state=0).fit(
        data.X, data.y
    )


def measure(
    repeats: int,
    shapes: tuple[Shape, ...] = MEASURED,
    least: float = SECONDS,
    searches: Mapping[str, int] = SEARCHES,
) -> Table:
    """Time two fits in two threads, and trials two at a time, against one after the other."""
    rows = []

    def compare(title: str, turn: Callable[[], None], threads: Callable[[], None]) -> None:
        times = take_turns({"turn": partial(seconds, turn), "threads": partial(seconds, threads)}, repeats)
        gain = times["turn"] / times["threads"]
        rows.append([title, f"{times['turn']:.2f}", f"{times['threads']:.2f}", f"{gain:.2f}x"])
        say(*rows[-1])

    for shape in shapes:
        fit = scikit_like(BPRegressor, BPClassifier, shape, np.float32)
        epochs = enough_epochs(fit, least)
        compare(f"{THREADS} fits of {shape}", partial(in_turn, fit, epochs), partial(in_threads, fit, epochs))
    for name, trials in searches.items():
        (data,) = (data for data in load(None, ROWS) if data.name == name)
        compare(f"{trials} trials on {name}", *(partial(search, data, trials, jobs) for jobs in (1, THREADS)))
    return Table(
        ["", "one after the other", f"in {THREADS} threads", "gain"],
        rows,
        f"Seconds. One BLAS thread each, median of {repeats} repeats.",
    )


if __name__ == "__main__":
    main("threads", measure, repeats=3)
