"""A study in the queue, and what can be asked for it beside its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bpmodel.names.short import short
from search import domains
from search.errors import StudyError
from search.samplers.methods import MOST_TRIALS
from search.service.states import QUEUED

STUDY, EXTERNAL = "study", "external"
"""Kinds of studies: those that the service trains, and those whose trials are trained by clients."""


LOWEST, HIGHEST = -100, 100
"""The range of priorities."""

BUDGET = {
    "priority": (f"whole numbers from {LOWEST} to {HIGHEST}", lambda value: whole(value, LOWEST, HIGHEST)),
    "n_trials": (f"whole numbers from 1 to {MOST_TRIALS:,}", lambda value: whole(value, 1, MOST_TRIALS)),
    "timeout": (f"{domains.SECONDS}", lambda value: value in domains.SECONDS),
}
"""What can be asked for a study beside its file: what is allowed, and whether a value is."""


@dataclass(frozen=True)
class Queued:
    """A study in the queue.

    Attributes
    ----------
    id : int
        Its age: of two studies, the older one has the lower number.
    name : str
    kind : str
        `STUDY` or `EXTERNAL`.
    text, data : str
        The study file, and the address of a copy of its data, empty if there is none.
    about : dict
        What lists tell of the study file: metric, method, budget, source.
    fingerprint : str
        What makes its trials comparable: data, space, folds, scoring and so on.
    owner : str
        Name of the token that submitted it.
    priority : int
        Studies of a higher priority get workers first.
    state, wanted : str
        Rows of `states.STATES`; `wanted` is the one that it is stopping for.
    n_trials, timeout : int and float, optional
        Another budget than that of the study file.
    reason : str
        Why it failed.
    counts : dict
        Live figures of its trials.
    submitted, since, begun, ended : float
        In seconds since 1970; `since` is when it came into its state.
    fence, beat : int
        Starts so far; signs of life of its coordinators.
    ran : float
        Seconds that its coordinators have run: its `timeout` is for all of them together.
    holder, until : str and float, optional
        Who runs it, and when that lease ends, in seconds since 1970; None if it is run without a lease.
    """

    id: int
    name: str
    kind: str = STUDY
    text: str = ""
    data: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    owner: str = ""
    priority: int = 0
    state: str = QUEUED
    wanted: str = ""
    n_trials: int | None = None
    timeout: float | None = None
    reason: str = ""
    counts: Mapping[str, Any] = field(default_factory=dict)
    submitted: float = 0.0
    since: float = 0.0
    begun: float | None = None
    ended: float | None = None
    fence: int = 0
    beat: int = 0
    ran: float = 0.0
    holder: str = ""
    until: float | None = None


def check_budget(asked: Mapping[str, Any]) -> None:
    """Check what is asked for a study beside its file.

    Raises
    ------
    StudyError
        If a value is not allowed.

    Examples
    --------
    >>> check_budget({"priority": 1000})
    Traceback (most recent call last):
    search.errors.StudyError: priority = 1000; allowed are whole numbers from -100 to 100
    """
    for key, (allowed, holds) in BUDGET.items():
        if asked.get(key) is not None and not holds(asked[key]):
            raise StudyError(f"{key} = {short(asked[key])}; allowed are {allowed}")


def whole(value: Any, low: int, high: int) -> bool:
    """Return whether a value is a whole number in a range."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
