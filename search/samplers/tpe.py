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
"""Known trials at which the estimator forgets some, and the number it keeps. Asking takes longer the more trials it
knows: with these numbers 4 to 7 ms (`benchmarks/bookkeeping.py`). On a synthetic function of eight parameters the best
of 1,000 trials was as good as with nothing forgotten (8 seeds); with half as many trials kept it was worse."""

BEST, LATEST = 25, 25
"""Trials that are never forgotten: Optuna counts at most 25 trials as good, and gives the latest 25 full weight."""

SUGGEST: dict[type[BaseDistribution], Callable[[optuna.Trial, str, Any], Any]] = {
    CategoricalDistribution: lambda trial, name, d: trial.suggest_categorical(name, d.choices),
    FloatDistribution: lambda trial, name, d: trial.suggest_float(name, d.low, d.high, log=d.log),
    IntDistribution: lambda trial, name, d: trial.suggest_int(name, d.low, d.high, log=d.log),
}


class TPESampler:
    """Tree-structured Parzen estimator (Bergstra et al., 2011; multivariate, with constant liar).

    The estimator ranks feasible trials before pruned ones, and pruned before infeasible ones, which are ranked by
    constraint. It never sees failed trials, and of a long study only a selection.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space, self._seed, self._axes = space, seed, space.axes
        self._distributions = distributions(self._axes)
        self._conditional = any(leaf.when for leaf in self._axes.values())
        self._told: list[FrozenTrial] = []
        self._running: dict[int, int] = {}
        self._made: optuna.Study | None = None
        self._unseeded = True

    @property
    def _study(self) -> optuna.Study:
        """The study with the told and the running trials; it is made when it is needed, for a long study is told first."""
        if self._made is None:
            self._made = _study(self._told)
        return self._made

    def ask(self, number: int) -> dict[str, Any]:
        if self._unseeded:  # the seed depends on the trial, so that no draw is repeated
            self._study.sampler = _estimator(derive(self._seed, number), self._conditional)
            self._unseeded = False
        trial = self._study.ask()
        self._running[number] = trial.number
        return suggest(trial, self._space, self._distributions)

    def tell(self, outcome: Outcome, feedback: Feedback) -> None:
        if outcome.number in self._running:  # the outcome is added as a separate trial; failed ones are not seen
            self._study.tell(self._running.pop(outcome.number), state=TrialState.FAIL)
        if feedback.state == "failed":
            return
        self._told.append(finished(self._space.leaves(outcome.params), self._axes, outcome, feedback))
        if self._made is not None:
            self._made.add_trial(self._told[-1])
        if len(self._told) > MOST_SHOWN:
            self._forget()

    def _forget(self) -> None:
        """Continue in a new study with a selection of the told trials, and the running ones."""
        kept = selection([_rank(trial) for trial in self._told], SHOWN, BEST, LATEST)
        self._told = [self._told[i] for i in kept]
        self._unseeded = True
        if not self._running:
            self._made = None
            return
        trials = self._study.get_trials(deepcopy=False)
        running = {number: trials[place] for number, place in self._running.items()}
        self._made = _study([*self._told, *running.values()])
        self._running = {number: len(self._told) + i for i, number in enumerate(running)}


def suggest(trial: optuna.Trial, space: Space, axes: Mapping[str, BaseDistribution]) -> dict[str, Any]:
    """Return the configuration that Optuna suggests for a trial: one suggestion per existing axis."""
    leaves: dict[str, Any] = {}
    for name, leaf in space.axes.items():
        if leaf.exists(leaves):
            leaves[name] = leaf.dimension.decode(SUGGEST[type(axes[name])](trial, name, axes[name]))
    return space.assemble(leaves)


def _study(trials: Sequence[FrozenTrial]) -> optuna.Study:
    """Return a study in memory with these trials."""
    with quiet():
        study = optuna.create_study(direction="maximize")
    study.add_trials(trials)
    return study


def _estimator(seed: int, conditional: bool) -> optuna.samplers.TPESampler:
    if not conditional:
        return optuna.samplers.TPESampler(seed=seed, multivariate=True)
    with warnings.catch_warnings():  # `group`, which models jointly existing parameters together, is experimental
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True)


def _rank(trial: FrozenTrial) -> tuple[bool, bool, float]:
    """Return approximately the estimator's sort key: feasible, then pruned, then infeasible trials."""
    pruned = trial.state is TrialState.PRUNED
    value = max(trial.intermediate_values.values(), default=-math.inf) if pruned else float(trial.value or 0.0)
    return trial.constraints[CONSTRAINT] <= 0, not pruned, value
