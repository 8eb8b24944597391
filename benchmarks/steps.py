"""Time of one training step: BPRegressor / BPClassifier against scikit-learn's MLP and, where installed, eager PyTorch.

    python -m benchmarks.steps [--repeats 5] [--markdown FILE]

Six network shapes, Adam, relu, one BLAS thread, all in one process. A step's time is the time of a fit with twice the epochs
minus that of a fit with once the epochs, over the steps between: setting up is not counted. The peers take turns, and each
figure is the median over the repeats. scikit-learn is timed as people run it, in float64, which is what it computes in unless
the rows are float32, and in float32, which is what bpmodel always computes in.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

from bpmodel import BPClassifier, BPRegressor

BATCHES = 10
SECONDS = 0.25


class Shape(NamedTuple):
    units: tuple[int, ...]
    batch: int

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.units))}, {self.batch}"


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


def scikit_like(regressor: type, classifier: type, shape: Shape, dtype: type) -> Callable[[int], None]:
    X, y = data(shape, dtype)

    def fit(epochs: int) -> None:
        model = (classifier if shape.units[-1] > 1 else regressor)(
            hidden_layer_sizes=shape.units[1:-1],
            batch_size=shape.batch,
            max_iter=epochs,
            tol=0,
            n_iter_no_change=np.inf,
            random_state=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, y)

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
        for fan_in, fan_out in zip(shape.units[:-1], shape.units[1:], strict=True):
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
    started = time.perf_counter()
    fit(epochs)
    middle = time.perf_counter()
    fit(2 * epochs)
    return (time.perf_counter() - middle - (middle - started)) / (epochs * BATCHES)


def enough_epochs(fit: Callable[[int], None]) -> int:
    fit(2)
    return max(5, int(SECONDS / max(seconds_per_step(fit, 10) * BATCHES, 1e-6)))


def measure(shape: Shape, repeats: int) -> dict[str, float]:
    """Return microseconds per step of each contender."""
    contenders = {
        "bpmodel": scikit_like(BPRegressor, BPClassifier, shape, np.float32),
        "scikit-learn float64": scikit_like(MLPRegressor, MLPClassifier, shape, np.float64),
        "scikit-learn float32": scikit_like(MLPRegressor, MLPClassifier, shape, np.float32),
    }
    if find_spec("torch"):
        contenders["PyTorch"] = torch_like(shape)
    epochs = {name: enough_epochs(fit) for name, fit in contenders.items()}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, fit in contenders.items():
            times[name].append(seconds_per_step(fit, epochs[name]) * 1e6)
    return {name: statistics.median(values) for name, values in times.items()}


def table(repeats: int) -> str:
    rows: list[list[str]] = []
    ratios: dict[str, list[float]] = {}
    for shape in SHAPES:
        times = measure(shape, repeats)
        ours = times.pop("bpmodel")
        for name, theirs in times.items():
            ratios.setdefault(name, []).append(theirs / ours)
        if not rows:
            rows.append(["network, batch", "bpmodel", *times])
        rows.append([str(shape), f"{ours:.1f}", *(f"{t:.0f} ({t / ours:.1f}x)" for t in times.values())])
        print("  ".join(rows[-1]), flush=True)
    rows.append(["geometric mean", "", *(f"{statistics.geometric_mean(r):.1f}x" for r in ratios.values())])
    rows.append(["smallest", "", *(f"{min(r):.1f}x" for r in ratios.values())])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    lines += [
        "",
        f"Microseconds per step (multiple of bpmodel's time). {platform.processor() or platform.machine()}, "
        f"Python {platform.python_version()}, NumPy {np.__version__}, scikit-learn {sklearn.__version__}; "
        f"one BLAS thread, median of {repeats} repeats.",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="time of one training step against the peers")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--markdown", type=Path, help="write the table to this file, too")
    arguments = parser.parse_args()
    with threadpool_limits(1, user_api="blas"):
        text = table(arguments.repeats)
    print(f"\n{text}")
    if arguments.markdown:
        arguments.markdown.write_text(text + "\n")


if __name__ == "__main__":
    main()
