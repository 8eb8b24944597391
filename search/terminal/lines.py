"""The progress of a study as a line now and then, for pipes and files: it has no control characters."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from rich.console import Console

from search.results.progress import Progress
from search.terminal.status import duration, heading, status, tell_lost

WAITS = (2.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds from the first line to the second, from there to the third, and so on; the last one repeats."""

LONGEST = WAITS[-1]
"""Seconds after which there is a line even if nothing has changed."""


class Timer(Protocol):
    """Calls a function now and then from `start` to `stop`."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class EverySecond:
    """Calls a function about once a second, in a thread of its own."""

    def __init__(self, function: Callable[[], None], seconds: float = 1.0) -> None:
        self._function, self._seconds, self._ended = function, seconds, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Call the function no more."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._seconds):
            try:
                self._function()
            except Exception as error:  # a thread would end with a traceback
                tell_lost(error)
                return


class ProgressLines:
    """Writes a line after the first trial, then at growing distances, and at the end.

    A long trial, the reading of the data and the final fit are not silent either: after `LONGEST` seconds there is a
    line in any case.

    Parameters
    ----------
    title : str
        First line, written with the first report.
    scoring : str
    console : rich Console
    clock : callable
        Returns a time in seconds.
    timer : callable
        Maps a function to a `Timer` that calls it.
    """

    def __init__(
        self,
        title: str,
        scoring: str,
        console: Console,
        clock: Callable[[], float] = time.monotonic,
        timer: Callable[[Callable[[], None]], Timer] = EverySecond,
    ) -> None:
        self._title, self._scoring, self._console, self._clock = title, scoring, console, clock
        self._timer, self._lock = timer(self.tick), threading.Lock()
        self._begun = self._written_at = clock()
        self._written = 0
        self._state: Progress | None = None
        self._shown: tuple[str, int] | None = None
        self._stage_begun, self._stage_done = self._begun, 0

    def start(self) -> None:
        """Start the clock."""
        self._timer.start()

    def show(self, progress: Progress) -> None:
        """Take note of the current state, and write it if it is time."""
        with self._lock:
            if self._state is None:
                for line in heading(self._title, progress):
                    self._console.print(line)
            if self._state is None or self._state.stage != progress.stage:
                self._stage_begun, self._stage_done = self._clock(), len(progress.outcomes)
            self._state = progress
            self._write_if_due()

    def tick(self) -> None:
        """Write the state if it is time."""
        with self._lock:
            self._write_if_due()

    def stop(self) -> None:
        """Write the final state."""
        self._timer.stop()
        with self._lock:
            if self._state is not None and self._shown != self._key(self._state):
                self._write()

    def _write_if_due(self) -> None:
        waited, state = self._clock() - self._written_at, self._state
        changed = state is not None and len(state.outcomes) > 0 and self._shown != self._key(state)
        wait = WAITS[min(self._written, len(WAITS)) - 1] if self._written else 0.0
        if waited >= LONGEST or (changed and waited >= wait):
            self._write()

    def _write(self) -> None:
        self._console.print(self._line())
        self._written_at = self._clock()
        if self._state is not None:
            self._written, self._shown = self._written + 1, self._key(self._state)

    def _line(self) -> str:
        now, state = self._clock(), self._state
        elapsed = f"elapsed {duration(now - self._begun)}"
        if state is None:
            return f"reading the data  {elapsed}"
        done, title = len(state.outcomes), "trial" if state.stage == "trials" else f"{state.stage}: trial"
        parts = [f"{title} {done}/{state.n_trials}", status(state, self._scoring), elapsed]
        new = done - self._stage_done
        if done >= state.n_trials:
            parts.append("evaluating and fitting the best")
        elif new > 0:
            left = (now - self._stage_begun) / new * (state.n_trials - done + state.further)
            parts.append(f"left ~{duration(left)}")
        return "  ".join(parts)

    @staticmethod
    def _key(state: Progress) -> tuple[str, int]:
        return state.stage, len(state.outcomes)
