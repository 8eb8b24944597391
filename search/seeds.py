"""Seeds of the parts of a study: each is a function of the study's seed and of the numbers that identify the part."""

from __future__ import annotations

import numpy as np


def derive(seed: int, *numbers: int) -> int:
    """Return the seed of one part of a study, such as (trial, fold); independent of what runs before it or in parallel.

    Parameters
    ----------
    seed : int
        The study's seed, at least 0.
    numbers : int
        The numbers that identify the part, at least 0.

    Returns
    -------
    int
        From 0 to 2**32 - 1.

    Examples
    --------
    >>> derive(0, 3, 1) == derive(0, 3, 1), derive(0, 3, 1) == derive(0, 3, 2)
    (True, False)
    """
    return int(np.random.SeedSequence([seed, *numbers]).generate_state(1)[0])
