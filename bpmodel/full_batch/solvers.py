"""The table of full-batch solvers, and the other options that they support."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bpmodel.full_batch import bayesian_regularization, lbfgs, levenberg_marquardt, scaled_conjugate_gradient
from bpmodel.full_batch.levenberg_marquardt import MOST_PARAMETERS
from bpmodel.full_batch.solver import Solver
from bpmodel.functions.optimizers import OPTIMIZERS
from bpmodel.names.short import short

FULL_BATCH: dict[str, Solver] = {
    row.name: row
    for row in (
        Solver("lbfgs", "limited-memory BFGS, as in scikit-learn", lbfgs.start, lbfgs.step),
        Solver(
            "scg",
            "scaled conjugate gradient",
            scaled_conjugate_gradient.start,
            scaled_conjugate_gradient.step,
        ),
        Solver(
            "lm",
            f"Levenberg-Marquardt; for loss 'squared_error' and up to {MOST_PARAMETERS} parameters",
            levenberg_marquardt.start,
            levenberg_marquardt.step,
            losses=("squared_error",),
            most_parameters=MOST_PARAMETERS,
        ),
        Solver(
            "lm_bayesian",
            "'lm' with alpha estimated from the data by Bayesian regularization",
            bayesian_regularization.start,
            bayesian_regularization.step,
            losses=("squared_error",),
            most_parameters=MOST_PARAMETERS,
            learned=("effective_parameters",),
        ),
    )
}

OPTIMIZERS.reserve(FULL_BATCH)

ONLY: dict[str, tuple] = {
    "normalization": ("none",),
    "dropout": (0,),
    "input_noise": (0,),
    "l1": (0,),
    "weight_decay": (None, 0),
    "max_norm": (None,),
    "ema_decay": (0,),
    "clipping": ("none",),
}
"""Options that change the objective or concern single steps, with the values that full-batch solvers support.

Options of the minibatch step (batch_size, learning_rate, momentum, …) are ignored, as in scikit-learn's MLP.
"""


def check(params: Mapping[str, Any]) -> None:
    """Raise ValueError if a full-batch solver does not support the options."""
    solver = FULL_BATCH[params["solver"]]
    allowed = ONLY if solver.losses is None else {**ONLY, "loss": solver.losses}
    for name, values in allowed.items():
        if params[name] not in values:
            choices = " or ".join(map(repr, values))
            raise ValueError(f"solver={solver.name!r} needs {name}={choices}; got {name}={short(params[name])}")


def check_size(solver: Solver, parameters: int) -> None:
    """Raise ValueError if a network has too many parameters for the solver."""
    if solver.most_parameters is not None and parameters > solver.most_parameters:
        unlimited = " or ".join(repr(row.name) for row in FULL_BATCH.values() if row.most_parameters is None)
        raise ValueError(
            f"solver={solver.name!r} takes at most {solver.most_parameters} parameters; this network has {parameters}: "
            f"use solver={unlimited}, or fewer hidden units"
        )
