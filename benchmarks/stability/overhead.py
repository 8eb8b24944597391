"""The overhead of watching: a fit with the defaults against the same fit without watch and probes, on six network shapes.

No option turns both off, so the settings of a fit are changed after it has begun. Both take turns, each time with a new fit.
"""

from __future__ import annotations

import statistics
import time
from typing import NamedTuple

import numpy as np

from benchmarks.steps import SHAPES, Shape, data, network
from bpmodel import BPClassifier, BPRegressor

EPOCHS = 100
SECONDS = 4.0
LEAST_REPEATS = 5


class Cost(NamedTuple):
    """Watched over unwatched time of one shape: the median over the rounds, and the ratio of the shortest times."""

    shape: Shape
    median: float
    least: float
    rounds: int


def seconds(shape: Shape, watched: bool, epochs: int) -> float:
    """Return the time of the epochs of one fit, without its setup."""
    X, y = data(shape, np.float32)
    training = network(BPRegressor, BPClassifier, shape, epochs).begin_fit(X, y)
    if not watched:
        training.settings = training.settings._replace(watch=False, probing=False)
    started = time.perf_counter()
    training.advance(epochs)
    return time.perf_counter() - started


def measure(
    shapes: tuple[Shape, ...] = SHAPES, epochs: int = EPOCHS, budget: float = SECONDS, least: int = LEAST_REPEATS
) -> list[Cost]:
    """Return the cost for each shape, from as many rounds as fit into `budget` seconds, but at least `least`."""
    costs = []
    for shape in shapes:
        seconds(shape, True, 2)
        rounds: list[tuple[float, float]] = []
        started = time.perf_counter()
        while len(rounds) < least or time.perf_counter() - started < budget:
            order = (True, False) if len(rounds) % 2 else (False, True)
            taken = {watched: seconds(shape, watched, epochs) for watched in order}
            rounds.append((taken[True], taken[False]))
        with_watch, without = (list(side) for side in zip(*rounds, strict=True))
        median = statistics.median(a / b for a, b in rounds)
        costs.append(Cost(shape, median, min(with_watch) / min(without), len(rounds)))
    return costs
