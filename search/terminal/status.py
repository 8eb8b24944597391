"""The state of a running study, in words."""

from __future__ import annotations

import sys
from contextlib import suppress

from search import formatting
from search.results.progress import Progress
from search.trials.outcomes import VERDICTS

COUNTED = [name for name in reversed(VERDICTS) if VERDICTS[name].counted]


def heading(title: str, progress: Progress) -> list[str]:
    """Return the lines above the progress: what is searched, and what was noticed in the data."""
    return [title, *(f"data: {note}" for note in progress.notes)]


def status(progress: Progress, scoring: str) -> str:
    """Return best score and counts of failures.

    >>> status(Progress({}, 10), "accuracy")
    'best -  diverged 0  stopped 0'
    """
    best, counts, sign = progress.best, progress.counts, formatting.metric(scoring)[1]
    score = formatting.number(sign * best.score) if best else "-"
    return "  ".join([f"best {score}", *(f"{name} {counts[name]}" for name in COUNTED)])


def duration(seconds: float) -> str:
    """Format a duration.

    >>> duration(42.4), duration(3599.7), duration(93784)
    ('0:42', '1:00:00', '26:03:04')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def lost(error: Exception) -> str:
    """Return the line that says why no progress is shown any more.

    >>> lost(ValueError("no\\nway"))
    'progress is no longer shown (ValueError: no way); the study goes on'
    """
    return f"progress is no longer shown ({type(error).__name__}: {' '.join(str(error).split())}); the study goes on"


def tell_lost(error: Exception) -> None:
    """Write that line to the error stream, if there still is one: a closed terminal takes both with it."""
    with suppress(OSError):
        print(lost(error), file=sys.stderr, flush=True)
