"""Time of `predict` against scikit-learn's MLP: for one row, as a service asks for, and for 100,000 rows, as a table has.

    python -m benchmarks.prediction [--repeats 3] [--markdown FILE]

Both networks have the same shape and get the same rows, once in float64 and once in float32. scikit-learn's network is fitted
and computes in the precision of the rows, bpmodel's in float32. One BLAS thread; checking and converting the rows is counted.
"""

from __future__ import annotations

import timeit
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.common import Table, main, say, take_turns
from benchmarks.steps import SHAPES, Shape, data
from bpmodel import BPClassifier, BPRegressor

SECONDS = 0.2
ROWS = (1, 100_000)
DTYPES = (np.float64, np.float32)
MEASURED = (SHAPES[0], SHAPES[2], SHAPES[-1])


def fitted(regressor: type, classifier: type, shape: Shape, dtype: type) -> Any:
    model = (classifier if shape.units[-1] > 1 else regressor)(
        hidden_layer_sizes=shape.units[1:-1], batch_size=shape.batch, max_iter=1, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(*data(shape, dtype))


def seconds_per_call(predict: Callable, X: np.ndarray, least: float) -> Callable[[], float]:
    timer = timeit.Timer(lambda: predict(X))
    predict(X)
    calls = max(1, int(least / timer.timeit(1)))
    return lambda: timer.timeit(calls) / calls


def measure(
    repeats: int, shapes: tuple[Shape, ...] = MEASURED, rows: tuple[int, ...] = ROWS, least: float = SECONDS
) -> Table:
    """Time predictions against scikit-learn's MLP."""
    lines = []
    for shape in shapes:
        for n in rows:
            for dtype in DTYPES:
                X = np.random.default_rng(0).standard_normal((n, shape.units[0])).astype(dtype)
                turns = {
                    "ours": seconds_per_call(fitted(BPRegressor, BPClassifier, shape, dtype).predict, X, least),
                    "theirs": seconds_per_call(fitted(MLPRegressor, MLPClassifier, shape, dtype).predict, X, least),
                }
                times = take_turns(turns, repeats)
                ours, theirs = times["ours"] * 1e3, times["theirs"] * 1e3
                network = "-".join(map(str, shape.units))
                lines.append(
                    [network, f"{n:,}", np.dtype(dtype).name, f"{ours:.3g}", f"{theirs:.3g}", f"{theirs / ours:.2f}x"]
                )
                say(*lines[-1])
    return Table(
        ["network", "rows", "dtype of the rows", "bpmodel", "scikit-learn", "ratio"],
        lines,
        f"Milliseconds per call of `predict`. One BLAS thread, median of {repeats} repeats.",
    )


if __name__ == "__main__":
    main("prediction", measure, repeats=3)
