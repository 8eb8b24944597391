"""The protocol of full-batch solvers: objective, points, limits and reasons to end.

A solver is a pair of pure functions. ``start(objective, parameters, limits)`` returns the state at the initial weights, and
``step(objective, state, limits)`` returns the state one iteration later. Every state has the fields `point` and `end`; its other
fields are the solver's own memory. A fit can therefore pause after any iteration.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Point(NamedTuple):
    """Parameters and the value of the objective there: the loss per unit of row weight, plus the penalty."""

    parameters: NDArray[np.float64]
    loss: float
    """the reported loss: without the penalty; the squared error is a mean over the outputs"""
    penalty: float
    value: float
    """the minimized value: with the penalty; the squared error is a sum over the outputs"""
    gradient: NDArray[np.float64]
    """gradient of the value, shape (parameters,)"""


class Linear(NamedTuple):
    """Linear model of a network with squared error: e(p + d) = e + J d, each row times the square root of its weight."""

    half_squares: float
    """e^T e / 2"""
    slope: NDArray[np.float64]
    """J^T e, shape (parameters,)"""
    normal: NDArray[np.float64]
    """J^T J, shape (parameters, parameters)"""


class Objective(Protocol):
    """The objective that solvers minimize; every method is a pure function of its arguments."""

    n_weights: int
    """number of weights; they come first among the parameters, and only they are penalized"""
    n_errors: float
    """total weight of the rows times outputs"""
    total_weight: float
    alpha: float

    def evaluate(self, parameters: NDArray) -> Point:
        """Return the point with its gradient."""

    def value(self, parameters: NDArray, alpha: float) -> float:
        """Return the objective without its gradient, with penalty strength `alpha`."""

    def linearize(self, parameters: NDArray) -> Linear:
        """Return the linear model of the errors; for squared error only."""

    def point(self, parameters: NDArray, total: float, slope: NDArray, alpha: float) -> Point:
        """Return the point, given the sum of the rows' losses and the gradient of that sum."""


class Limits(NamedTuple):
    """The stopping criteria of a solver, under the names of the options."""

    tol: float
    max_fun: int


class End(NamedTuple):
    """Why a solver ended, and whether it considers the end point a minimum."""

    converged: bool
    reason: str


class State(Protocol):
    """The fields that the states of all solvers share."""

    @property
    def point(self) -> Point: ...

    @property
    def end(self) -> End | None: ...


class Solver(NamedTuple):
    """One solver; `losses` and `most_parameters` limit the losses and network sizes it can minimize, None means no limit.

    `learned` names the fields of its state that become fitted attributes.
    """

    name: str
    meaning: str
    start: Callable[[Objective, NDArray, Limits], Any]
    step: Callable[[Objective, Any, Limits], Any]
    losses: tuple[str, ...] | None = None
    most_parameters: int | None = None
    learned: tuple[str, ...] = ()


def flat(point: Point, limits: Limits) -> End | None:
    """Return the end of the fit if no component of the gradient is above `tol`, otherwise None."""
    if np.abs(point.gradient).max() <= limits.tol:
        return End(True, f"converged: no component of the gradient is above tol={limits.tol:g}")
    return None
