"""What a search asks of the place it is written to. MLflow is one such place; an object of yours is another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol, runtime_checkable

from search.tracking.models import RegisteredModel
from search.tracking.runs import Header, Report
from search.trials.outcomes import Outcome


@runtime_checkable
class Tracker(Protocol):
    """Where a search is written to.

    A subclass overrides what it needs; the methods here do nothing. For each search `begin` comes first and `end` last. All calls
    come from the thread of the search, one at a time, and what they raise ends the search.
    """

    def check(self) -> None:
        """Raise `StudyError` if nothing can be written there. Called before the first trial."""
        return None

    def holds(self, header: Header) -> bool:
        """Say whether a complete study is there as it was written."""
        return True

    def begin(self, header: Header) -> None:
        """Begin a search, or go on with it: name, identifier, parameters and study file."""
        return None

    def record(self, outcome: Outcome, value: float) -> None:
        """Write a finished trial and the value that the sampler was told; trials of earlier runs come again."""
        return None

    def register(self, model: Any, X: Any, score: float) -> RegisteredModel | None:
        """Keep the refitted best estimator, which has `predict`."""
        return None

    def finish(self, report: Report) -> None:
        """Write what was found."""
        return None

    def end(self, status: str) -> None:
        """End the search: "FINISHED", "KILLED" after Ctrl-C, or "FAILED"."""
        return None


class Nowhere(Tracker):
    """Writes nothing."""


@contextmanager
def writing(tracker: Tracker, header: Header) -> Iterator[None]:
    """Begin a search, and end it by how the body ends; an error of the body is not hidden by one of `end`."""
    tracker.begin(header)
    try:
        yield
    except BaseException as error:
        with suppress(Exception):
            tracker.end("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise
    tracker.end("FINISHED")
