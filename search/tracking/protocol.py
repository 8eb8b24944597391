"""The tracker interface: where a search is recorded. MLflow is one tracker; the user's object may be another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol, runtime_checkable

from search.signals.command import check, received, unwinding
from search.tracking.contents.runs import Header, Report
from search.tracking.models.registration import RegisteredModel
from search.trials.outcomes import Outcome


@runtime_checkable
class Tracker(Protocol):
    """Records searches.

    A subclass overrides what it needs; the methods here do nothing. For each search, `begin` is called first and `end`
    last. All calls come from the thread of the search, one at a time. An exception of a tracker ends the search.
    """

    def check(self) -> None:
        """Raise `StudyError` if nothing can be written. Called before the first trial."""
        return None

    def holds(self, header: Header) -> bool:
        """Return whether a complete study is still recorded as it was written."""
        return True

    def begin(self, header: Header) -> None:
        """Begin or resume a search: name, identifier, parameters and study file."""
        return None

    def record(self, outcome: Outcome, value: float) -> None:
        """Write a finished trial and the value given to the sampler; trials of earlier runs are passed again."""
        return None

    def register(self, model: Any, X: Any, score: float) -> RegisteredModel | None:
        """Store the refitted best estimator, which has `predict`."""
        return None

    def finish(self, report: Report) -> None:
        """Write the final report."""
        return None

    def end(self, status: str) -> None:
        """End the search: "FINISHED", "KILLED" after Ctrl-C and other signals, or "FAILED"."""
        return None


class Nowhere(Tracker):
    """A tracker that writes nothing."""


@contextmanager
def writing(tracker: Tracker, header: Header) -> Iterator[None]:
    """Begin a search, and end it with the status of the body.

    An error in the body is not hidden by an error in `end`.
    """
    with unwinding():
        tracker.begin(header)
        try:
            yield
            check()
        except BaseException as error:
            with suppress(Exception):
                tracker.end("KILLED" if isinstance(error, KeyboardInterrupt) or received() else "FAILED")
            raise
        tracker.end("FINISHED")
