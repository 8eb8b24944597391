"""The fits of a trial before their first epoch, one for each fold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from copy import copy
from numbers import Integral
from typing import Any

from sklearn import config_context
from sklearn.base import clone

from bpmodel.network.machine import give_back
from bpmodel.network.training import Training
from search.seeds import derive
from search.trials.nesting import network_of, split_params
from search.trials.prepared.folds import Prepared, PreparedFolds, prepare
from search.trials.problem import Problem, Trial


def begin(problem: Problem, trial: Trial) -> tuple[Sequence[Prepared] | PreparedFolds, Iterator[tuple[Any, Training]]]:
    """Return the prepared folds of a trial, and an iterator over (network, fit before its first epoch), one per fold.

    The iterator is lazy: most trials that diverge do so in the first fold, and then the others are never prepared. Call `load`
    of a fold before its fit trains, unless the fold is the last for which the iterator was advanced.
    """
    params, around = split_params(problem.estimator, problem.full_names(trial.params))
    folds, network = prepare(problem, around).for_one_trial(), network_of(problem.estimator)
    chosen: Any = copy(network).set_params(**clone(params, safe=False))  # type: ignore[union-attr]

    def begun() -> Iterator[tuple[Any, Training]]:
        for number, fold in enumerate(folds):
            network = copy(chosen).set_params(random_state=derive(problem.seed, trial.number, number), verbose=False)
            network.batch_size = batch_size(network, len(fold.train))
            fold.load()
            with config_context(skip_parameter_validation=number > 0):  # the first fit has validated the parameters
                fit = network.begin_fit(fold.X, fold.target, fold.weight, rows=fold.train, validation=fold.validation)
            if fold.stream is not None:
                give_back()
            yield network, fit

    return folds, begun()


def batch_size(network: Any, n_rows: int) -> Any:
    """Return the batch size of a network, limited to the number of its training rows.

    A fit outside a search does the same, with a warning. Here it is common: one space serves tables of any size.
    """
    if network.early_stopping:
        n_rows -= math.ceil(
            network.validation_fraction * n_rows
        )  # rows set aside for validation, counted as in `train_test_split`
    given = network.batch_size
    return min(given, max(n_rows, 1)) if isinstance(given, Integral) else given
