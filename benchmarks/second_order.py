"""Cross-validated error at equal time: Levenberg-Marquardt against Adam, L-BFGS and scikit-learn's L-BFGS.

    python -m benchmarks.second_order --data FOLDER [--repeats 3] [--sizes 10 16] [--alpha 0.1] [--markdown FILE]

Each of `SETS` is ``FOLDER/NAME/NAME.csv.gz`` with a header and the target in the last column. The networks have one hidden
layer of tanh units. Rows and target are standardized on the training rows; five folds, one BLAS thread, all in one process.

The error at a budget is the lowest mean over the folds after 1, 2, 3, 4, 5, 7, … iterations that on average fit into the
budget. So cross-validation chooses the number of iterations, as in `search`. Fits of scikit-learn cannot pause. They are
repeated for each number of iterations, and only the last one counts.

Time is the CPU time of the process. With one BLAS thread this equals the wall time on an idle core. It includes setting up a
fit, but not compilation and scoring.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPRegressor

from benchmarks.common import Table, parser, run, say
from bpmodel import BPRegressor

SETS = ("concrete", "airfoil", "wine_red")
SIZES = (10, 16)
"""Units of the hidden layer; 10 is the default of MATLAB's fitnet, whose trainlm and trainbr two contenders follow."""

BUDGETS = (0.03, 0.1, 0.3, 1.0)
"""Seconds per fit."""
GROWTH = 1.4
MOST_ITERATIONS = 100_000


class Measured(NamedTuple):
    """The state of a fit after some iterations."""

    seconds: float
    error: float


def contenders(seed: int, units: int, alpha: float) -> dict[str, Callable[[int], Any]]:
    """Return, by name, a function from a number of iterations to an estimator."""
    shared: dict[str, Any] = {
        "hidden_layer_sizes": (units,),
        "activation": "tanh",
        "alpha": alpha,
        "tol": 0,
        "random_state": seed,
    }
    ours = {
        "lm": {"solver": "lm"},
        "lm_bayesian": {"solver": "lm_bayesian"},
        "lbfgs": {"solver": "lbfgs"},
        "scg": {"solver": "scg"},
        "adam": {"solver": "adam", "learning_rate_init": 0.01, "batch_size": 32, "n_iter_no_change": np.inf},
    }
    makers: dict[str, Callable[[int], Any]] = {
        name: lambda n, own=own: BPRegressor(max_iter=n, **shared, **own) for name, own in ours.items()
    }
    makers["scikit-learn lbfgs"] = lambda n: MLPRegressor(solver="lbfgs", max_iter=n, max_fun=10**9, **shared)
    return makers


def load(path: Path) -> tuple[NDArray, NDArray]:
    table = np.genfromtxt(path, delimiter=",", skip_header=1)
    return table[:, :-1], table[:, -1]


def curve(make: Callable[[int], Any], train: tuple[NDArray, NDArray], test: tuple[NDArray, NDArray]) -> list[Measured]:
    """Return seconds and root mean squared error after 1, 2, 3, 4, 5, 7, … iterations, up to the largest budget."""

    def measured(seconds: float) -> Measured:
        return Measured(seconds, float(np.sqrt(np.mean((model.predict(test[0]) - test[1]) ** 2))))

    found, n, seconds = [], 1, 0.0
    model = make(MOST_ITERATIONS)
    pausable = isinstance(model, BPRegressor)
    if pausable:
        started = time.process_time()
        training = model.begin_fit(*train)
        seconds = time.process_time() - started
    while seconds < BUDGETS[-1]:
        model = model if pausable else make(n)
        started = time.process_time()
        if pausable:
            training.advance(n)
        else:
            model.fit(*train)
        seconds = time.process_time() - started + (seconds if pausable else 0)
        found.append(measured(seconds))
        if training.epoch < n if pausable else model.n_iter_ < n:
            break
        n = max(n + 1, int(n * GROWTH))
    return found


def best_within_budgets(curves: list[list[Measured]]) -> list[float]:
    """Return the lowest mean error over the folds within each budget; that mean chooses the iteration."""
    curves = [
        c or [Measured(np.inf, np.inf)] for c in curves
    ]  # empty where the setup took longer than the largest budget
    longest = max(map(len, curves))
    padded = np.array([[*c, *[c[-1]] * (longest - len(c))] for c in curves])
    seconds, error = padded.mean(axis=0).T
    return [float(error[seconds <= budget].min(initial=np.inf)) for budget in BUDGETS]


def cross_validate(path: Path, seeds: int, units: int, alpha: float) -> dict[str, NDArray]:
    """Return each contender's mean error over the starts at each budget, in standard deviations of the target."""
    X, y = load(path)
    found: dict[str, list[list[float]]] = {}
    for seed in range(seeds):
        curves: dict[str, list[list[Measured]]] = {}
        for train, test in KFold(5, shuffle=True, random_state=seed).split(X):
            center, spread = X[train].mean(axis=0), X[train].std(axis=0)
            rows = (X - center) / np.where(spread > 0, spread, 1)
            target = (y - y[train].mean()) / y[train].std()
            for name, make in contenders(seed, units, alpha).items():
                curves.setdefault(name, []).append(
                    curve(make, (rows[train], target[train]), (rows[test], target[test]))
                )
        for name, folds in curves.items():
            found.setdefault(name, []).append(best_within_budgets(folds))
    return {name: np.mean(values, axis=0) for name, values in found.items()}


def measure(
    data: Path, repeats: int = 3, sizes: Sequence[int] = SIZES, alpha: float = 0.1, sets: Sequence[str] = SETS
) -> Table:
    """Compare cross-validated errors of solvers at equal time."""
    rows = []
    warnings.simplefilter("ignore", ConvergenceWarning)  # fits are stopped early on purpose
    compile_all(alpha)
    for units in sizes:
        for name in sets:
            errors = cross_validate(data / name / f"{name}.csv.gz", repeats, units, alpha)
            best = np.min(list(errors.values()), axis=0)
            for solver, values in errors.items():
                shown = (f"**{e:.4f}**" if e == b else f"{e:.4f}" for e, b in zip(values, best, strict=True))
                rows.append([f"{name}, {units} units", solver, *shown])
                say(*rows[-1])
    return Table(
        ["data, network", "solver", *(f"{budget:g} s" for budget in BUDGETS)],
        rows,
        f"Root mean squared error over five folds and {repeats} starts, target standardized; alpha={alpha:g}; "
        "the lowest in bold.",
    )


def compile_all(alpha: float) -> None:
    X = np.random.default_rng(0).normal(size=(80, 2))
    for make in contenders(0, 4, alpha).values():
        make(2).fit(X, X[:, 0]).predict(X)


def main() -> None:
    command = parser("benchmarks.second_order", measure.__doc__)
    command.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    command.add_argument("--repeats", type=int, default=3, help="starts (%(default)s)")
    command.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="units of the hidden layer %(default)s")
    command.add_argument("--alpha", type=float, default=0.1)
    options = vars(command.parse_args())
    run("second_order", measure, options.pop("markdown"), **options)


if __name__ == "__main__":
    main()
