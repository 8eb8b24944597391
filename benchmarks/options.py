"""What an option costs: the time of a training step with it, relative to a step without it.

    python -m benchmarks.options [--repeats 3] [--markdown FILE]

Two network shapes, on one BLAS thread. The variants of a shape take turns. Each begins a fit of its own, trains two epochs,
and is then timed over as many epochs as the plain network needs for `SECONDS`. The plain network is relu, adam, float32 and
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.common import Table, main, say, seconds, take_turns
from benchmarks.steps import BATCHES, SHAPES, Shape, data
from bpmodel import BPClassifier, BPRegressor
from bpmodel.functions.activations import ACTIVATIONS
from bpmodel.functions.normalization import NORMALIZATIONS
from bpmodel.functions.optimizers import OPTIMIZERS

SECONDS = 0.06
FIRST_EPOCHS = 2
PLAIN = "plain"
MEASURED = (SHAPES[0], SHAPES[-1])

VARIANTS: dict[str, dict[str, Any]] = {
    PLAIN: {},
    **{f"activation={name}": {"activation": name} for name in ACTIVATIONS if name != "relu"},
    **{f"solver={name}": {"solver": name} for name in OPTIMIZERS if name != "adam"},
    "dropout=0.2": {"dropout": 0.2},
    "clipping=norm": {"clipping": "norm"},
    "dropout=0.2, clipping=norm": {"dropout": 0.2, "clipping": "norm"},
    **{f"normalization={name}": {"normalization": name} for name in NORMALIZATIONS if name != "none"},
    "input_noise=0.1": {"input_noise": 0.1},
    "l1=0.0001": {"l1": 1e-4},
    "max_norm=3": {"max_norm": 3.0},
    "ema_decay=0.99": {"ema_decay": 0.99},
    "dtype=float64": {"dtype": "float64"},
}


def stepper(shape: Shape, options: dict[str, Any]) -> Callable[[int], float]:
    """Return a function that trains a new network for some epochs and returns the seconds per step."""
    X, y = data(shape, np.dtype(options.get("dtype", "float32")).type)
    model = (BPClassifier if shape.units[-1] > 1 else BPRegressor)(
        hidden_layer_sizes=shape.units[1:-1],
        batch_size=shape.batch,
        max_iter=10**6,
        tol=0,
        n_iter_no_change=np.inf,
        on_divergence="ignore",
        random_state=0,
    ).set_params(**options)

    def seconds_per_step(epochs: int) -> float:
        training = model.begin_fit(X, y)
        training.advance(FIRST_EPOCHS)
        return seconds(training.advance, FIRST_EPOCHS + epochs) / (epochs * BATCHES)

    return seconds_per_step


def measure(
    repeats: int,
    shapes: tuple[Shape, ...] = MEASURED,
    variants: dict[str, dict[str, Any]] = VARIANTS,
    least: float = SECONDS,
) -> Table:
    """Time a training step with each option, relative to a step without."""
    columns = []
    for shape in shapes:
        steppers = {name: stepper(shape, options) for name, options in variants.items()}
        steppers[PLAIN](1)
        epochs = max(3, int(least / (steppers[PLAIN](5) * BATCHES)))
        columns.append(take_turns({name: partial(step, epochs) for name, step in steppers.items()}, repeats))
        say(shape, f"{columns[-1][PLAIN] * 1e6:.1f} us", f"{epochs} epochs")
    rows = [[name, *(_cell(column, name) for column in columns)] for name in variants]
    return Table(
        ["option", *(str(shape) for shape in shapes)],
        rows,
        f"Multiples of the step time of the plain network (relu, adam, float32). One BLAS thread, median of {repeats} "
        "repeats.",
    )


def _cell(column: dict[str, float], name: str) -> str:
    return f"{column[name] * 1e6:.1f} us" if name == PLAIN else f"{column[name] / column[PLAIN]:.2f}"


if __name__ == "__main__":
    main("options", measure, repeats=3)
