"""Thinning of long studies: a model sees the best trials, the latest trials, and an even sample of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def selection(values: Sequence[Any], n: int, best: int, latest: int) -> list[int]:
    """Return the indices of `n` selected trials, in order.

    The rest is thinned evenly over time, so diverged trials keep their proportion in the sample. Nothing is random: the
    same trials give the same selection.

    Parameters
    ----------
    values : sequence of numbers or tuples
        Ranking values, greater is better, in the order in which the trials finished.
    n : int
    best, latest : int
        Number of best and of latest trials to include.

    Examples
    --------
    >>> selection([0.1, 0.9, 0.2, 0.3, 0.4, 0.5, 0.8, 0.6], 5, best=2, latest=1)
    [0, 1, 5, 6, 7]
    """
    total = len(values)
    if total <= n:
        return list(range(total))
    kept = set(sorted(range(total), key=lambda i: values[i], reverse=True)[:best]) | set(range(total - latest, total))
    rest = [i for i in range(total) if i not in kept]
    kept |= {rest[i] for i in np.linspace(0, len(rest) - 1, n - len(kept)).round().astype(int)}
    return sorted(kept)
