"""Outcomes in the form of scikit-learn's searches: the table ``cv_results_``, and its best row."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.exceptions import FitFailedWarning

from bpmodel import DivergenceError
from search.trials.outcomes import VERDICTS, Outcome, level, mean, winner
from search.trials.scoring import SCORE

DEBUG = "error_score='raise' shows where"


def cv_results(
    outcomes: Sequence[Outcome], n_splits: int, names: Sequence[str] = (SCORE,), error_score: float = float("nan")
) -> dict[str, Any]:
    """Return outcomes as scikit-learn's ``cv_results_``: a dict of columns, one row per configuration.

    Parameters
    ----------
    outcomes : list of Outcome
    n_splits : int
        Number of folds.
    names : list of str
        Names of the metrics.
    error_score : float
        Score of each fold of a configuration without scores.
    """

    def folds(values: Callable[[Outcome], Sequence[float]], missing: float) -> NDArray[np.float64]:
        return np.array([list(values(o)) or [missing] * n_splits for o in outcomes], dtype=float)

    table: dict[str, Any] = {}
    for name, values in (
        ("fit_time", folds(lambda o: _padded(o.fit_seconds, n_splits), 0.0)),
        ("score_time", folds(lambda o: _padded(o.score_seconds, n_splits), 0.0)),
    ):
        table[f"mean_{name}"], table[f"std_{name}"] = values.mean(axis=1), values.std(axis=1)
    for name in dict.fromkeys(name for o in outcomes for name in o.params):
        table[f"param_{name}"] = _column([o.params for o in outcomes], name)
    table["params"] = [dict(o.params) for o in outcomes]
    for name in names:
        scored = folds(lambda o: o.metrics.get(name, o.fold_scores), error_score)  # noqa: B023 - called at once
        table |= _scores(f"test_{name}", scored)
        table[f"rank_test_{name}"] = ranks(
            [o.verdict for o in outcomes], [len(o.seed_scores) for o in outcomes], table[f"mean_test_{name}"]
        )
        if any(o.train_metrics for o in outcomes):
            table |= _scores(f"train_{name}", folds(lambda o: o.train_metrics.get(name, []), error_score))  # noqa: B023
    table["verdict"] = np.array([o.verdict for o in outcomes])
    table["reason"] = np.array([o.reason for o in outcomes], dtype=object)
    table["finding"] = np.array([o.divergence.code if o.divergence else "" for o in outcomes], dtype=object)
    table["n_epochs"] = np.array([o.epoch for o in outcomes])
    table["n_weights"] = np.array([o.n_weights for o in outcomes])
    if any(o.sample for o in outcomes):
        table["subsample_score"] = np.array([o.sample.get("score", np.nan) for o in outcomes])
    return table


def ranks(verdicts: Sequence[str], seeds: Sequence[int], means: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return the rank of each configuration, by the rule of `search.trials.outcomes.order`; ties share a rank.

    >>> ranks(["ok", "diverged", "ok", "stopped"], [0, 0, 0, 0], np.array([0.5, np.nan, 0.75, 0.9]))
    array([2, 4, 1, 3], dtype=int32)
    """
    order = [
        (VERDICTS[verdict].rank, -many, -level(mean))
        for verdict, many, mean in zip(verdicts, seeds, means, strict=True)
    ]
    places = {key: place for place, key in enumerate(sorted(set(order)))}
    return rankdata([places[key] for key in order], method="min").astype(np.int32)


def _scores(name: str, scored: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    columns = {f"split{split}_{name}": scored[:, split] for split in range(scored.shape[1])}
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # of scores whose squares are not finite, or that are not themselves
        return columns | {f"mean_{name}": mean(scored), f"std_{name}": scored.std(axis=1)}


def _padded(seconds: Sequence[float], n_splits: int) -> list[float]:
    return [*seconds, *[0.0] * (n_splits - len(seconds))]


def _column(params: Sequence[Any], name: str) -> np.ma.MaskedArray:
    """Return the values of a parameter, masked if a configuration lacks it; numbers keep their type."""
    values = [p[name] for p in params if name in p]
    try:
        found = np.array(values)
        dtype = found.dtype if found.ndim == 1 and found.dtype.kind != "U" else np.dtype(object)
    except ValueError:  # lists of different lengths
        dtype = np.dtype(object)
    column = np.ma.masked_all(len(params), dtype=dtype)
    for i, configuration in enumerate(params):
        if name in configuration:
            column[i] = configuration[name]
    return column


def healthy(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the best healthy configuration.

    Raises
    ------
    ValueError
        If no configuration could be evaluated.
    DivergenceError
        If no configuration finished healthy.

    Warns
    -----
    FitFailedWarning
        If some configurations could not be evaluated.
    """
    best = winner({o.number: o for o in outcomes})
    failed = [o for o in outcomes if o.failed]
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
        If it is not an index, there is no such configuration, or that configuration has no scores.
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
