"""The best trials are evaluated again: scores depend on starting weights and the order of rows, and the best of many was lucky.

With three seeds the best four trials are evaluated once more, with another seed on the same folds, and the two of them that are
then the best once again; the winner is the one of these two with the better mean over its three evaluations. With n seeds it
begins with the best 2^(n - 1): successive halving with seeds as the resource (Jamieson & Talwalkar, 2016).
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
    """Evaluate the best outcomes again, as far as that is not done yet.

    Parameters
    ----------
    outcomes : dict of int to Outcome
    problem : Problem
    n_seeds : int
        Evaluations of the winner; with 1 nothing is evaluated again.
    again : dict of int to list of Outcome
        The further evaluations of each trial so far.
    evaluate : callable
        Evaluates trials, the first ones first, side by side if it can, and adds their outcomes to `again`; as many as there is
        time for. Where there is none left for all, the best of those that were evaluated is the winner.
    """
    field = [o.number for o in sorted(outcomes.values(), key=order) if o.verdict == "ok"]
    for seed, size in enumerate(_rounds(n_seeds), start=1):
        field = field[:size]
        missing = [number for number in field if len(again.get(number, [])) < seed]
        evaluate([(reseeded(problem, seed), Trial(number, outcomes[number].params)) for number in missing])
        if any(len(again.get(number, [])) < seed for number in field):
            return
        pooled = {number: pool(outcomes[number], again[number][:seed]) for number in field}
        field = sorted((n for n in field if pooled[n].verdict == "ok"), key=lambda number: order(pooled[number]))


def seconds(leader: Outcome | None, n_seeds: int, n_jobs: int) -> float:
    """Return how long evaluating the best again will take, if all of them take as long as the first.

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
    """Return how many trials are evaluated with each further seed."""
    return [2 ** (n_seeds - seed) for seed in range(1, n_seeds)]


def reseeded(problem: Problem, seed: int) -> Problem:
    """Return the problem with other seeds for all fits; the folds, and what is prepared of them, are the same."""
    return replace(problem, seed=derive(problem.seed, seed), tasks=NoTasks())
