"""What a trial is given: its configuration, and what all trials of a study share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.folds import Folds
from search.once import Once


@dataclass(frozen=True)
class Trial:
    """One configuration; `cutoffs` maps an epoch to the least mean score with which the trial goes on from there."""

    number: int
    params: Mapping[str, Any]
    cutoffs: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """What all trials of a study share.

    `pipeline` is a BP estimator or a `Pipeline` that ends in one; `scorer(estimator, X, y)` is greater for the better; trials
    name parameters without the `prefix` they have in the pipeline, or as
    `paths` translates them.
    """

    pipeline: Any
    X: Any
    y: NDArray[Any]
    folds: Folds
    scorer: Callable[[Any, Any, Any], float]
    seed: int
    prefix: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)
    prepared: Once = field(default_factory=Once, compare=False, repr=False)


def seed(study: int, trial: int, fold: int) -> int:
    """Return the seed of one fit: the same whatever runs beside it."""
    return int(np.random.SeedSequence([study, trial, fold]).generate_state(1)[0])
