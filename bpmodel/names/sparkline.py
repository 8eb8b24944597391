"""A curve in one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

LEVELS = "▁▂▃▄▅▆▇█"
MOST = 40
"""Characters of a curve."""


def sparkline(values: Sequence[float], most: int = MOST) -> str:
    """Return a curve as blocks of different heights; a gap stands for values that are not finite.

    >>> sparkline([8.0, 4.0, 2.0, float("nan"), 1.0])
    '█▄▂ ▁'
    >>> sparkline([3.0, 3.0]), sparkline([])
    ('▁▁', '')
    """
    if len(values) > most:
        values = [values[round(i * (len(values) - 1) / (most - 1))] for i in range(most)]
    finite = [v for v in values if math.isfinite(v)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    return "".join(_level(v, low, high) if math.isfinite(v) else " " for v in values)


def _level(value: float, low: float, high: float) -> str:
    share = (value / 2 - low / 2) / (high / 2 - low / 2) if high > low else 0.0  # halves: a difference may overflow
    return LEVELS[min(int(share * len(LEVELS)), len(LEVELS) - 1)]
