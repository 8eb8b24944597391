"""The search methods: their table, and the interface that samplers share. Asking and telling happen in memory.

The table names its samplers but loads them only when they are used, so the command line can list the methods without
Optuna.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

if TYPE_CHECKING:
    from search.space.spaces import Space
    from search.trials.outcomes import Outcome
    from search.trials.penalties import Feedback


@runtime_checkable
class Sampler(Protocol):
    """Proposes configurations, and learns from the feedback on them.

    Results may arrive in any order, may be missing, and may include trials that were never asked for: those of an earlier run of
    the study, and the user's own points.
    """

    def ask(self, number: int) -> dict[str, Any]:
        """Return the configuration of trial `number`."""

    def tell(self, outcome: Outcome, feedback: Feedback) -> None:
        """Learn from the feedback on a trial."""


@dataclass(frozen=True)
class Method:
    """A search method.

    Attributes
    ----------
    home : str
        Module in this folder, and class: ``"tpe:TPESampler"``.
    learns : bool
        Whether proposals depend on earlier outcomes. If so, trials are stopped early by default, and results depend on
        `n_jobs`, unless the search is `deterministic`.
    meaning : str
    exhaustive : bool
        Whether it proposes every point of a grid once: the grid's size is then the number of trials.
    most_features : int, optional
        The most features that a space may have: ranges and choices among numbers count one, other choices one for each value.
    """

    home: str
    learns: bool
    meaning: str
    exhaustive: bool = False
    most_features: int | None = None

    @property
    def sampler(self) -> Callable[[Space, int], Sampler]:
        """The factory of its samplers, called with space and seed."""
        module, name = self.home.split(":")
        return cast("Callable[[Space, int], Sampler]", getattr(import_module(f"search.samplers.{module}"), name))


MOST_TRIALS = 1_000_000
"""The most trials of a study, those of a grid included: all of them are kept in memory."""

METHODS = {
    "bayesian": Method("tpe:TPESampler", True, "Optuna's multivariate tree-structured Parzen estimator (TPE)"),
    "gp": Method(
        "gp:GaussianProcessSampler",
        True,
        "a Gaussian process that models the scores, and another that models which runs stay healthy",
        most_features=1000,
    ),
    "cma-es": Method(
        "cma_es:EvolutionSampler", True, "CatCMA with margin, an evolution strategy for hundreds of trials"
    ),
    "grid": Method("designs:GridSampler", False, "every point of the grid", exhaustive=True),
    "random": Method(
        "designs:RandomSampler",
        False,
        "independent random points; in a small space of choices, no point is repeated before all have been tried",
    ),
    "quasi-random": Method(
        "designs:QuasiRandomSampler",
        False,
        "scrambled Sobol points, which cover the space more evenly than random points",
    ),
}
"""Every method by its name in study files, `BPSearchCV` and the command line; the first is the default of a study."""


class Queued:
    """Proposes given points first, then those of another sampler, which numbers its own trials from 0.

    Parameters
    ----------
    points : sequence of dict
        Complete configurations.
    sampler : Sampler
    """

    def __init__(self, points: Sequence[Mapping[str, Any]], sampler: Sampler) -> None:
        self._points, self._sampler = points, sampler

    def ask(self, number: int) -> dict[str, Any]:
        if number < len(self._points):
            return dict(self._points[number])
        return self._sampler.ask(number - len(self._points))

    def tell(self, outcome: Outcome, feedback: Feedback) -> None:
        if self._points:
            outcome = replace(outcome, number=outcome.number - len(self._points))
        self._sampler.tell(outcome, feedback)
