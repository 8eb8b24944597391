"""Search by an evolution strategy: CMA-ES for real numbers, integers and choices, from the package `cmaes`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from cmaes import CatCMAwM
from numpy.typing import NDArray

from search.seeds import derive
from search.space.dimensions import Choice, Draws, Quantile, Range
from search.space.interface import Axis
from search.space.spaces import Space
from search.space.unit_cube import UnitCube
from search.trials.outcomes import Outcome
from search.trials.penalties import Feedback

MOST_STEPS = 64
"""A range of more integers than this is searched as a real range and rounded."""

SPREAD = 0.25
"""Initial standard deviation on the unit cube."""

Array = NDArray[np.float64]


class EvolutionSampler:
    """CatCMA with margin (Hamano et al., 2025, arXiv:2504.07884) on the unit cube, with asynchronous generations.

    A generation consists of trials in the order in which they finish, whichever generation they were drawn from. Trials
    that were not asked for (of an earlier run, or the user's points) are included unchanged. Diverged trials have their
    penalized value. Axes that do not exist in a configuration are drawn anyway. When a strategy has converged, a new
    one with twice the population starts (Auger and Hansen, 2005).
    """

    def __init__(self, space: Space, seed: int) -> None:
        self._space, self._seed, self._cube = space, seed, UnitCube(space)
        dimensions = [leaf.dimension for leaf in space.axes.values()]
        kinds = [kind(d) for d in dimensions]
        self._reals, self._steps, self._choices = (
            [i for i, found in enumerate(kinds) if found == wanted] for wanted in ("real", "steps", "choice")
        )
        self._step_places = [_places(dimensions[i]).values for i in self._steps]
        self._choice_places = [_places(dimensions[i]).values for i in self._choices]
        self._asked: dict[int, CatCMAwM.Solution] = {}
        self._generation: list[tuple[CatCMAwM.Solution, float]] = []
        self._strategy = self._begin(None) if self._reals or self._steps or self._choices else None

    def ask(self, number: int) -> dict[str, Any]:
        if self._strategy is None:  # a space with a single point
            return self._space.random_point(self._seed, number)
        self._strategy.reseed_rng(derive(self._seed, number))
        solution = self._asked[number] = self._strategy.ask()
        row = np.full(self._cube.n_axes, 0.5)
        if self._reals:
            row[self._reals] = np.clip(solution.x, 0.0, np.nextafter(1.0, 0.0))
        if self._steps:
            row[self._steps] = solution.z
        if self._choices:
            chosen = solution.c.argmax(axis=1)
            row[self._choices] = [places[i] for places, i in zip(self._choice_places, chosen, strict=True)]
        return self._cube.params(row)

    def tell(self, outcome: Outcome, feedback: Feedback) -> None:
        asked = self._asked.pop(outcome.number, None)
        if self._strategy is None or feedback.state == "failed":
            return
        solution, value = asked or self._solution(outcome.params), feedback.value
        # values must differ: the package takes the median of the differences it has seen
        self._generation.append((solution, -value + 1e-9 * (1 + abs(value)) * len(self._generation)))
        if len(self._generation) == self._strategy.population_size:
            self._strategy.tell(self._generation)
            self._generation = []
            if (self._reals or self._steps) and self._strategy.should_stop():
                self._strategy = self._begin(2 * self._strategy.population_size)

    def _begin(self, population_size: int | None) -> CatCMAwM:
        numbers = len(self._reals) + len(self._steps)
        return CatCMAwM(
            x_space=[[0.0, 1.0]] * len(self._reals) or None,
            z_space=self._step_places or None,
            c_space=[len(places) for places in self._choice_places] or None,
            population_size=population_size,
            sigma=SPREAD,
            cov=np.eye(numbers),
            seed=0,  # each draw is reseeded
        )

    def _solution(self, params: Mapping[str, Any]) -> CatCMAwM.Solution:
        """Return a configuration in the form of a drawn solution."""
        row = self._cube.row(params)
        x, z = row[self._reals], row[self._steps]
        chosen = np.zeros((len(self._choices), max(map(len, self._choice_places), default=0)), dtype=bool)
        for i, (place, places) in enumerate(zip(row[self._choices], self._choice_places, strict=True)):
            chosen[i, int(np.abs(np.array(places) - place).argmin())] = True
        return CatCMAwM.Solution(
            x if self._reals else None,
            z if self._steps else None,
            chosen if self._choices else None,
            np.concatenate([x, z]) if self._reals or self._steps else None,
        )


class Places(NamedTuple):
    """The positions of an axis's values in [0, 1); empty if there are too many.

    Attributes
    ----------
    values : list of float
    ordered : bool
        Whether neighboring values are similar.
    """

    values: list[float]
    ordered: bool = True


def kind(d: Axis) -> str:
    """Return how an axis is searched: "real", "steps", "choice" or, if it is not searched at all, "constant".

    Two values are always a choice, even if they are numbers, as the package advises.
    """
    values, ordered = _places(d)
    if len(values) == 1:
        return "constant"
    if len(values) == 2 or not ordered:
        return "choice"
    return "steps" if values else "real"


def _places(d: Axis) -> Places:
    return PLACES[type(d)](d)


def _of_choice(d: Choice) -> Places:
    values = sorted(d.values) if d.ordered else d.values
    return Places([d.place(value) for value in values], d.ordered)


def _of_range(d: Range) -> Places:
    few = d.listed is not None and len(d.listed) <= MOST_STEPS
    return Places([d.place(value) for value in d.listed or ()] if few else [])


PLACES: dict[type[Axis], Callable[[Any], Places]] = {
    Choice: _of_choice,
    Range: _of_range,
    Quantile: lambda d: Places([]),
    Draws: lambda d: Places([]),
}
