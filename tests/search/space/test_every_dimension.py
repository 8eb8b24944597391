"""A kind of dimension has what each consumer needs of it: whoever adds one is told here which tables lack a row."""

import pytest
import scipy.stats

from search.plots import coordinates, marks
from search.results import advice, divergence_rules
from search.samplers import cma_es, optuna_terms, portfolio
from search.space import dimensions, spaces, unit_cube
from search.space.dimensions import Choice, Conditional, Draws, Layers, Quantile, Range
from search.space.interface import Axis, Dimension
from search.space.parsing import dimension


def kinds(base: type) -> set[type]:
    """Return the kinds of dimension below a class: those that have no further classes below them."""
    below = base.__subclasses__()
    return set().union(*(kinds(one) for one in below)) if below else {base}


OF_AXES = {
    "search.space.unit_cube.COLUMNS": unit_cube.COLUMNS,
    "search.samplers.optuna_terms.DISTRIBUTIONS": optuna_terms.DISTRIBUTIONS,
    "search.samplers.cma_es.PLACES": cma_es.PLACES,
    "search.plots.marks.SCALES": marks.SCALES,
    "search.plots.coordinates.COORDINATES": coordinates.COORDINATES,
    "search.results.divergence_rules.SEARCHES": divergence_rules.SEARCHES,
    "search.results.advice.CHANGES": advice.CHANGES,
}
OF_DIMENSIONS = {"search.samplers.portfolio.NEAREST": portfolio.NEAREST}


class Even:
    def rvs(self, random_state):
        return 2 * random_state.randint(4)


WRITTEN = {
    Choice: ["relu", "tanh"],
    Range: {"low": 1, "high": 8},
    Quantile: scipy.stats.norm(0, 1),
    Draws: Even(),
    Layers: {"layers": (1, 2), "width": (8, 64)},
    Conditional: {"values": [1, 2], "when": {"other": True}},
}
"""Each kind as a person may write it: what `search.space.parsing` must read."""


@pytest.mark.parametrize("place", OF_AXES)
def test_every_axis_has_a_row(place):
    assert OF_AXES[place].keys() == kinds(Axis), f"{place} has a row for each kind of axis"


@pytest.mark.parametrize("place", OF_DIMENSIONS)
def test_every_dimension_has_a_row(place):
    assert OF_DIMENSIONS[place].keys() == kinds(Dimension), f"{place} has a row for each kind of dimension"


def test_every_dimension_can_be_written():
    assert WRITTEN.keys() == kinds(Dimension)
    assert {kind: type(dimension(given)) for kind, given in WRITTEN.items()} == {kind: kind for kind in WRITTEN}


@pytest.mark.parametrize("kind", WRITTEN)
def test_every_dimension_is_taken_apart_and_put_together_again(kind):
    space = spaces.build({"other": [True], "x": WRITTEN[kind]})
    for value in (*space["x"].grid(), *space["x"].extremes()):
        params = {"other": True, "x": value}
        assert space.assemble(space.leaves(params)) == params
        assert space.has(params)
    assert not space.has({"other": True, "x": "neither a number nor a choice"})
    assert dimensions.label(space.describe()["x"])
