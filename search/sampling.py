"""Proposals: what to try next, by each method. Asking and telling happen in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import optuna
from optuna.trial import FrozenTrial, TrialState

from search import spaces
from search.distributions import CONSTRAINT, distributions, quiet
from search.outcomes import Outcome
from search.spaces import Space


class Sampler(Protocol):
    """Proposes configurations, and learns from what became of them."""

    def ask(self, number: int) -> dict[str, Any]: ...

    def tell(self, outcome: Outcome, value: float, constraint: float) -> None: ...


class GridSampler:
    """Visits every point of the grid."""

    def __init__(self, space: Space) -> None:
        self._points = list(spaces.grid_points(space))

    def ask(self, number: int) -> dict[str, Any]:
        return self._points[number]

    def tell(self, outcome: Outcome, value: float, constraint: float) -> None:
        pass


class RandomSampler:
    """Draws every point independently: point n is a function of the seed and n."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space, self._seed = space, seed

    def ask(self, number: int) -> dict[str, Any]:
        return spaces.random_point(self._space, self._seed, number)

    def tell(self, outcome: Outcome, value: float, constraint: float) -> None:
        pass


class BayesianSampler:
    """Optuna's tree-structured Parzen estimator (Bergstra et al., 2011; multivariate, with constant liar).

    Diverged trials are told as infeasible with a finite value, stopped ones as pruned: the estimator ranks healthy before
    stopped before diverged ones, and the diverged ones by how far their loss went.
    """

    def __init__(self, space: Space, seed: int, finished: Mapping[int, FrozenTrial]) -> None:
        self._distributions = distributions(space)
        self._space = space
        # a sampler that goes on with a study must not repeat its first draws
        sampler = optuna.samplers.TPESampler(seed=(seed + len(finished)) % 2**32)
        with quiet():
            self._study = optuna.create_study(direction="maximize", sampler=sampler)
            for number in sorted(finished):
                self._study.add_trial(finished[number])
        self._asked: dict[int, optuna.Trial] = {}

    def ask(self, number: int) -> dict[str, Any]:
        trial = self._study.ask(self._distributions)
        self._asked[number] = trial
        return {name: d.decode(trial.params[name]) for name, d in self._space.items()}

    def tell(self, outcome: Outcome, value: float, constraint: float) -> None:
        trial = self._asked.pop(outcome.number)
        trial.set_constraint(CONSTRAINT, constraint)
        if outcome.verdict == "stopped":
            for epoch, score in outcome.curve.items():
                trial.report(score, epoch)
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, value)


def sampler(method: str, space: Space, seed: int, finished: Mapping[int, FrozenTrial]) -> Sampler:
    """Return the sampler of a method; `finished` are the trials it should know already."""
    if method == "grid":
        return GridSampler(space)
    if method == "random":
        return RandomSampler(space, seed)
    return BayesianSampler(space, seed, finished)
