"""scikit-learn's MLP with the same rows and options: it raises, warns that it has not converged, or says nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.stability.baselines import EXPLODING, Judgement
from benchmarks.stability.corpus import Cell
from benchmarks.stability.runs import data
from bpmodel import BPClassifier, BPRegressor


def options(cell: Cell, classes: bool) -> dict[str, Any] | None:
    """Return the options of a cell for scikit-learn's MLP.

    None if it lacks such an option or value, or if the cell prepares the initial weights.
    """
    network = MLPClassifier if classes else MLPRegressor
    defaults = (BPClassifier if classes else BPRegressor)().get_params()
    wanted = {name: value for name, value in {**cell.base, **cell.change}.items() if value != defaults[name]}
    known = network().get_params()
    if cell.prepare is not None or not wanted.keys() <= known.keys():
        return None
    for name in ("solver", "activation", "learning_rate", "loss"):
        constraint = network._parameter_constraints.get(name, [None])[0]
        if name in wanted and wanted[name] not in getattr(constraint, "options", ()):
            return None
    return wanted


def judge(cell: Cell, seed: int) -> Judgement | None:
    """Fit scikit-learn's MLP with its default stopping and return its judgement; None if it cannot judge the cell."""
    rows = data(cell, seed)
    wanted = options(cell, rows.classes)
    if wanted is None:
        return None
    network = (MLPClassifier if rows.classes else MLPRegressor)(random_state=seed, **wanted)
    with np.errstate(all="ignore"):
        try:
            network.fit(rows.X[rows.training], rows.y[rows.training])
        except ValueError:  # "Solver produced non-finite parameter weights"
            return Judgement(True, EXPLODING)
    unconverged = network.n_iter_ == network.max_iter  # then it gives a ConvergenceWarning
    return Judgement(False, ("slow_convergence", "underfitting") if unconverged else ())
