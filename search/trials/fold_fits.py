"""The fits of a trial before their first epoch, one for each fold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from copy import copy
from numbers import Integral
from typing import Any

from sklearn import config_context
from sklearn.base import clone

from bpmodel.functions.optimizers import OPTIMIZERS
from bpmodel.network.machine import give_back
from bpmodel.network.training import Training
from search.seeds import derive
from search.trials.nesting import network_of, split_params
from search.trials.prepared.folds import Prepared, PreparedFolds, prepare
from search.trials.problem import Problem, Trial

AUTO = 200
"""Rows of a batch by default, as in `bpmodel.intake.settings`."""


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
            times = _times(problem, number)
            network.batch_size = _on_sample(network.batch_size, network.solver, times)
            network.batch_size = batch_size(network, len(fold.train))
            fold.load()
            with config_context(skip_parameter_validation=number > 0):  # the first fit has validated the parameters
                watched = fold.validation[:: math.floor(times)]  # else most of the time on a sample would be theirs
                fit = network.begin_fit(fold.X, fold.target, fold.weight, rows=fold.train, validation=watched)
            if fold.stream is not None:
                give_back()
            yield network, fit

    return folds, begun()


def _times(problem: Problem, number: int) -> float:
    """Return how many times the training rows of a fold there are on all rows; 1 if this problem has all of them."""
    if problem.whole is None:
        return 1.0
    return len(problem.whole.folds.splits[number][0]) / len(problem.folds.splits[number][0])


def _on_sample(batch: Any, solver: str, times: float) -> Any:
    """Return the batch size for a sample of the n-th part of the rows: smaller by the root of n.

    With the same batches, a network takes the n-th part of its steps, and low learning rates come out too badly. With the n-th
    part of them it takes as many steps, but each row costs up to three times as much, and has n times the noise.

    >>> _on_sample("auto", "adam", 10.0), _on_sample(64, "sgd", 4.0), _on_sample("auto", "rprop", 10.0)
    (63, 32, 'auto')
    """
    if times == 1.0:
        return batch
    known: Any = AUTO if batch == "auto" and solver in OPTIMIZERS and not OPTIMIZERS[solver].whole else batch
    return max(1, round(int(known) / math.sqrt(times))) if isinstance(known, Integral) else batch


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
