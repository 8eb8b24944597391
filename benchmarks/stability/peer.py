"""scikit-learn's MLP on the same rows and options: it raises, or warns that it has not converged, or says nothing."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.stability.baselines import EXPLODING, Judgement
from benchmarks.stability.corpus import Cell
from benchmarks.stability.runs import data


def options(cell: Cell, classes: bool) -> dict[str, Any] | None:
    """Return the options of a cell for scikit-learn's MLP; None if it has no such option or value, or weights are prepared."""
    network = MLPClassifier if classes else MLPRegressor
    wanted = {**cell.base, **cell.change}
    known = network().get_params()
    if cell.prepare is not None or not wanted.keys() <= known.keys():
        return None
    for name in ("solver", "activation", "learning_rate", "loss"):
        constraint = network._parameter_constraints.get(name, [None])[0]
        if name in wanted and wanted[name] not in getattr(constraint, "options", ()):
            return None
    return wanted


def judge(cell: Cell, seed: int) -> Judgement | None:
    """Fit scikit-learn's MLP, stopping as it does by default, and return what it says; None where it cannot be asked."""
    rows = data(cell, seed)
    wanted = options(cell, rows.classes)
    if wanted is None:
        return None
    network = (MLPClassifier if rows.classes else MLPRegressor)(random_state=seed, **wanted)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            network.fit(rows.X[rows.training], rows.y[rows.training])
        except ConvergenceWarning:
            return Judgement(False, ("slow_convergence", "underfitting"))
        except ValueError:  # "Solver produced non-finite parameter weights"
            return Judgement(True, EXPLODING)
    return Judgement(False, ())
