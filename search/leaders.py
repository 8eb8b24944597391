"""The best trials again: a score depends on starting weights and the order of rows, and the best of many was lucky, too.

With three seeds the best four trials are evaluated once more, with another seed on the same folds, and the two of them that are
then the best once again; the winner is the one of these two with the better mean over its three evaluations. With n seeds it
begins with the best 2^(n - 1): successive halving, in which seeds are what is rationed (Jamieson & Talwalkar, 2016).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from search.outcomes import Outcome, order
from search.problem import Problem, Trial

Evaluate = Callable[[Sequence[tuple[Problem, Trial]]], Sequence[Outcome]]
"""Evaluates trials, side by side if it can; gives the outcomes in the same order."""


def settle(
    outcomes: Mapping[int, Outcome],
    problem: Problem,
    n_seeds: int,
    evaluate: Evaluate,
    again: dict[int, list[Outcome]],
    keep: Callable[[], None],
) -> dict[int, Outcome]:
    """Return the outcomes, those of the leaders pooled with their further evaluations.

    Parameters
    ----------
    outcomes : dict of int to Outcome
    problem : Problem
    n_seeds : int
        Evaluations of the winner; with 1 nothing is evaluated again.
    evaluate : callable
    again : dict of int to list of Outcome
        The further evaluations of each trial that are known already; new ones are added.
    keep : callable
        Called after each round, when `again` has grown.
    """
    field = [o.number for o in sorted(outcomes.values(), key=order) if o.verdict == "ok"]
    for seed in range(1, n_seeds):
        field = field[: 2 ** (n_seeds - seed)]
        missing = [number for number in field if len(again.get(number, [])) < seed]
        jobs = [(reseeded(problem, seed), Trial(number, outcomes[number].params)) for number in missing]
        for outcome in evaluate(jobs):
            again.setdefault(outcome.number, []).append(outcome)
        if missing:
            keep()
        pooled = {number: pool(outcomes[number], again[number][:seed]) for number in field}
        field = sorted((n for n in field if pooled[n].verdict == "ok"), key=lambda number: order(pooled[number]))
    return {number: pool(outcome, again.get(number, [])) for number, outcome in outcomes.items()}


def reseeded(problem: Problem, seed: int) -> Problem:
    """Return the problem with other seeds for all fits; the folds, and what is prepared of them, are the same."""
    return replace(problem, seed=int(np.random.SeedSequence([problem.seed, seed]).generate_state(1)[0]))


def pool(first: Outcome, again: Sequence[Outcome]) -> Outcome:
    """Return one outcome for several evaluations of a configuration: mean scores, fold by fold, and the best epoch of the mean curve.

    A configuration that does not end well with every seed takes the verdict and the reason of the first evaluation that did not.
    """
    if not again:
        return first
    for seed, outcome in enumerate(again, start=1):
        if outcome.verdict != "ok":
            reason = f"with seed {seed + 1} of the best trials' evaluations: {outcome.reason}"
            return replace(first, verdict=outcome.verdict, reason=reason, divergence=outcome.divergence)
    every = [first, *again]
    common = set.intersection(*(set(outcome.curve) for outcome in every))
    curve = {epoch: float(np.mean([o.curve[epoch] for o in every])) for epoch in sorted(common)}
    return replace(
        first,
        fold_scores=np.mean([outcome.fold_scores for outcome in every], axis=0).tolist(),
        epoch=max(curve, key=lambda epoch: (curve[epoch], -epoch)),
        curve=curve,
        seed_scores=[outcome.score for outcome in every],
    )
