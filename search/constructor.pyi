"""Constructors as type checkers see them. `make docs` writes this file from the tables of options."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from optuna.samplers import BaseSampler

from search.samplers.methods import Sampler
from search.tracking import Tracker
from search.trials.penalties import PenaltyPolicy

Class = TypeVar("Class", bound=type)

def documented(cls: Class) -> Class: ...

class SearchParameters:
    estimator: Any
    space: Mapping[str, Any] | Sequence[Mapping[str, Any]] | str | None
    method: str | Sampler | BaseSampler
    n_trials: int
    timeout: float | None
    target_score: float | None
    n_trials_no_change: int | None
    n_seeds: int
    n_members: int
    register: str
    n_jobs: int | None
    deterministic: bool
    prune: bool | None
    subsample: float
    penalty: str | PenaltyPolicy
    portfolio: bool
    initial_points: Sequence[Mapping[str, Any]] | None
    cv: Any
    scoring: Any
    refit: bool | str | Callable[[dict[str, Any]], int]
    random_state: Any
    tracking: str | Tracker | None
    study_name: str | None
    error_score: float | str
    return_train_score: bool
    verbose: int
    def __init__(
        self,
        estimator: Any,
        space: Mapping[str, Any] | Sequence[Mapping[str, Any]] | str | None = ...,
        *,
        method: str | Sampler | BaseSampler = ...,
        n_trials: int = ...,
        timeout: float | None = ...,
        target_score: float | None = ...,
        n_trials_no_change: int | None = ...,
        n_seeds: int = ...,
        n_members: int = ...,
        register: str = ...,
        n_jobs: int | None = ...,
        deterministic: bool = ...,
        prune: bool | None = ...,
        subsample: float = ...,
        penalty: str | PenaltyPolicy = ...,
        portfolio: bool = ...,
        initial_points: Sequence[Mapping[str, Any]] | None = ...,
        cv: Any = ...,
        scoring: Any = ...,
        refit: bool | str | Callable[[dict[str, Any]], int] = ...,
        random_state: Any = ...,
        tracking: str | Tracker | None = ...,
        study_name: str | None = ...,
        error_score: float | str = ...,
        return_train_score: bool = ...,
        verbose: int = ...,
    ) -> None: ...
