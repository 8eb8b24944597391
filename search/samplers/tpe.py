"""Bayesian search by Optuna's tree-structured Parzen estimator."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from search.samplers.optuna_terms import CONSTRAINT, distributions, finished, quiet
from search.samplers.thinning import selection
from search.seeds import derive
from search.space.spaces import Space
from search.trials.outcomes import Outcome
from search.trials.penalties import Feedback

MOST_SHOWN, SHOWN = 360, 300
"""When the estimator knows so many trials it forgets some, for asking takes longer the more it knows: with these numbers 4 to 7
ms (`benchmarks/bookkeeping.py`). On a made-up function of eight parameters the best of 1,000 trials was then as good as with
nothing forgotten (8 seeds); with half as many shown it was worse."""

BEST, LATEST = 25, 25
"""Trials that are never forgotten: Optuna takes at most 25 as the good ones, and weighs the latest 25 in full."""

SUGGEST: dict[type[BaseDistribution], Callable[[optuna.Trial, str, Any], Any]] = {
    CategoricalDistribution: lambda trial, name, d: trial.suggest_categorical(name, d.choices),
    FloatDistribution: lambda trial, name, d: trial.suggest_float(name, d.low, d.high, log=d.log),
    IntDistribution: lambda trial, name, d: trial.suggest_int(name, d.low, d.high, log=d.log),
}


class TPESampler:
    """Tree-structured Parzen estimator (Bergstra et al., 2011; multivariate, with constant liar).

    The estimator ranks feasible before pruned before infeasible trials, the infeasible ones by their constraint; failed trials it
    never sees. Of a long study it sees a selection.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space, self._seed, self._axes = space, seed, space.axes
        self._distributions = distributions(self._axes)
        self._conditional = any(leaf.when for leaf in self._axes.values())
        self._told: list[FrozenTrial] = []
        self._running: dict[int, int] = {}
        self._study, self._unseeded = _study([]), True

    def ask(self, number: int) -> dict[str, Any]:
        if self._unseeded:  # with a seed that depends on the trial, so that no draw is repeated
            self._study.sampler = _estimator(derive(self._seed, number), self._conditional)
            self._unseeded = False
        trial = self._study.ask()
        self._running[number] = trial.number
        return suggest(trial, self._space, self._distributions)

    def tell(self, outcome: Outcome, feedback: Feedback) -> None:
        if outcome.number in self._running:  # its outcome is a trial of its own; failed ones are not seen
            self._study.tell(self._running.pop(outcome.number), state=TrialState.FAIL)
        if feedback.state == "failed":
            return
        self._told.append(finished(self._space.leaves(outcome.params), self._axes, outcome, feedback))
        self._study.add_trial(self._told[-1])
        if len(self._told) > MOST_SHOWN:
            self._forget()

    def _forget(self) -> None:
        """Go on in a study that has a selection of the trials that were told, and those that are running."""
        kept = selection([_rank(trial) for trial in self._told], SHOWN, BEST, LATEST)
        self._told = [self._told[i] for i in kept]
        trials = self._study.get_trials(deepcopy=False)
        running = {number: trials[place] for number, place in self._running.items()}
        self._study, self._unseeded = _study([*self._told, *running.values()]), True
        self._running = {number: len(self._told) + i for i, number in enumerate(running)}


def suggest(trial: optuna.Trial, space: Space, axes: Mapping[str, BaseDistribution]) -> dict[str, Any]:
    """Return the configuration that Optuna suggests for a trial, axis by axis as far as each exists."""
    leaves: dict[str, Any] = {}
    for name, leaf in space.axes.items():
        if leaf.exists(leaves):
            leaves[name] = leaf.dimension.decode(SUGGEST[type(axes[name])](trial, name, axes[name]))
    return space.assemble(leaves)


def _study(trials: Sequence[FrozenTrial]) -> optuna.Study:
    """Return a study in memory that has trials."""
    with quiet():
        study = optuna.create_study(direction="maximize")
    study.add_trials(trials)
    return study


def _estimator(seed: int, conditional: bool) -> optuna.samplers.TPESampler:
    if not conditional:
        return optuna.samplers.TPESampler(seed=seed, multivariate=True)
    with warnings.catch_warnings():  # that it models each group of parameters that exist together is experimental
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True)


def _rank(trial: FrozenTrial) -> tuple[bool, bool, float]:
    """Return what the estimator ranks a trial by, roughly: feasible, then pruned, then infeasible ones."""
    pruned = trial.state is TrialState.PRUNED
    value = max(trial.intermediate_values.values(), default=-math.inf) if pruned else float(trial.value or 0.0)
    return trial.constraints[CONSTRAINT] <= 0, not pruned, value
