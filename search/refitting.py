"""The best configuration, fitted on all rows."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone
from sklearn.pipeline import Pipeline

from bpmodel import DivergenceError
from search.diagnoses import diagnosis
from search.nesting import final_step, split_params
from search.outcomes import Outcome
from search.prepared import fit_transform
from search.problem import Problem, seed


def refit(problem: Problem, outcome: Outcome, attempts: int = 3) -> Any:
    """Fit the configuration of an outcome on all rows, for the epochs its folds agreed on.

    A fit that diverges is tried again from another start, up to `attempts` times.

    Raises
    ------
    DivergenceError
        If every attempt diverges.
    """
    network_params, other_params = split_params(problem, outcome.params)
    pipeline = clone(problem.pipeline).set_params(**other_params)
    X = problem.X
    if isinstance(pipeline, Pipeline) and len(pipeline) > 1:
        X = fit_transform(pipeline, X, problem.y)
    network = final_step(pipeline)
    for attempt in range(attempts):
        random_state = seed(problem.seed, outcome.number, len(problem.folds) + attempt)
        network.set_params(**{**network_params, "random_state": random_state})
        training = network.begin_fit(X, problem.y)
        training.advance(outcome.epoch)
        network.end_fit(training)
        if not network.diverged_:
            return pipeline
    found = diagnosis(network)
    cause = f"; most likely {found.findings[0].code}: {found.findings[0].remedy}" if found else ""
    raise DivergenceError(f"the refit on all rows diverged {attempts} times: {network.verdict_.reason}{cause}")
