"""The best configuration, fitted on all rows."""

from __future__ import annotations

from typing import Any

from bpmodel import DivergenceError
from bpmodel.repair import altered
from search.diagnoses import diagnosis
from search.fits import batch_size
from search.nesting import fit_around, network_of, split_params, surround
from search.outcomes import Outcome
from search.problem import Problem, configured, seed


def refit(problem: Problem, outcome: Outcome, attempts: int = 3) -> Any:
    """Fit the configuration of an outcome on all rows; a network for the epochs its folds agreed on.

    A network that diverges is tried again from another start, up to `attempts` times.

    Raises
    ------
    DivergenceError
        If every attempt diverges.
    """
    if network_of(problem.estimator) is None:
        estimator = configured(problem.estimator, problem.full_names(outcome.params))
        targets = [] if problem.y is None else [problem.y]
        return estimator.fit(problem.X, *targets, **problem.fit_params)
    params, other = split_params(problem.estimator, problem.full_names(outcome.params))
    around, lesson = fit_around(configured(problem.estimator, other), problem.X, problem.y, problem.fit_params)
    for attempt in range(attempts):
        random_state = seed(problem.seed, outcome.number, len(problem.folds) + attempt)
        network = configured(network_of(problem.estimator), {**params, "random_state": random_state})
        with altered(network, {"batch_size": batch_size(network, len(lesson.y))}):
            training = network.begin_fit(*lesson)
            training.advance(outcome.epoch)
            network.end_fit(training)
        if not network.diverged_:
            return surround(around, network)
    found = diagnosis(network)
    cause = f"; most likely {found.findings[0].code}: {found.findings[0].remedy}" if found else ""
    raise DivergenceError(f"the refit on all rows diverged {attempts} times: {network.verdict_.reason}{cause}")
