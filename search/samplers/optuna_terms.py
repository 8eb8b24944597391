"""Optuna helpers: axes and finished trials in Optuna's types, the name of its constraint, a quiet log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.space.dimensions import Choice, Draws, Quantile, Range
from search.space.interface import Axis
from search.space.spaces import Leaf
from search.trials.outcomes import Outcome
from search.trials.penalties import Feedback, ToldState

CONSTRAINT = "divergence"
STATES: dict[ToldState, TrialState] = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}


def distributions(axes: Mapping[str, Leaf]) -> dict[str, BaseDistribution]:
    """Return the axes of a space as Optuna distributions."""
    return {name: DISTRIBUTIONS[type(leaf.dimension)](leaf.dimension) for name, leaf in axes.items()}


def _of_range(d: Range) -> BaseDistribution:
    if d.integer:
        return IntDistribution(int(d.low), int(d.high), log=d.log)
    return FloatDistribution(d.low, d.high, log=d.log)


DISTRIBUTIONS: dict[type[Axis], Callable[[Any], BaseDistribution]] = {
    Choice: lambda d: CategoricalDistribution(d.labels),
    Range: _of_range,
    Quantile: lambda d: FloatDistribution(0.0, 1.0),
    Draws: lambda d: FloatDistribution(0.0, 1.0),
}
"""The distribution of an axis's codes (`Axis.encode`), by kind of axis."""


def finished(
    leaves: Mapping[str, Any],
    axes: Mapping[str, Leaf],
    outcome: Outcome,
    feedback: Feedback,
    notes: dict[str, Any] | None = None,
    known: Mapping[str, BaseDistribution] | None = None,
) -> FrozenTrial:
    """Return a finished trial in Optuna's type, with our notes as attributes.

    `known` may have the distributions of all axes, so that they need not be made for each trial.
    """
    if known is None:
        known = distributions({name: axes[name] for name in leaves})
    return create_trial(
        state=STATES[feedback.state],
        value=feedback.value if feedback.state == "complete" else None,
        params={name: axes[name].dimension.encode(value) for name, value in leaves.items()},
        distributions={name: known[name] for name in leaves},
        intermediate_values=on_the_way(outcome, feedback) if feedback.state == "pruned" else None,
        constraints={CONSTRAINT: feedback.constraint},
        user_attrs=notes,
    )


def on_the_way(outcome: Outcome, feedback: Feedback) -> dict[int, float]:
    """Return the scores of a stopped trial by epoch; that which stands for one that was stopped on a sample is of none."""
    return {0: feedback.value} if outcome.on_sample_only else outcome.defined


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Optuna's log message for every new study."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
