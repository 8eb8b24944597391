"""Which trials a model of a long study is shown: the best, the latest, and an even sample of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def selection(values: Sequence[Any], n: int, best: int, latest: int) -> list[int]:
    """Return the places of `n` trials out of all, in their order.

    The rest is thinned evenly over time, so the trials that diverged are in the sample with their share. It takes no random
    numbers: the same trials give the same selection.

    Parameters
    ----------
    values : sequence of numbers or tuples
        The greater the better, in the order in which the trials ended.
    n : int
    best, latest : int
        How many of the best and of the latest are among them.

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
