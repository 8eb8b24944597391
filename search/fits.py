"""The fits of a trial before their first epoch, one for each fold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn.base import clone

from bpmodel.training import Training
from search.nesting import final_step, split_params
from search.prepared import Prepared, prepare
from search.problem import Problem, Trial, seed


def begin(problem: Problem, trial: Trial) -> tuple[list[Prepared], Iterator[tuple[Any, Training]]]:
    """Return the folds of a trial, and for each, when it is asked for, a network and its fit before the first epoch.

    Most trials that diverge do so in the first fold; the others need not be begun then.
    """
    network_params, other_params = split_params(problem, trial.params)
    folds = prepare(problem, other_params)

    def begun() -> Iterator[tuple[Any, Training]]:
        for number, fold in enumerate(folds):
            network = clone(final_step(problem.pipeline)).set_params(
                **{**network_params, "random_state": seed(problem.seed, trial.number, number), "verbose": False}
            )
            yield network, network.begin_fit(fold.X, fold.y, rows=fold.train, validation=fold.validation)

    return folds, begun()
