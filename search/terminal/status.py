"""The state of a running study, in words."""

from __future__ import annotations

import sys
from contextlib import suppress

from search import formatting
from search.results.progress import Progress
from search.terminal.course import Course
from search.trials.outcomes import ERROR, VERDICTS

COUNTED = [name for name in VERDICTS if VERDICTS[name].counted]
FAILED = ERROR
"""The verdict that is counted only where it occurs."""


def heading(title: str, progress: Progress) -> list[str]:
    """Return the lines above the progress: what is searched, and what was noticed in the data."""
    return [title, *(f"data: {note}" for note in progress.notes)]


def best(course: Course, scoring: str) -> str:
    """Return the best score so far as people say it.

    >>> best(Course(), "accuracy")
    'best -'
    """
    found, sign = course.best, formatting.metric(scoring)[1]
    return f"best {formatting.number(sign * found.score) if found else '-'}"


def counts(progress: Progress) -> dict[str, int]:
    """Return how many trials ended in a way that is counted.

    >>> counts(Progress({}, 10))
    {'stopped': 0, 'diverged': 0}
    """
    found = progress.counts
    return {name: found[name] for name in COUNTED} | ({FAILED: found[FAILED]} if found[FAILED] else {})


def rate(per_second: float) -> str:
    """Format a number of trials per time.

    >>> rate(12.345), rate(1.5), rate(0.25), rate(0.001)
    ('12 trials/s', '1.5 trials/s', '15 trials/min', '3.6 trials/h')
    """
    value, unit = next(((per_second * n, unit) for unit, n in UNITS.items() if per_second * n >= 1), (0.0, "h"))
    value = value or per_second * UNITS["h"]
    return f"{value:.0f} trials/{unit}" if value >= 10 else f"{value:.2g} trials/{unit}"


UNITS = {"s": 1, "min": 60, "h": 3600}


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
