"""Preflight check: find problems of a fit before its first step."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from bpmodel.base import BPEstimator
from bpmodel.curvature import rate_limit
from bpmodel.diagnosis.findings import Diagnosis, Finding
from bpmodel.diagnosis.repair import altered
from bpmodel.diagnosis.rules import RULES
from bpmodel.full_batch.solvers import FULL_BATCH

START_RULES = [rule for rule in RULES if rule.at_start]

TOO_LONG = 2.0
"""Multiple of the limit above which a learning rate is too high. Tanh networks diverge above two to four times the limit; relu
networks of a few layers end no better than the dummy predictor (`docs/plots.md`)."""

STILL = {
    "learning_rate": "constant",
    "learning_rate_init": 1e-30,
    "max_iter": 1,
    "warm_start": False,
    "early_stopping": False,
    "max_norm": None,
    "on_divergence": "ignore",
    "verbose": False,
}
"""Options with which an epoch does not change the weights."""


def preflight(estimator: BPEstimator, X: ArrayLike, y: ArrayLike, *, step_size: bool = True) -> Diagnosis:
    """Predict what is likely to go wrong in a fit, from the rows, the initial weights, and the curvature of the loss there.

    Checking the rows and the gradients at the initial weights takes about as long as an epoch. The curvature takes 30 gradients
    of 256 rows. A problem that `diagnose` finds after a fit did harm; a problem found here may turn out to be harmless.

    Parameters
    ----------
    estimator : BPRegressor or BPClassifier
        It is not changed, and need not be fitted. Without a `random_state` every call draws different initial weights.
    X, y
        As in `fit`.
    step_size : bool, default=True
        Whether to compare the learning rate with the limit given by the curvature (`step_size_number`). This is done only for
        ``solver="sgd"`` without normalization.

    Raises
    ------
    ValueError
        As in `fit`; also for a full-batch solver, which has no steps to check.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from bpmodel import BPClassifier, preflight
    >>> X, y = load_wine(return_X_y=True)
    >>> preflight(BPClassifier(random_state=0), X, y).codes
    ['unscaled_input']
    >>> preflight(BPClassifier(scale_input="standard", random_state=0), X, y).codes
    []
    """
    if estimator.solver in FULL_BATCH:
        raise ValueError(
            f"preflight only supports update rules; got solver={estimator.solver!r}, which has no learning rate"
        )
    copy = clone(estimator)
    with altered(copy, STILL):
        training = copy.begin_fit(X, y)
        training.advance(1)
        record = copy._record_of(training, {name: estimator.get_params()[name] for name in STILL})
    with np.errstate(all="ignore"):
        found = [finding for rule in START_RULES if (finding := rule(record)) is not None]
    if step_size and estimator.solver == "sgd" and estimator.normalization == "none":
        found += _steps(estimator, X, y)
    if not found:
        return Diagnosis((), "no findings before the first step")
    return Diagnosis(tuple(found), f"before the first step: {len(found)} finding{'s' if len(found) > 1 else ''}")


def _steps(estimator: BPEstimator, X: ArrayLike, y: ArrayLike) -> list[Finding]:
    """Return a finding if the learning rate is far too high for the curvature at the start."""
    rate, limit = float(estimator.learning_rate_init), rate_limit(clone(estimator), X, y)
    lower = float(f"{limit / 2:.1g}")
    if rate <= TOO_LONG * limit or lower == 0:  # where the curvature is not finite, no rate is low enough
        return []
    finding = Finding(
        "exploding_step",
        0,
        {"learning_rate": rate, "limit": limit, "step_size_number": rate / limit if limit > 0 else np.inf},
        "The learning rate is far above the limit for stable gradient descent, given the curvature at the initial weights.",
        f"Lower the learning rate: learning_rate_init={lower:g}.",
        {"learning_rate_init": lower},
        "Cohen et al., 2021",
    )
    return [finding]
