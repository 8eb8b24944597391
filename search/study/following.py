"""A study that another process runs, followed in its journal: nothing is trained, locked or changed."""

from __future__ import annotations

import time
from collections.abc import Callable

from search.errors import StudyError
from search.loop import journal
from search.loop.journal import Address, Stored
from search.results.progress import Progress
from search.study import records

PAUSE, SHARE = 0.5, 4.0
"""Seconds between two looks at a journal; at least so many times as long as the last one took, which reads all of it."""


def follow(
    path: Address, show: Callable[[Progress], None], sleep: Callable[[float], None] = time.sleep
) -> tuple[Stored | None, bool]:
    """Show the progress of a study until no process runs it any more.

    Parameters
    ----------
    path : Path or DatabaseJournal
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
    before: tuple[int, ...] | None = None
    pause = PAUSE
    while journal.running(path):
        if (state := journal.at(path).state()) != before:
            begun = time.monotonic()
            stored = _look(path)
            if stored is not None and records.ABOUT in stored.notes:
                show(_progress(stored))
                before = state
            pause = max(PAUSE, SHARE * (time.monotonic() - begun))
        sleep(pause)
    stored = _look(path)
    if stored is not None and records.ABOUT in stored.notes:
        show(_progress(stored))
    return stored, stored is not None and records.is_complete(stored)


def _look(path: Address) -> Stored | None:
    """Read a journal; None if it has no study yet."""
    try:
        return records.read(path)
    except StudyError:
        if journal.at(path).exists():
            raise
        return None  # a run that has just begun has locked it, and not written it


def _progress(stored: Stored) -> Progress:
    budget = stored.notes[records.ABOUT].get("budget", {})
    planned = budget.get("n_trials") or len(stored.outcomes)
    return Progress(stored.outcomes, int(planned), timeout=budget.get("timeout"))
