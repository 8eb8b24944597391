"""What solvers that see all rows at once are made of: an objective, points on it, and reasons to end.

A solver is a pair of pure functions. ``start(objective, parameters, limits)`` returns its state at the starting weights,
``step(objective, state, limits)`` the state one iteration later. Every state has the fields `point` and `end`; what else
it has is the solver's own memory. A fit can therefore be paused after any iteration.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class Point(NamedTuple):
    """Parameters and the objective there, which is the loss per unit of row weight plus the penalty."""

    parameters: NDArray[np.float64]
    loss: float
    """as it is reported: without the penalty, and the squared error as a mean over the outputs"""
    penalty: float
    value: float
    """what is minimised: with the penalty, and the squared error as a sum over the outputs"""
    gradient: NDArray[np.float64]
    """of the value, shape (parameters,)"""


class Linear(NamedTuple):
    """A network of squared errors as if it were linear: e(p + d) = e + J d, each row times the root of its weight."""

    half_squares: float
    """e^T e / 2"""
    slope: NDArray[np.float64]
    """J^T e, shape (parameters,)"""
    normal: NDArray[np.float64]
    """J^T J, shape (parameters, parameters)"""


class Objective(Protocol):
    """What solvers ask of a network and its rows; every method is a pure function of its arguments."""

    n_weights: int
    """how many of the parameters are weights: the first ones, and the ones that are penalised"""
    n_errors: float
    """total weight of the rows times outputs"""
    total_weight: float
    alpha: float

    def evaluate(self, parameters: NDArray) -> Point:
        """Return the point with its gradient."""

    def value(self, parameters: NDArray, alpha: float) -> float:
        """Return the objective alone, with a penalty of this strength."""

    def linearize(self, parameters: NDArray) -> Linear:
        """Return the errors' second-order model, for squared errors only."""

    def point(self, parameters: NDArray, total: float, slope: NDArray, alpha: float) -> Point:
        """Return the point, given the sum of the rows' losses and the gradient of that sum."""


class Limits(NamedTuple):
    """When a solver ends, by the names of the options."""

    tol: float
    max_fun: int


class End(NamedTuple):
    """Why a solver ended, and whether at a minimum as far as it can tell."""

    converged: bool
    reason: str


class State(Protocol):
    """What the states of all solvers have in common."""

    @property
    def point(self) -> Point: ...

    @property
    def end(self) -> End | None: ...


class Solver(NamedTuple):
    """One solver; `losses` and `most_parameters` say what it can minimise, None is any.

    `learned` names numbers of its state that become fitted attributes.
    """

    name: str
    meaning: str
    start: Callable[[Objective, NDArray, Limits], Any]
    step: Callable[[Objective, Any, Limits], Any]
    losses: tuple[str, ...] | None = None
    most_parameters: int | None = None
    learned: tuple[str, ...] = ()


def flat(point: Point, limits: Limits) -> End | None:
    """Return the end of a descent whose gradient has no component above `tol`."""
    if np.abs(point.gradient).max() <= limits.tol:
        return End(True, f"converged: no derivative is above tol={limits.tol:g}")
    return None
