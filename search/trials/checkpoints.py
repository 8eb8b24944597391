"""Checkpoints: the epochs at which all folds of a trial pause to be scored."""

from __future__ import annotations

import math
from collections.abc import Sequence

UNDEFINED = -math.inf
"""Score of a checkpoint that has none: worse than any. The logarithm of a prediction below -1 does not exist, and a
correlation with predictions that hardly vary does not either, but both may exist a few epochs later."""

GROWTH = 1.4
"""Ratio of successive checkpoints: the best number of epochs is found to within 20 percent."""

FIRST = 4


def checkpoints(max_iter: int) -> list[int]:
    """Return the checkpoints of a fit: geometric steps, then the last epoch.

    >>> checkpoints(30)
    [4, 6, 9, 13, 19, 27, 30]
    """
    epochs, epoch = [], FIRST
    while epoch < max_iter:
        epochs.append(epoch)
        epoch = max(epoch + 1, math.ceil(epoch * GROWTH))
    return [*epochs, max_iter]


PATIENCE = 3
"""Early stopping after this many checkpoints without a better score: they span nearly three times as many epochs."""

LEAST = 8
"""Early stopping never happens in the first 1/8 of a trial's epochs."""


def plateaued(scores: Sequence[float], epoch: int, max_iter: int) -> bool:
    """Return whether the scores at the checkpoints so far, the last one at `epoch`, have stopped rising.

    >>> plateaued([0.5, 0.7, 0.9, 0.8, 0.85, 0.85], 19, 100)
    True
    >>> plateaued([0.5, 0.7, 0.9, 0.8, 0.85, 0.85], 19, 200), plateaued([0.5, 0.7, 0.9, 0.8, 0.85, 0.91], 19, 100)
    (False, False)
    >>> plateaued([UNDEFINED] * 6, 19, 100)  # nothing has risen yet
    False
    """
    if epoch * LEAST < max_iter or len(scores) <= PATIENCE:
        return False
    return max(scores[-PATIENCE:]) <= max(scores[:-PATIENCE]) > UNDEFINED
