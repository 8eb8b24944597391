"""Evaluation of one trial: train a configuration on all folds and return its outcome.

`evaluate` is a pure function of its arguments: it derives its seeds from (study seed, trial, fold), touches no store,
and may run in any thread or process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from search.errors import reason_of
from search.signals.interruption import Cancelled
from search.trials import fold_by_fold, side_by_side
from search.trials.nesting import network_of
from search.trials.outcomes import ERROR, Outcome
from search.trials.problem import Problem, Trial


def evaluate(problem: Problem, trial: Trial, cancelled: Callable[[], bool] = lambda: False) -> Outcome:
    """Train one configuration on all folds and score it.

    The folds of a network run side by side, those of other estimators one after the other.

    Parameters
    ----------
    problem : Problem
    trial : Trial
    cancelled : callable returning bool
        Called at every checkpoint and fold; `Cancelled` is raised when it returns True.
    """
    started = time.perf_counter()
    kind = fold_by_fold if network_of(problem.estimator) is None else side_by_side
    try:
        outcome = kind.train(problem, trial, cancelled)
    except Cancelled:
        raise
    except Exception as error:  # a configuration that cannot be trained is a result; the study continues
        if problem.error_score == "raise":
            raise
        reason = reason_of(error)
        outcome = Outcome(trial.number, dict(trial.params), ERROR, reason, [], 0, {}, {}, 0.0)
    return replace(outcome, seconds=time.perf_counter() - started)
