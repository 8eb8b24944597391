"""The progress of a study as a line for each event, for pipes and files: it has no control characters."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from rich.console import Console

from search.formatting import metric
from search.results.progress import Progress
from search.terminal.course import Course
from search.terminal.status import best, counts, duration, heading, rate, tell_lost
from search.trials.outcomes import VERDICTS

SILENCES = (30.0, 60.0, 120.0, 300.0)
"""Seconds without a line after which there is one all the same: the first time, the second, and so on; the last one repeats."""

BEST_WAIT = 2.0
"""Seconds after a line before which a better trial has none of its own: at first almost every trial is the best one so far."""


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
    """Writes a line for the first trial, for a better one, for each tenth of the trials, and at the end.

    A long trial, the reading of the data and the final fit are not silent either, see `SILENCES`.

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
        self._timer, self._lock, self._course = timer(self.tick), threading.Lock(), Course(clock)
        self._written_at, self._quiet, self._better = clock(), 0, False
        self._shown: tuple[str, int] | None = None

    def start(self) -> None:
        """Start the clock."""
        self._timer.start()

    def show(self, progress: Progress) -> None:
        """Take note of the current state, and write it if something has happened."""
        with self._lock:
            if self._course.state is None:
                self._begin(progress)
            event = self._course.see(progress)
            self._better |= event == "best"
            if event in ("", "best"):
                self._write_if_due()
            else:
                self._write(event)

    def tick(self) -> None:
        """Write the state if it is time."""
        with self._lock:
            self._write_if_due()

    def stop(self) -> None:
        """Write the final state."""
        self._timer.stop()
        with self._lock:
            if self._course.state is not None and self._shown != self._key(self._course.state):
                self._write("last")

    def _begin(self, progress: Progress) -> None:
        for line in heading(self._title, progress):
            self._console.print(line)

    def _write_if_due(self) -> None:
        waited = self._clock() - self._written_at
        if self._better and waited >= BEST_WAIT:
            self._write("best")
        elif waited >= SILENCES[min(self._quiet, len(SILENCES) - 1)]:
            quiet = self._quiet + 1
            self._write("waiting")
            self._quiet = quiet

    def _write(self, event: str) -> None:
        self._tell(event)
        self._written_at, self._quiet, self._better = self._clock(), 0, False
        if self._course.state is not None:
            self._shown = self._key(self._course.state)

    def _tell(self, event: str) -> None:
        self._console.print(self._line(event))

    def _line(self, event: str) -> str:
        course, state = self._course, self._course.state
        elapsed = f"elapsed {duration(course.elapsed)}"
        if state is None:
            return f"reading the data  {elapsed}"
        done, title = len(state.outcomes), "trial" if state.stage == "trials" else f"{state.stage}: trial"
        score = ("new " if self._better else "") + best(course, self._scoring)
        parts = [f"{title} {done}/{state.n_trials}", score, *(f"{name} {n}" for name, n in counts(state).items())]
        if course.rate is not None:
            parts.append(rate(course.rate))
        parts.append(elapsed)
        if done >= state.n_trials:
            parts.append("evaluating and fitting the best")
        elif course.left is not None:
            parts.append(f"left ~{duration(course.left)}")
        return "  ".join(parts)

    @staticmethod
    def _key(state: Progress) -> tuple[str, int]:
        return state.stage, len(state.outcomes)


class ProgressDocuments(ProgressLines):
    """Writes the same as JSON, a document a line, for the error stream: standard output has the one of the result."""

    def _begin(self, progress: Progress) -> None:
        pass

    def _tell(self, event: str) -> None:
        print(json.dumps(self._document(event), allow_nan=False), file=self._console.file, flush=True)

    def _document(self, event: str) -> dict[str, Any]:
        course, state = self._course, self._course.state
        elapsed = {"elapsed": round(course.elapsed, 3)}
        if state is None:
            return {"progress": "reading", **elapsed}
        found, sign = course.best, metric(self._scoring)[1]
        return {
            "progress": event,
            "stage": state.stage,
            "done": len(state.outcomes),
            "n_trials": state.n_trials,
            "trials": {verdict: state.counts[verdict] for verdict in VERDICTS},
            "best": None if found is None else {"number": found.number, "score": finite(sign * found.score)},
            "rate": course.rate,
            **elapsed,
            "left": course.left,
        }


def finite(value: float) -> float | None:
    """Return a number as JSON has it.

    >>> finite(0.5), finite(float("nan"))
    (0.5, None)
    """
    return value if math.isfinite(value) else None
