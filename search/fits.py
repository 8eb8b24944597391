"""The fits of a trial before their first epoch, one for each fold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn.base import clone

from bpmodel.training import Training
from search.nesting import network_of, split_params
from search.prepared import Prepared, prepare
from search.problem import Problem, Trial, seed


def begin(problem: Problem, trial: Trial) -> tuple[list[Prepared], Iterator[tuple[Any, Training]]]:
    """Return the folds of a trial, and for each, when it is asked for, a network and its fit before the first epoch.

    Most trials that diverge do so in the first fold; the others need not be begun then.
    """
    params, around = split_params(problem.pipeline, problem.full_names(trial.params))
    folds = prepare(problem, around)

    def begun() -> Iterator[tuple[Any, Training]]:
        for number, fold in enumerate(folds):
            network = clone(network_of(problem.pipeline)).set_params(
                **{**params, "random_state": seed(problem.seed, trial.number, number), "verbose": False}
            )
            yield (
                network,
                network.begin_fit(fold.X, fold.target, fold.weight, rows=fold.train, validation=fold.validation),
            )

    return folds, begun()
