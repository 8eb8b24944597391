"""Where external studies are recorded: MLflow, in the background, so that whoever asks and tells does not wait for it.

A study is marked in the queue as long as MLflow lacks something of it. After a kill, the next service writes what is marked.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from search.errors import StudyError
from search.loop import journal
from search.service.external.recording import FINISHED, FIRST_PAUSE, KILLED, LONGEST_PAUSE, Recording, Trial
from search.service.queue import Queue
from search.service.queued import EXTERNAL, Queued
from search.service.states import DONE
from search.study import external
from search.study.external import External
from search.terminal import leaving
from search.tracking import MLflowTracker
from search.trials.outcomes import Outcome
from search.trials.penalties import Feedback

FAREWELL_SECONDS = 10.0
"""How long a service that ends waits for what is still to be written."""

UNRECORDED = "unrecorded"
"""Key among the figures of a study in the queue: MLflow lacks trials of it, or its end."""


class Recorder:
    """Records the external studies of a queue.

    Parameters
    ----------
    studies : Queue
    uri : callable, optional
        Returns MLflow's tracking URI; without it nothing is recorded.
    """

    def __init__(self, studies: Queue, uri: Callable[[], str] | None) -> None:
        self._studies, self._uri = studies, uri
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._current: dict[str, Recording] = {}
        self._unfinished: dict[Recording, threading.Thread] = {}
        self._lock, self._closing = threading.Lock(), threading.Event()

    @property
    def mark(self) -> Mapping[str, bool]:
        """What the figures of a study say while it is recorded."""
        return {} if self._uri is None else {UNRECORDED: True}

    def begin(
        self,
        row: Queued,
        study: External,
        study_id: str,
        outcomes: Mapping[int, Outcome],
        feedback: Mapping[int, Feedback],
    ) -> None:
        """Begin to record a study or go on with it, given what its journal holds; one that has begun already stays."""
        if self._uri is None or row.name in self._current:
            return
        made = self._made(study, study_id, outcomes, feedback)
        thread = threading.Thread(target=self._run, args=(row, made), name="mlflow of a client's study", daemon=True)
        with self._lock:
            self._studies.note(row.name, row.fence, self.mark)
            for each in self._of(row.name):
                each.leave()  # this one writes what the one before has not
            self._current[row.name], self._unfinished[made] = made, thread
        thread.start()

    def record(self, name: str, outcome: Outcome, feedback: Feedback) -> None:
        """Write a finished trial of a study that has begun."""
        if name in self._current:
            self._current[name].record(Trial(outcome, feedback.value))

    def end(self, name: str, *, complete: bool = False) -> None:
        """End the parent run of a study, once all of its trials are written."""
        if name in self._current:
            self._current.pop(name).end(FINISHED if complete else KILLED)

    def recover(self) -> None:
        """Write what an earlier service has not, in the background."""
        if self._uri is None:
            return
        rows = [row for row in self._studies.all() if row.kind == EXTERNAL and row.counts.get(UNRECORDED)]
        threading.Thread(target=self._recover, args=(rows,), name="mlflow of earlier studies", daemon=True).start()

    def close(self) -> None:
        """End all parent runs; what cannot be written soon is left to the next service."""
        deadline = time.monotonic() + FAREWELL_SECONDS
        self._closing.set()
        for name in list(self._current):
            self.end(name)
        with self._lock:
            threads = set(self._unfinished.values())
            for each in self._unfinished:
                each.hurry()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            for each in self._unfinished:
                each.leave()

    # ------------------------------------------------------------------------------------------------------------ details

    def _made(
        self, study: External, study_id: str, outcomes: Mapping[int, Outcome], feedback: Mapping[int, Feedback]
    ) -> Recording:
        known = [Trial(outcome, feedback[number].value) for number, outcome in outcomes.items()]
        return Recording(study, study_id, known, self._tracker, self._turns[study.file.name])

    def _tracker(self) -> MLflowTracker:
        assert self._uri is not None
        return MLflowTracker(self._uri())

    def _of(self, name: str) -> list[Recording]:
        """Return the recordings of a study that are not finished; the lock is held."""
        return [each for each in self._unfinished if each.name == name]

    def _run(self, row: Queued, recording: Recording) -> None:
        written = False
        try:
            written = recording.run()
        finally:
            self._end(row, recording, written)

    def _end(self, row: Queued, recording: Recording, written: bool) -> None:
        """Forget a recording; its study is marked no more, unless another one has begun."""
        with self._lock:  # or another one that begins just now would lose its mark
            del self._unfinished[recording]
            if written and not self._of(row.name):
                with suppress(StudyError):  # the disk is full: the next service finds that all is there
                    self._studies.note(row.name, row.fence, {UNRECORDED: False})

    def _recover(self, rows: Iterable[Queued]) -> None:
        """Write studies in turn, those that MLflow does not take again later: none waits for another one."""
        waiting, pause = [found for row in rows if (found := self._recovered(row)) is not None], FIRST_PAUSE
        while waiting:
            for row, made in list(waiting):
                if made.attempt():
                    self._end(row, made, not made.is_left)
                    waiting.remove((row, made))
            if not waiting or self._closing.wait(pause):
                break
            pause = min(2 * pause, LONGEST_PAUSE)
        for row, made in waiting:
            self._end(row, made, False)

    def _recovered(self, row: Queued) -> tuple[Queued, Recording] | None:
        """Return the recording of a study that an earlier service has left; None if there is nothing to write."""
        try:
            study = external.parse(row.text)
            stored = journal.read(journal.address_of(row.name), study.space)
        except StudyError as error:
            leaving.tell(f"error: study {row.name!r} is not written to MLflow: {error}")
            return None
        if stored is None:
            return None
        made = self._made(study, stored.notes["id"], stored.first, stored.feedback)
        made.end(FINISHED if row.state == DONE else KILLED)
        with self._lock:
            if row.name in self._current:  # which writes all, too
                return None
            self._unfinished[made] = threading.current_thread()
        return row, made
