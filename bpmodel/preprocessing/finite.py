"""Numbers near the ends of double precision: brought to a size with finite differences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LARGEST = float(np.finfo(np.float64).max)

FAR, NEAR = 1e100, 1e-100
"""Between these, differences, their ratios and their squares are finite, and nothing is lost."""


def unit(column: NDArray[np.float64]) -> float:
    """Return what to divide a column by before differences are taken: a power of two, so nothing is lost; 1 for most columns.

    >>> unit(np.array([3.0, -5e99])), unit(np.array([1e300, 1.0])) > 1e299, 0 < unit(np.array([0.0, 1e-310])) < 1e-300
    (1.0, True, True)
    """
    largest = float(np.abs(column).max(initial=0.0))
    if largest == 0 or NEAR <= largest <= FAR:
        return 1.0
    return float(np.ldexp(1.0, np.clip(np.frexp(largest)[1] - 1, -1022, 1023)))


def bounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers of which infinite ones are the largest that there are."""
    return np.clip(values, -LARGEST, LARGEST)
