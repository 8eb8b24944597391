"""Where a network sits in an estimator, and which parameters are its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.base import clone
from sklearn.pipeline import Pipeline

from bpmodel import BPClassifier, BPRegressor
from search.problem import Problem


def final_step(estimator: Any) -> Any:
    """Return the BP estimator of a pipeline, or the estimator itself.

    Raises
    ------
    TypeError
        If it is none.
    """
    last = estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
    if not isinstance(last, BPRegressor | BPClassifier):
        raise TypeError(
            f"the estimator ends in {type(last).__name__}; allowed are BPRegressor, BPClassifier, or a Pipeline ending in one"
        )
    return last


def split_params(problem: Problem, params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a trial's parameters of the network, by its own names, and those of the rest of the pipeline."""
    whole = {problem.paths.get(name, problem.prefix + name): clone(value, safe=False) for name, value in params.items()}
    if not isinstance(problem.pipeline, Pipeline):
        return whole, {}
    own = f"{problem.pipeline.steps[-1][0]}__"
    network = {name.removeprefix(own): value for name, value in whole.items() if name.startswith(own)}
    return network, {name: value for name, value in whole.items() if not name.startswith(own)}
