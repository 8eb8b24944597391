"""A study that another process runs, followed in its journal: nothing is trained, locked or changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from search.errors import StudyError
from search.loop import journal
from search.loop.journal import Stored
from search.results.progress import Progress
from search.study import records

PAUSE, SHARE = 0.5, 4.0
"""Seconds between two looks at a journal; at least so many times as long as the last one took, which reads all of it."""


def follow(
    path: Path, show: Callable[[Progress], None], sleep: Callable[[float], None] = time.sleep
) -> tuple[Stored | None, bool]:
    """Show the progress of a study until no process runs it any more.

    Parameters
    ----------
    path : Path
        Its journal.
    show : callable
        Called with each new state.
    sleep : callable
        Waits so many seconds.

    Returns
    -------
    stored : Stored or None
        What the journal holds in the end; None if it has no study.
    complete : bool
        Whether the study is complete, its model included.

    Raises
    ------
    StudyError
        If the journal cannot be read.
    """
    before, pause = -1, PAUSE
    while journal.running(path):
        if (size := _size(path)) != before:
            begun = time.monotonic()
            stored = _look(path)
            if stored is not None and records.ABOUT in stored.notes:
                show(_progress(stored))
                before = size
            pause = max(PAUSE, SHARE * (time.monotonic() - begun))
        sleep(pause)
    stored = _look(path)
    if stored is not None and records.ABOUT in stored.notes:
        show(_progress(stored))
    return stored, stored is not None and records.is_complete(stored)


def _look(path: Path) -> Stored | None:
    """Read a journal; None if it has no study yet."""
    try:
        return records.read(path)
    except StudyError:
        if path.exists():
            raise
        return None  # a run that has just begun has locked it, and not written it


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _progress(stored: Stored) -> Progress:
    budget = stored.notes[records.ABOUT].get("budget", {})
    planned = budget.get("n_trials") or len(stored.outcomes)
    return Progress(stored.outcomes, int(planned), timeout=budget.get("timeout"))
