"""The states of a study in the queue, and the transitions between them: the one table that CLI, HTTP and documents follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from search.errors import StudyError

QUEUED, RUNNING, PAUSED, STOPPING = "queued", "running", "paused", "stopping"
DONE, FAILED, CANCELLED = "done", "failed", "cancelled"

STATES = {
    QUEUED: "waits until the service runs it",
    RUNNING: "its trials run, or are lent to clients",
    PAUSED: "waits until it is resumed",
    STOPPING: "its coordinator has been told to stop; trials that finish meanwhile are kept",
    DONE: "is complete",
    FAILED: "ended with an error, which its reason tells",
    CANCELLED: "was ended by request; its finished trials are kept",
}
"""Every state of a study, and what it means."""

USER, SERVICE = "user", "service"


class Transition(NamedTuple):
    """A row of the table.

    Attributes
    ----------
    action : str
        What is done.
    before, after : str
        The states from and to which it leads; `WANTED` stands for the state that was asked for.
    wanted : str
        The state that is asked for, where a coordinator has to stop first.
    by : str
        Who may do it: a user, or the service itself.
    """

    action: str
    before: str
    after: str
    wanted: str = ""
    by: str = USER


WANTED = "wanted"
"""Instead of a state: the one that was asked for when the study was told to stop."""

TRANSITIONS = (
    Transition("submit", QUEUED, QUEUED),
    Transition("submit", RUNNING, RUNNING),
    Transition("submit", PAUSED, PAUSED),
    Transition("submit", DONE, QUEUED),
    Transition("submit", FAILED, QUEUED),
    Transition("submit", CANCELLED, QUEUED),
    Transition("pause", QUEUED, PAUSED),
    Transition("pause", RUNNING, STOPPING, PAUSED),
    Transition("resume", PAUSED, QUEUED),
    Transition("resume", FAILED, QUEUED),
    Transition("cancel", QUEUED, CANCELLED),
    Transition("cancel", PAUSED, CANCELLED),
    Transition("cancel", FAILED, CANCELLED),
    Transition("cancel", RUNNING, STOPPING, CANCELLED),
    Transition("cancel", STOPPING, STOPPING, CANCELLED),
    Transition("start", QUEUED, RUNNING, by=SERVICE),
    Transition("yield", RUNNING, STOPPING, QUEUED, SERVICE),
    Transition("stopped", STOPPING, WANTED, by=SERVICE),
    Transition("finish", RUNNING, DONE, by=SERVICE),
    Transition("finish", STOPPING, DONE, by=SERVICE),
    Transition("fail", RUNNING, FAILED, by=SERVICE),
    Transition("fail", STOPPING, FAILED, by=SERVICE),
    Transition("release", RUNNING, QUEUED, by=SERVICE),
    Transition("release", STOPPING, WANTED, by=SERVICE),
)
"""Every transition. To submit a study again that is not complete gives it another budget or priority; one that has ended is
queued. The service starts studies, yields to others, and releases what a coordinator that died has left."""

ENDED = frozenset({DONE, FAILED, CANCELLED})
"""States in which nothing happens by itself."""

MEANINGS = {
    "submit": "queue a study, or give one another budget or priority",
    "pause": "stop a study until it is resumed",
    "resume": "queue a study that is paused or has failed",
    "cancel": "end a study; its finished trials are kept",
}
"""What users can do with a study."""


class TransitionError(StudyError):
    """A transition that is not in the table.

    Attributes
    ----------
    allowed : list of str
        What users can do instead.
    """

    def __init__(self, message: str, allowed: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.allowed = list(allowed)


def transition(name: str, state: str, action: str) -> Transition:
    """Return the row of an action in a state.

    Raises
    ------
    TransitionError
        If the study `name` cannot do that; the message says what it can do.

    Examples
    --------
    >>> transition("wine", "queued", "pause").after
    'paused'
    >>> transition("wine", "done", "pause")
    Traceback (most recent call last):
    search.service.states.TransitionError: study 'wine' is done: it cannot be paused; allowed is submit
    """
    found = next((row for row in TRANSITIONS if row.action == action and row.before == state), None)
    if found is None:
        allowed = allowed_in(state)
        verb = "are" if len(allowed) > 1 else "is"
        raise TransitionError(
            f"study {name!r} is {state}: it cannot be {PARTICIPLES[action]}; allowed {verb} {', '.join(allowed)}",
            allowed,
        )
    return found


PARTICIPLES = {
    "submit": "submitted again",
    "pause": "paused",
    "resume": "resumed",
    "cancel": "cancelled",
    "start": "started",
    "yield": "made to wait",
    "stopped": "stopped",
    "finish": "finished",
    "fail": "failed",
    "release": "released",
}


def allowed_in(state: str) -> list[str]:
    """Return what users can do with a study in a state.

    >>> allowed_in("stopping")
    ['cancel']
    """
    return [row.action for row in TRANSITIONS if row.before == state and row.by == USER]
