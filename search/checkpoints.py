"""The epochs at which all folds of a trial pause to be scored."""

from __future__ import annotations

import math

GROWTH = 1.4
"""Ratio of neighbouring checkpoints: the best number of epochs is found to within 20 percent."""

FIRST = 4


def checkpoints(max_iter: int) -> list[int]:
    """Return the checkpoints of a fit: geometric steps, and the last epoch.

    >>> checkpoints(30)
    [4, 6, 9, 13, 19, 27, 30]
    """
    epochs, epoch = [], FIRST
    while epoch < max_iter:
        epochs.append(epoch)
        epoch = max(epoch + 1, math.ceil(epoch * GROWTH))
    return [*epochs, max_iter]
