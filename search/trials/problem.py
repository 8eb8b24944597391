"""The input of a trial: its configuration, and the data and settings shared by all trials of a study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sklearn.base import clone

from search.cv.folds import Folds
from search.trials.callbacks import NoTasks
from search.trials.shared_cache import ComputeOnce


class Sample(NamedTuple):
    """A fraction of the training rows of each fold, and the least mean score that a trial needs there to continue."""

    fraction: float
    cutoff: float


@dataclass(frozen=True)
class Trial:
    """One configuration.

    Attributes
    ----------
    cutoffs : dict of int to float
        Maps an epoch to the least mean score that the trial needs to continue.
    sample : Sample, optional
        What the configuration is trained on before all rows.
    """

    number: int
    params: Mapping[str, Any]
    cutoffs: Mapping[int, float] = field(default_factory=dict)
    sample: Sample | None = None


@dataclass(frozen=True)
class Problem:
    """The data and settings shared by all trials of a study.

    Attributes
    ----------
    estimator : object
        The estimator to tune. BP networks, also nested ones (`search.trials.nesting`), train on all folds side by side.
    X, y
        All rows; y is None if there is no target.
    scorer : callable
        ``scorer(estimator, X, y)`` returns a number or a dict of numbers; greater is better.
    seed : int
        Determines initial weights and the order of rows.
    prefix : str
        Prefix of the parameters in the estimator; trials use names without it.
    paths : dict of str to str
        Full names in the estimator of the parameters that are not just prefix plus name.
    values : dict of str to callable
        Converters of the values of some parameters, by the names that trials use.
    objective : str, optional
        Name of the metric to maximize; by default the first.
    fit_params, score_params : dict
        Further arguments of `fit` and of the scorer; arrays with an entry for each row are cut to the rows of a fold.
    error_score : float or "raise"
        Replaces the score of a single metric that cannot be computed, out of several; "raise" lets every exception end
        the study.
    train_scores : bool
        Whether training rows are scored as well.
    tasks : NoTasks
        Notifies scikit-learn's callbacks.
    whole : Problem, optional
        The problem with all training rows, if this one has a sample of them.
    """

    estimator: Any
    X: Any
    y: Any
    folds: Folds
    scorer: Callable[..., Any]
    seed: int
    prefix: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    objective: str | None = None
    fit_params: Mapping[str, Any] = field(default_factory=dict)
    score_params: Mapping[str, Any] = field(default_factory=dict)
    error_score: Any = float("nan")
    train_scores: bool = False
    prepared: ComputeOnce = field(default_factory=ComputeOnce, compare=False, repr=False)
    tasks: NoTasks = field(default_factory=NoTasks, compare=False, repr=False)
    whole: Problem | None = field(default=None, compare=False, repr=False)

    def full_names(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return a trial's parameters, converted, under their names in the estimator."""
        return {
            self.paths.get(name, self.prefix + name): self.values[name](value) if name in self.values else value
            for name, value in params.items()
        }


def configured(estimator: Any, params: Mapping[str, Any]) -> Any:
    """Return an unfitted copy of an estimator with copies of these parameters: trials modify nothing shared."""
    return clone(estimator).set_params(**clone(dict(params), safe=False))
