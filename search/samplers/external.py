"""Samplers that are not in the table: objects of the user's, and Optuna's."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from search.samplers.methods import METHODS, Method, Sampler
from search.samplers.optuna_terms import CONSTRAINT, STATES, distributions, finished, quiet
from search.samplers.tpe import suggest
from search.seeds import derive
from search.space.initial_points import complete
from search.space.spaces import Space
from search.trials.outcomes import Outcome
from search.trials.penalties import Feedback


class Own(NamedTuple):
    """What the table says of a method, for a sampler of the user's: it is taken to learn."""

    sampler: Callable[[Space, int], Sampler]
    learns: bool = True


def is_sampler(value: Any) -> bool:
    """Say whether an object is one of Optuna's samplers, or has the methods of ours."""
    return not isinstance(value, type) and isinstance(value, BaseSampler | Sampler)


def find(method: str | Sampler | BaseSampler) -> Method | Own:
    """Return the row of a method's name, or one for a sampler, which every search has a fresh copy of.

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
    """A sampler of the user's, whose proposals must lie in the space; what they leave out is drawn at random."""

    def __init__(self, space: Space, seed: int, sampler: Sampler) -> None:
        self._space, self._seed, self._sampler = space, seed, sampler

    def ask(self, number: int) -> dict[str, Any]:
        """Return a whole configuration.

        Raises
        ------
        StudyError
            If it does not lie in the space.
        """
        asked, where = self._sampler.ask(number), f"{type(self._sampler).__name__}.ask({number})"
        return complete(self._space, [asked], derive(self._seed, number), where)[0]

    def tell(self, outcome: Outcome, feedback: Feedback) -> None:
        self._sampler.tell(outcome, feedback)


class OptunaSampler:
    """Any sampler of Optuna's, asked and told in memory.

    It learns of its own trials as in any study of Optuna's: value, state and, as a constraint, how far a trial diverged. Trials
    that it did not ask for are added as finished ones. Its proposals depend on its own seed alone. One that has no further
    points, such as a grid, repeats itself: the search ends after `n_trials`.

    Parameters
    ----------
    space : Space
    sampler : optuna.samplers.BaseSampler
        It is used up: pass a copy.
    """

    def __init__(self, space: Space, sampler: BaseSampler) -> None:
        self._space, self._axes = space, space.axes
        self._distributions = distributions(self._axes)
        with quiet():
            self._study = optuna.create_study(direction="maximize", sampler=sampler)
        study: Any = self._study
        study.stop = lambda: None  # samplers may call it, and Optuna allows that inside `optimize` only
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
            for epoch, score in outcome.curve.items():
                trial.report(score, epoch)
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "Constraints have been set", UserWarning
            )  # by samplers that do not use them
            self._study.tell(trial, feedback.value if state is TrialState.COMPLETE else None, state)
