"""Scores and values as people read them: an error of 53.7 is 53.7, though the scorer says -53.7."""

from __future__ import annotations

from typing import Any

from search.space.dimensions import label

LARGE, HUGE = 1e4, 1e15
"""Numbers between these are written with all their digits before the point."""

ROUNDING = 1e-12
"""Rounding errors are smaller than this share of the numbers whose difference they are in."""


def metric(scoring: str) -> tuple[str, int]:
    """Return the metric's name for readers, and the sign that converts a score to it.

    >>> metric("neg_root_mean_squared_error")
    ('root mean squared error', -1)
    >>> metric("accuracy")
    ('accuracy', 1)
    """
    return scoring.removeprefix("neg_").replace("_", " "), -1 if scoring.startswith("neg_") else 1


def number(value: Any, beside: float = 0.0) -> str:
    """Format a value in a few characters; it is 0 if it is a rounding error of a number `beside` it.

    >>> number(0.00123456), number([64, 32]), number("relu"), number(53.347)
    ('0.00123', '64-32', 'relu', '53.35')
    >>> number(33251.7), number(1.2e17)
    ('33,252', '1.2e+17')
    >>> number(2.22e-17), number(2.22e-17, beside=0.96)
    ('2.22e-17', '0')
    """
    if isinstance(value, float):
        value = 0.0 if abs(value) < ROUNDING * abs(beside) else value
        value += 0.0  # -0.0 becomes 0.0
        if LARGE <= abs(value) < HUGE:
            return f"{value:,.0f}"
        return f"{value:.4g}" if abs(value) >= 1 else f"{value:.3g}"
    if isinstance(value, list | tuple):
        return "-".join(map(str, value)) or "none"
    return label(value)
