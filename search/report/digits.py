"""Numbers that stand below each other: with the same number of decimals, as many as their spread deserves."""

from __future__ import annotations

import math
from collections.abc import Iterable

from search.formatting import HUGE, number

MOST_DECIMALS = 12
SIGNIFICANT = 2
"""Digits of a standard deviation; the mean beside it has the same decimals."""

MINUS = "\u2212"
"""A minus sign, which is as wide as a figure."""


def decimals(spreads: Iterable[float]) -> int | None:
    """Return the number of decimals for scores that spread so; None if nothing is known of their spread.

    >>> decimals([3.189, 4.05]), decimals([0.0123, 3.0]), decimals([250.0]), decimals([0.0])
    (1, 3, 0, None)
    """
    known = [abs(value) for value in spreads if math.isfinite(value) and value != 0]
    if not known:
        return None
    return min(max(SIGNIFICANT - 1 - math.floor(math.log10(min(known))), 0), MOST_DECIMALS)


def fixed(value: float, places: int | None) -> str:
    """Return a number with so many decimals.

    >>> fixed(53.8712, 2), fixed(-0.5, 3), fixed(-0.0001, 2), fixed(33251.7, 0), fixed(1e200, 2), fixed(0.25, None)
    ('53.87', '−0.500', '0.00', '33,252', '1e+200', '0.25')
    """
    if places is None or not abs(value) < HUGE:
        return number(float(value)).replace("-", MINUS, 1) if value < 0 else number(float(value))
    shown = f"{abs(value):,.{places}f}"
    return f"{MINUS}{shown}" if value < 0 and float(shown.replace(",", "")) else shown


def between(mean: float, half_width: float, places: int | None) -> str:
    """Return an interval in words.

    >>> between(1.5, 0.5, 1), between(-1.0, 2.0, 0)
    ('1.0 to 2.0', '−3 to 1')
    """
    return f"{fixed(mean - half_width, places)} to {fixed(mean + half_width, places)}"
