"""The runs of one external study in MLflow: what the store does not take now is written later."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import NamedTuple

from search.errors import StudyError, one_line
from search.service.external.summary import summary
from search.study.external import External
from search.terminal import leaving
from search.tracking import MLflowTracker, TrackingError
from search.trials.outcomes import Outcome

FLUSH_SECONDS = 5.0
"""Seconds without a new trial after which it is made sure that all are written."""

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""Seconds before the second try and, as each pause is twice the one before, the longest pause."""

FINISHED, KILLED = "FINISHED", "KILLED"
"""How a parent run ends: the study is complete, or its trials are not lent any more."""


class Trial(NamedTuple):
    """A finished trial, and what the sampler was told of it."""

    outcome: Outcome
    value: float


class Recording:
    """The runs of one study.

    Parameters
    ----------
    study : External
    study_id : str
        That of its journal.
    known : iterable of Trial
        The finished trials; those that have a run are not written again.
    tracker : callable
        Returns the tracker of one try.
    turn : lock
        Held while it writes: if a study is paused and resumed, one recording follows the other.

    Attributes
    ----------
    name : str
        That of the study.
    """

    def __init__(
        self,
        study: External,
        study_id: str,
        known: Iterable[Trial],
        tracker: Callable[[], MLflowTracker],
        turn: threading.Lock,
    ) -> None:
        self.name = study.file.name
        self._study, self._study_id, self._tracker, self._turn = study, study_id, tracker, turn
        self._trials, self._status, self._is_new = list(known), "", False
        self._inbox: SimpleQueue[Trial | str] = SimpleQueue()
        self._left, self._hurried = threading.Event(), threading.Event()
        self._told = ""

    def record(self, trial: Trial) -> None:
        """Add a finished trial."""
        self._inbox.put(trial)

    def end(self, status: str) -> None:
        """Say how its parent run ends, once all is written."""
        self._inbox.put(status)

    def leave(self) -> None:
        """Write nothing more: another recording of the study does, or nobody can wait."""
        self._left.set()
        self._hurried.set()

    def hurry(self) -> None:
        """Make no further try than the one that is being made."""
        self._hurried.set()

    @property
    def is_left(self) -> bool:
        """Whether nothing more is written."""
        return self._left.is_set()

    def run(self) -> bool:
        """Write all, again and again while the store does not take it; return whether all was written."""
        pause = FIRST_PAUSE
        while not self.attempt():
            if self._hurried.wait(pause):
                return False
            pause = min(2 * pause, LONGEST_PAUSE)
        return not self.is_left

    def attempt(self) -> bool:
        """Write all; return whether nothing is left to be done."""
        with self._turn:
            if self.is_left:
                return True
            try:
                self._write()
                return True
            except (StudyError, TrackingError) as error:
                problem = f"study {self.name!r}: {one_line(error)}"
        if problem != self._told:
            leaving.tell(f"error: {problem}; the service goes on, and tries again")
        self._told = problem
        return False

    def _write(self) -> None:
        tracker = self._tracker()
        tracker.check()
        tracker.begin(self._study.header(self._study_id))
        try:
            for each in self._trials:
                tracker.record(*each)
            while not self._status:
                self._take(tracker)
            if self._status == FINISHED:
                tracker.finish(summary(self._study, [outcome for outcome, _ in self._trials]))
        except BaseException:
            with suppress(StudyError, TrackingError):
                tracker.end(KILLED)
            raise
        tracker.end(self._status)

    def _take(self, tracker: MLflowTracker) -> None:
        """Wait for what comes next: a trial, or how the study ends. When nothing comes, errors of the tracker are raised."""
        try:
            told = self._inbox.get(timeout=FLUSH_SECONDS if self._is_new else None)
        except Empty:
            tracker.flush()
            self._is_new = False
            return
        if isinstance(told, str):
            self._status = told
        else:
            self._trials.append(told)
            tracker.record(*told)
            self._is_new = True
