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
from search.trials import fold_by_fold, side_by_side, subsample
from search.trials.checkpoints import UNDEFINED
from search.trials.nesting import network_of
from search.trials.outcomes import ERROR, Outcome
from search.trials.prepared.sample import sampled
from search.trials.problem import Problem, Trial


def evaluate(problem: Problem, trial: Trial, cancelled: Callable[[], bool] = lambda: False) -> Outcome:
    """Train one configuration on all folds and score it.

    The folds of a network run side by side, those of other estimators one after the other. If the trial has a sample, it is
    trained on that first, with the same initial weights and for as many epochs, in smaller batches (`search.trials.fold_fits`).

    Parameters
    ----------
    problem : Problem
    trial : Trial
    cancelled : callable returning bool
        Called at every checkpoint and fold; `Cancelled` is raised when it returns True.
    """
    started = time.perf_counter()
    told: dict[str, float] = {}
    if trial.sample is not None:
        found = _evaluate(sampled(problem, trial.sample.fraction), replace(trial, cutoffs={}), cancelled)
        score = found.score if found.healthy else UNDEFINED
        told = {"fraction": trial.sample.fraction, "score": score, "seconds": time.perf_counter() - started}
        if trial.sample.cutoff > UNDEFINED and not found.failed:
            told["cutoff"] = trial.sample.cutoff
        if subsample.stops(found, trial.sample):
            outcome = subsample.ended(found, told, trial.sample)
            return replace(outcome, seconds=time.perf_counter() - started)
    outcome = _evaluate(problem, trial, cancelled)
    return replace(outcome, sample=told, seconds=time.perf_counter() - started)


def _evaluate(problem: Problem, trial: Trial, cancelled: Callable[[], bool]) -> Outcome:
    kind = fold_by_fold if network_of(problem.estimator) is None else side_by_side
    try:
        return kind.train(problem, trial, cancelled)
    except Cancelled:
        raise
    except Exception as error:  # a configuration that cannot be trained is a result; the study continues
        if problem.error_score == "raise":
            raise
        return Outcome(trial.number, dict(trial.params), ERROR, reason_of(error), [], 0, {}, {}, 0.0)
