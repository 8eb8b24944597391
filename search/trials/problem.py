"""What a trial is given: its configuration, and what all trials of a study share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sklearn.base import clone

from search.cv.folds import Folds
from search.trials.callbacks import NoTasks
from search.trials.shared_cache import ComputeOnce


@dataclass(frozen=True)
class Trial:
    """One configuration; `cutoffs` maps an epoch to the least mean score with which the trial goes on from there."""

    number: int
    params: Mapping[str, Any]
    cutoffs: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """What all trials of a study share.

    Attributes
    ----------
    estimator : object
        What is tuned. BP networks, also where `search.trials.nesting` finds them in it, are trained fold by fold side by side.
    X, y
        All rows; y is None where there is nothing to predict.
    scorer : callable
        ``scorer(estimator, X, y)`` is a number or a dict of numbers, greater for the better.
    seed : int
        Decides starting weights and the order of rows.
    prefix : str
        Trials name parameters without this prefix, which they have in the estimator.
    paths : dict of str to str
        The names in the estimator of those parameters for which it is not just that.
    objective : str, optional
        Name of the metric that is maximised; by default the first.
    fit_params, score_params : dict
        What else `fit` and the scorer are given; arrays with an entry for each row are cut to the rows of a fold.
    error_score : float or "raise"
        Score of one of several metrics that cannot be computed; with "raise" every exception ends the study.
    train_scores : bool
        Whether training rows are scored, too.
    tasks : NoTasks
        Informs scikit-learn's callbacks.
    """

    estimator: Any
    X: Any
    y: Any
    folds: Folds
    scorer: Callable[..., Any]
    seed: int
    prefix: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)
    objective: str | None = None
    fit_params: Mapping[str, Any] = field(default_factory=dict)
    score_params: Mapping[str, Any] = field(default_factory=dict)
    error_score: Any = float("nan")
    train_scores: bool = False
    prepared: ComputeOnce = field(default_factory=ComputeOnce, compare=False, repr=False)
    tasks: NoTasks = field(default_factory=NoTasks, compare=False, repr=False)

    def full_names(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameters of a trial by the names they have in the estimator."""
        return {self.paths.get(name, self.prefix + name): value for name, value in params.items()}


def configured(estimator: Any, params: Mapping[str, Any]) -> Any:
    """Return an unfitted copy of an estimator with copies of these parameters: what trials share they do not change."""
    return clone(estimator).set_params(**clone(dict(params), safe=False))
