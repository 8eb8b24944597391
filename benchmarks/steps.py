"""Time of one training step: BPRegressor and BPClassifier against scikit-learn's MLP and, where installed, eager PyTorch.

    python -m benchmarks.steps [--repeats 5] [--markdown FILE]

Six network shapes, Adam, relu, one BLAS thread, all in one process. A fit is timed with a number of epochs and with twice as
many. The difference, divided by the steps between, is the time of a step, so the setup is not counted. The peers take turns,
and each figure is the median over the repeats. scikit-learn is timed twice: as people run it, in float64, in which it
computes unless the rows are float32; and in float32, in which bpmodel computes unless told otherwise.

The largest shape is also compared with what the processor can do. Its matrix products have a number of operations per second;
the benchmark reports it as a share of that of a product of two 1024 x 1024 matrices by the same BLAS (the fastest of many).
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg.blas import sgemm
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.common import Table, main, say, seconds, take_turns
from bpmodel import BPClassifier, BPRegressor

BATCHES = 10
SECONDS = 0.2
PEAK_SIZE, PEAK_TRIES = 1024, 20


class Shape(NamedTuple):
    units: tuple[int, ...]
    batch: int

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.units))}, {self.batch}"

    @property
    def operations(self) -> int:
        """Floating-point operations of a step's matrix products; the first layer needs no gradient of its inputs."""
        products = [self.batch * fan_in * fan_out for fan_in, fan_out in pairwise(self.units)]
        return 6 * sum(products) - 2 * products[0]


SHAPES = (
    Shape((64, 100, 10), 200),
    Shape((64, 100, 10), 32),
    Shape((30, 32, 1), 32),
    Shape((10, 64, 64, 1), 32),
    Shape((30, 128, 128, 1), 128),
    Shape((30, 256, 256, 256, 1), 256),
)


def data(shape: Shape, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((shape.batch * BATCHES, shape.units[0])).astype(dtype)
    outputs = shape.units[-1]
    y = rng.integers(outputs, size=len(X)) if outputs > 1 else rng.standard_normal(len(X)).astype(dtype)
    return X, y


def network(regressor: type, classifier: type, shape: Shape, epochs: int) -> Any:
    """Return an estimator of a shape that trains for all its epochs."""
    return (classifier if shape.units[-1] > 1 else regressor)(
        hidden_layer_sizes=shape.units[1:-1],
        batch_size=shape.batch,
        max_iter=epochs,
        tol=0,
        n_iter_no_change=np.inf,
        random_state=0,
    )


def scikit_like(regressor: type, classifier: type, shape: Shape, dtype: type) -> Callable[[int], None]:
    X, y = data(shape, dtype)

    def fit(epochs: int) -> None:
        network(regressor, classifier, shape, epochs).fit(X, y)

    return fit


def torch_like(shape: Shape) -> Callable[[int], None]:
    import torch

    torch.set_num_threads(1)
    X, y = (torch.from_numpy(a) for a in data(shape, np.float32))
    classes = shape.units[-1] > 1
    if not classes:
        y = y[:, None]

    def fit(epochs: int) -> None:
        torch.manual_seed(0)
        layers: list[torch.nn.Module] = []
        for fan_in, fan_out in pairwise(shape.units):
            layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
        model = torch.nn.Sequential(*layers[:-1])
        loss = torch.nn.CrossEntropyLoss() if classes else torch.nn.MSELoss()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        for _ in range(epochs):
            order = torch.randperm(len(X))
            for start in range(0, len(X), shape.batch):
                rows = order[start : start + shape.batch]
                optimizer.zero_grad()
                loss(model(X[rows]), y[rows]).backward()
                optimizer.step()

    return fit


def seconds_per_step(fit: Callable[[int], None], epochs: int) -> float:
    once = seconds(fit, epochs)
    difference = max(
        seconds(fit, 2 * epochs) - once, 1e-9
    )  # short fits on a busy machine can give a negative difference
    return difference / (epochs * BATCHES)


def enough_epochs(fit: Callable[[int], None], least: float) -> int:
    """Return the epochs of a fit of about `least` seconds. They are found by doubling, so a busy moment does little harm."""
    seconds(fit, 2)
    epochs = 5
    while seconds(fit, epochs) < 0.7 * least:
        epochs *= 2
    return epochs


def contenders(shape: Shape) -> dict[str, Callable[[int], None]]:
    """Return the contenders, bpmodel first."""
    fits = {
        "bpmodel": scikit_like(BPRegressor, BPClassifier, shape, np.float32),
        "scikit-learn float64": scikit_like(MLPRegressor, MLPClassifier, shape, np.float64),
        "scikit-learn float32": scikit_like(MLPRegressor, MLPClassifier, shape, np.float32),
    }
    if find_spec("torch"):
        fits["PyTorch"] = torch_like(shape)
    return fits


def peak() -> float:
    """Return the most operations per second of single-precision matrix products, in the orientation that BLAS prefers."""
    a, b, c = (np.ones((PEAK_SIZE, PEAK_SIZE), dtype=np.float32, order="F") for _ in range(3))
    multiply = partial(sgemm, 1.0, a, b, c=c, overwrite_c=1)
    return 2 * PEAK_SIZE**3 / min(seconds(multiply) for _ in range(PEAK_TRIES))


def measure(repeats: int, shapes: tuple[Shape, ...] = SHAPES, least: float = SECONDS) -> Table:
    """Time a training step against the peers."""
    rows: list[list[str]] = []
    ratios: dict[str, list[float]] = {}
    for shape in shapes:
        turns = {
            name: partial(seconds_per_step, fit, enough_epochs(fit, least)) for name, fit in contenders(shape).items()
        }
        times = take_turns(turns, repeats)
        ours = times.pop("bpmodel")
        for name, theirs in times.items():
            ratios.setdefault(name, []).append(theirs / ours)
        rows.append([str(shape), f"{ours * 1e6:.1f}", *(f"{t * 1e6:.0f} ({t / ours:.1f}x)" for t in times.values())])
        say(*rows[-1])
    rows.append(["geometric mean", "", *(f"{statistics.geometric_mean(r):.1f}x" for r in ratios.values())])
    rows.append(["smallest", "", *(f"{min(r):.1f}x" for r in ratios.values())])
    rate, most = shape.operations / ours, max(peak() for _ in range(repeats))
    return Table(
        ["network, batch", "bpmodel", *ratios],
        rows,
        f"Microseconds per step (multiple of bpmodel's time). The matrix products of the last shape run at "
        f"{rate / 1e9:.1f} GFLOP/s, {rate / most:.0%} of this machine's {most / 1e9:.1f}, if the whole step is counted. "
        f"One BLAS thread, median of {repeats} repeats.",
    )


if __name__ == "__main__":
    main("steps", measure, repeats=5)
