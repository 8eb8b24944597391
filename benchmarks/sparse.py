"""Time of an epoch on sparse rows, against scikit-learn's MLP on the same rows.

    python -m benchmarks.sparse [--repeats 3] [--markdown FILE]

The rows are compressed sparse rows such as texts give: many columns, few values in each row. The network is a classifier of
two classes with one hidden layer; Adam, minibatches of 200, one BLAS thread. The time of an epoch is that of a fit with more
epochs minus that of a fit with one, divided by the epochs between.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array, random_array
from sklearn.neural_network import MLPClassifier

from benchmarks.common import Table, main, say, seconds, take_turns
from bpmodel import BPClassifier

EPOCHS = 3


class Texts(NamedTuple):
    rows: int
    columns: int
    density: float
    units: int

    def __str__(self) -> str:
        return f"{self.rows:,} x {self.columns:,}, {self.density:.1%}, {self.units} units"


MEASURED = (Texts(5_000, 20_000, 0.002, 100), Texts(5_000, 2_000, 0.02, 100), Texts(20_000, 1_000, 0.05, 32))


def data(texts: Texts, dtype: type) -> tuple[csr_array, np.ndarray]:
    rng = np.random.default_rng(0)
    shape = texts.rows, texts.columns
    X = csr_array(random_array(shape, density=texts.density, format="csr", rng=rng, dtype=np.float64)).astype(dtype)
    return X, (X @ rng.standard_normal(texts.columns) > 0).astype(int)


def seconds_per_epoch(classifier: type, texts: Texts, dtype: type) -> Callable[[], float]:
    X, y = data(texts, dtype)

    def fit(epochs: int) -> Any:
        return classifier(
            hidden_layer_sizes=texts.units, max_iter=epochs, tol=0, n_iter_no_change=np.inf, random_state=0
        ).fit(X, y)

    def turn() -> float:
        once = seconds(fit, 1)
        return (seconds(fit, 1 + EPOCHS) - once) / EPOCHS

    return turn


def measure(repeats: int, texts: tuple[Texts, ...] = MEASURED) -> Table:
    """Time an epoch on sparse rows against scikit-learn's MLP."""
    names = "bpmodel", "scikit-learn float64", "scikit-learn float32"
    rows = []
    for case in texts:
        turns = {
            "bpmodel": seconds_per_epoch(BPClassifier, case, np.float32),
            "scikit-learn float64": seconds_per_epoch(MLPClassifier, case, np.float64),
            "scikit-learn float32": seconds_per_epoch(MLPClassifier, case, np.float32),
        }
        turns["bpmodel"]()
        times = take_turns(turns, repeats)
        ours = times["bpmodel"]
        rows.append(
            [str(case), f"{ours * 1e3:.0f}", *(f"{times[n] * 1e3:.0f} ({times[n] / ours:.1f}x)" for n in names[1:])]
        )
        say(*rows[-1])
    return Table(
        ["rows", *names],
        rows,
        f"Milliseconds per epoch (multiple of bpmodel's time). One BLAS thread, median of {repeats} repeats.",
    )


if __name__ == "__main__":
    main("sparse", measure, repeats=3)
