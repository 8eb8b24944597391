"""Samplers outside the table: the user's own objects, and Optuna's samplers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from search.samplers.methods import METHODS, Method, Sampler
from search.samplers.optuna_terms import CONSTRAINT, STATES, distributions, finished, on_the_way, quiet
from search.samplers.tpe import suggest
from search.seeds import derive
from search.space.initial_points import complete
from search.space.spaces import Space
from search.trials.outcomes import Outcome
from search.trials.penalties import Feedback


class Own(NamedTuple):
    """A table row for the user's sampler, which is assumed to learn."""

    sampler: Callable[[Space, int], Sampler]
    learns: bool = True
    exhaustive: bool = False
    most_features: int | None = None


def is_sampler(value: Any) -> bool:
    """Return whether an object is an Optuna sampler, or has the methods of our `Sampler`."""
    return not isinstance(value, type) and isinstance(value, BaseSampler | Sampler)


def find(method: str | Sampler | BaseSampler) -> Method | Own:
    """Return the table row of a method's name, or a row for a sampler object.

    Every search uses a fresh copy of that object.

    Examples
    --------
    >>> find("grid").learns, find(optuna.samplers.RandomSampler(seed=0)).learns
    (False, True)
    """
    if isinstance(method, str):
        return METHODS[method]
    if isinstance(method, BaseSampler):
        return Own(lambda space, seed: OptunaSampler(space, deepcopy(method)))
    return Own(lambda space, seed: CheckedSampler(space, seed, deepcopy(method)))


class CheckedSampler:
    """The user's sampler, with checked proposals: they must lie in the space.

    Missing parameters are drawn at random.
    """

    def __init__(self, space: Space, seed: int, sampler: Sampler) -> None:
        self._space, self._seed, self._sampler = space, seed, sampler

    def ask(self, number: int) -> dict[str, Any]:
        """Return a complete configuration.

        Raises
        ------
        StudyError
            If the proposal does not lie in the space.
        """
        asked, where = self._sampler.ask(number), f"{type(self._sampler).__name__}.ask({number})"
        return complete(self._space, [asked], derive(self._seed, number), where)[0]

    def tell(self, outcome: Outcome, feedback: Feedback) -> None:
        self._sampler.tell(outcome, feedback)


class OptunaSampler:
    """Adapter for any Optuna sampler, asked and told in memory.

    The sampler sees its own trials as in any Optuna study: value, state, and as a constraint the degree of divergence.
    Trials that it did not ask for are added as finished ones. Its proposals depend only on its own seed. A sampler that
    runs out of points, such as a grid, repeats itself: the search ends after `n_trials`.

    Parameters
    ----------
    space : Space
    sampler : optuna.samplers.BaseSampler
        Modified by the search: pass a copy.
    """

    def __init__(self, space: Space, sampler: BaseSampler) -> None:
        self._space, self._axes = space, space.axes
        self._distributions = distributions(self._axes)
        with quiet():
            self._study = optuna.create_study(direction="maximize", sampler=sampler)
        study: Any = self._study
        study.stop = lambda: None  # samplers may call it, but Optuna allows that only inside `optimize`
        self._running: dict[int, optuna.Trial] = {}

    def ask(self, number: int) -> dict[str, Any]:
        trial = self._running[number] = self._study.ask()
        return suggest(trial, self._space, self._distributions)

    def tell(self, outcome: Outcome, feedback: Feedback) -> None:
        trial, state = self._running.pop(outcome.number, None), STATES[feedback.state]
        if trial is None:
            leaves = self._space.leaves(outcome.params)
            self._study.add_trial(finished(leaves, self._axes, outcome, feedback))
            return
        trial.set_constraint(CONSTRAINT, feedback.constraint)
        if state is TrialState.PRUNED:
            for epoch, score in on_the_way(outcome, feedback).items():
                trial.report(score, epoch)
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "Constraints have been set", UserWarning
            )  # warnings of samplers that do not use constraints
            self._study.tell(trial, feedback.value if state is TrialState.COMPLETE else None, state)
