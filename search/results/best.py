"""Which configuration of a search is the best, and what to say if none is."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Sequence
from typing import Any

from sklearn.exceptions import FitFailedWarning

from bpmodel import DivergenceError
from search.trials.outcomes import Outcome, winner

DEBUG = "error_score='raise' shows where"


def healthy(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the best configuration.

    Raises
    ------
    ValueError
        If none could be evaluated.
    DivergenceError
        If none finished healthy.

    Warns
    -----
    FitFailedWarning
        If some could not be evaluated.
    """
    best = winner({o.number: o for o in outcomes})
    failed = [o for o in outcomes if o.verdict == "error"]
    if len(failed) == len(outcomes):
        raise ValueError(
            f"none of {len(outcomes)} configurations could be evaluated; the first: {failed[0].reason} ({DEBUG})"
        )
    if best is None:
        raise DivergenceError(
            f"none of {len(outcomes)} configurations finished healthy; the first: {outcomes[0].reason}"
        )
    if failed:
        warnings.warn(
            f"{len(failed)} of {len(outcomes)} configurations could not be evaluated; the first: {failed[0].reason} ({DEBUG})",
            FitFailedWarning,
            stacklevel=4,
        )
    return best


def chosen(index: Any, outcomes: Sequence[Outcome]) -> Outcome:
    """Return the configuration whose index a callable `refit` returned.

    Raises
    ------
    TypeError, IndexError, ValueError
        If it is no index, there is no such configuration, or that has no scores.
    """
    if not isinstance(index, numbers.Integral):
        raise TypeError(f"best_index_ returned is not an integer: refit returned {index!r}")
    if not 0 <= int(index) < len(outcomes):
        raise IndexError(
            f"best_index_ index out of range: refit returned {index}; allowed are 0 to {len(outcomes) - 1}"
        )
    outcome = outcomes[int(index)]
    if not outcome.fold_scores:
        raise ValueError(f"refit returned {index}, a configuration without scores: {outcome.verdict}, {outcome.reason}")
    return outcome
