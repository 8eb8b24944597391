"""Finished trials as a journal has them: Optuna's trials, made outcomes again, and what is damaged told by its place."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import optuna
from optuna.trial import FrozenTrial

from search.errors import StudyError
from search.loop import records
from search.loop.records import AGAIN
from search.samplers.optuna_terms import CONSTRAINT, STATES
from search.space.spaces import Space
from search.trials.outcomes import Outcome, pool
from search.trials.penalties import Feedback

FINISHED = tuple(state.value for state in STATES.values())

DAMAGE = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError),
    optuna.exceptions.OptunaError,
)
"""What Optuna and the space raise for what no study has written."""


class Origin(Protocol):
    """Where trials and notes were read, for errors that say what is damaged."""

    @property
    def where(self) -> Path | str:
        """The journal, in words."""

    def of_trial(self, reason: object, place: int | None = None) -> StudyError:
        """Return the error that the trial at a place is not as it must be, by default that which was read last."""

    def of_note(self, reason: object, key: str) -> StudyError:
        """Return the same of a note on the study."""


@dataclass(frozen=True)
class Content:
    """What a journal holds, as Optuna has it.

    Attributes
    ----------
    name : str
        Of the study.
    notes : dict
    trials : list of FrozenTrial
    origin : Origin
    """

    name: str
    notes: dict[str, Any]
    trials: list[FrozenTrial]
    origin: Origin


def check_trial(noted: Mapping[str, Any], state: int) -> int:
    """Check what is needed of a finished trial; return its number.

    Parameters
    ----------
    noted : mapping
        Its attributes.
    state : int
        Optuna's number of its state.

    Raises
    ------
    LookupError, ValueError
        If it is not what it must be.
    """
    number, value, outcome = noted["number"], noted["value"], noted["outcome"]
    if not (records.count(number) and records.number(value) and records.text(outcome)):
        raise ValueError("number, value or outcome of a trial is of another kind")
    if state not in FINISHED:
        raise ValueError(f"a trial in a journal is finished; state {state!r} is not")
    return int(number)


def outcomes(trials: Sequence[FrozenTrial], space: Space | None, origin: Origin | None) -> dict[int, Outcome]:
    """Return the outcomes of all trials by their numbers, in the order of these."""
    found: dict[int, Outcome] = {}
    for place, trial in enumerate(trials):
        with replaying(origin, place):
            outcome = _outcome(trial, space, origin)
            found[outcome.number] = outcome
    sizes = Counter(len(o.fold_scores) for o in found.values() if o.fold_scores)
    usual = max(sizes, key=sizes.__getitem__, default=0)
    for place, outcome in enumerate(found.values()):
        if origin is not None and len(outcome.fold_scores) not in (0, usual):
            told = f"trial {outcome.number} has scores of {len(outcome.fold_scores)} folds, others of {usual}"
            raise origin.of_trial(told, place)
    return {number: found[number] for number in sorted(found)}


def again(notes: Mapping[str, Any], outcomes: Mapping[int, Outcome], origin: Origin | None) -> dict[int, list[Outcome]]:
    """Return the reevaluations of trials by their numbers."""
    where = None if origin is None else origin.where
    try:
        found = {
            int(number): [
                records.from_record(again, int(number), outcomes[int(number)].params, where) for again in given
            ]
            for number, given in notes.get(AGAIN, {}).items()
        }
        for number, evaluations in found.items():
            pool(outcomes[number], evaluations)  # they must be of the same folds and metrics
    except StudyError:
        raise
    except DAMAGE as error:
        if origin is None:
            raise
        raise origin.of_note(error, AGAIN) from None
    return found


def feedback(trials: Sequence[FrozenTrial], origin: Origin | None) -> dict[int, Feedback]:
    """Return what the sampler was told of each trial, by their numbers."""
    found = {}
    for place, trial in enumerate(trials):
        with replaying(origin, place):
            (state,) = (name for name, known in STATES.items() if known is trial.state)
            constraint = float(trial.constraints[CONSTRAINT])
            found[trial.user_attrs["number"]] = Feedback(float(trial.user_attrs["value"]), constraint, state)
    return {number: found[number] for number in sorted(found)}


def ended(trials: Sequence[FrozenTrial], origin: Origin | None = None) -> dict[int, float]:
    """Return when each trial ended, in seconds since 1970."""
    with replaying(origin):
        dated = ((t.user_attrs["number"], t.datetime_complete) for t in trials)
        return {number: when.timestamp() for number, when in dated if when}


@contextmanager
def replaying(origin: Origin | None, place: int | None = None) -> Iterator[None]:
    """Say which trial it was that Optuna, a dimension of the space or an outcome could not be made from."""
    try:
        yield
    except StudyError:
        raise
    except DAMAGE as error:
        if origin is None:
            raise
        raise origin.of_trial(error, place) from None


def _outcome(trial: FrozenTrial, space: Space | None, origin: Origin | None) -> Outcome:
    params: Mapping[str, Any] = {}
    if space is not None:
        axes = space.axes
        params = space.assemble({name: axes[name].dimension.decode(code) for name, code in trial.params.items()})
    where = None if origin is None else origin.where
    return records.from_record(json.loads(trial.user_attrs["outcome"]), trial.user_attrs["number"], params, where)
