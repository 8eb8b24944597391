"""Reevaluation of the best trials with further seeds.

The best score of many trials is partly luck with initial weights and row order.
With three seeds, the best four trials are evaluated once more, with another seed on the same folds. The best two of
them are then evaluated a third time; of these two, the one with the better mean over its three evaluations wins. With n
seeds, the first round has the best 2^(n - 1) trials: successive halving with seeds as the resource (Jamieson &
Talwalkar, 2016).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from search.seeds import derive
from search.trials.callbacks import NoTasks
from search.trials.outcomes import Outcome, order, pool
from search.trials.problem import Problem, Trial


def settle(
    outcomes: Mapping[int, Outcome],
    problem: Problem,
    n_seeds: int,
    again: Mapping[int, Sequence[Outcome]],
    evaluate: Callable[[Sequence[tuple[Problem, Trial]]], None],
) -> None:
    """Run the reevaluations of the best outcomes that are still missing.

    Parameters
    ----------
    outcomes : dict of int to Outcome
    problem : Problem
    n_seeds : int
        Evaluations of the winner; with 1 there are no reevaluations.
    again : dict of int to list of Outcome
        The reevaluations of each trial so far.
    evaluate : callable
        Evaluates trials in the given order, in parallel if possible, until time runs out, and adds their outcomes to
        `again`. If time runs out before all are done, the winner is the best of those that were reevaluated.
    """
    field = [o.number for o in sorted(outcomes.values(), key=order) if o.healthy]
    for seed, size in enumerate(_rounds(n_seeds), start=1):
        field = field[:size]
        missing = [number for number in field if len(again.get(number, [])) < seed]
        evaluate([(reseeded(problem, seed), Trial(number, outcomes[number].params)) for number in missing])
        if any(len(again.get(number, [])) < seed for number in field):
            return
        pooled = {number: pool(outcomes[number], again[number][:seed]) for number in field}
        field = sorted((n for n in field if pooled[n].healthy), key=lambda number: order(pooled[number]))


def seconds(leader: Outcome | None, n_seeds: int, n_jobs: int) -> float:
    """Estimate the time of all reevaluations, assuming that each takes as long as the leader's evaluation.

    Examples
    --------
    >>> leader = Outcome(0, {}, "ok", "", [0.8, 0.9], 9, {9: 0.85}, {}, seconds=5.0)
    >>> seconds(leader, n_seeds=3, n_jobs=2)  # four of them two at a time, then two
    15.0
    >>> seconds(leader, n_seeds=1, n_jobs=2)
    0.0
    """
    return sum(math.ceil(size / n_jobs) for size in _rounds(n_seeds)) * leader.seconds if leader else 0.0


def _rounds(n_seeds: int) -> list[int]:
    """Return the number of trials to evaluate with each further seed."""
    return [2 ** (n_seeds - seed) for seed in range(1, n_seeds)]


def reseeded(problem: Problem, seed: int) -> Problem:
    """Return the problem with other seeds for all fits; folds and prepared data stay the same."""
    return replace(problem, seed=derive(problem.seed, seed), tasks=NoTasks())
