"""A journal copied to another place, trial by trial, and compared with what it was copied from."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from optuna.trial import FrozenTrial

from search.errors import StudyError
from search.loop.journal import Address, OpenJournal, at
from search.loop.replay import Content

FIRST = ("id", "identity")
"""Notes that come before the trials."""


def check(source: Address, target: Address) -> None:
    """Check that a journal can be copied to a place: nobody has it open, and no other study is there.

    Raises
    ------
    StudyError
        If it cannot be.
    """
    for address in (source, target):
        if at(address).exists() and at(address).running():
            raise StudyError(f"{address} is in use by a run; wait for it, or stop it first")
    content = at(source).content()
    known = at(target).content() if at(target).exists() else None
    if content is not None and known is not None:
        _check_same(content, known.notes, _numbers(known.trials), target)


def copy(source: Address, target: Address) -> int:
    """Copy a journal, or go on with a copy that was interrupted; return how many trials it has.

    Raises
    ------
    StudyError
        If somebody has it open, another study is there, or what was written differs from what was read.
    """
    with at(source).held():
        content = at(source).content()
        if content is None:
            return 0
        with closing(at(target).opened(content.name)) as opened:
            _check_same(content, opened.notes, _numbers(opened.trials), target)
            _fill(content, opened)
        found = at(target).content()
        if found is None or _compared(found) != _compared(content):
            raise StudyError(
                f"{target} differs from {source} after the copy; both are kept: delete the copy and try again"
            )
        return len(content.trials)


def _fill(content: Content, opened: OpenJournal) -> None:
    """Write what is missing."""
    there = _numbers(opened.trials)
    for key in FIRST:
        if key in content.notes and key not in opened.notes:
            opened.note(key, content.notes[key])
    for trial in content.trials:
        if trial.user_attrs["number"] not in there:
            opened.add(trial)
    known = opened.notes
    for key, value in content.notes.items():
        if key not in known or known[key] != value:
            opened.note(key, value)


def _check_same(content: Content, notes: Mapping[str, Any], numbers: set[int], target: Address) -> None:
    """Raise StudyError if a place has another study, or trials that the journal lacks."""
    if notes and notes.get("id") != content.notes.get("id"):
        raise StudyError(f"{target} is another study of the name {content.name!r}; rename or delete one of them first")
    if more := sorted(numbers - _numbers(content.trials)):
        raise StudyError(
            f"{target} has trials that are not to be copied, such as {more[0]}: it has gone on since it was copied"
        )


def _numbers(trials: list[FrozenTrial]) -> set[int]:
    return {trial.user_attrs["number"] for trial in trials}


def _compared(content: Content) -> tuple[Any, ...]:
    """Return what both have to agree on."""
    trials = {
        trial.user_attrs["number"]: (
            *(trial.state, trial.values, trial.params, trial.distributions, trial.user_attrs, trial.system_attrs),
            *(trial.intermediate_values, trial.datetime_complete),
        )
        for trial in content.trials
    }
    return content.name, content.notes, trials
