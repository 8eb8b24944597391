"""Designs: grids, random points and scrambled Sobol points, each a function of space, seed and number."""

import numpy as np
import pytest
from scipy.stats import qmc

from search.samplers.designs import QuasiRandomSampler, RandomSampler
from search.space import spaces

SPACE = spaces.build({"rate": (1e-4, 1.0, "log"), "batch": (1, 64), "kind": ["relu", "tanh"]})


@pytest.mark.parametrize("order", [range(9), (5, 2, 7, 2, 0), (8, 8)], ids=str)
def test_quasi_random_points_are_scipys_in_any_order(order):
    sampler = QuasiRandomSampler(SPACE, 3)
    theirs = qmc.Sobol(3, scramble=True, rng=3).random(16)
    for number in order:
        rate, batch, kind = theirs[number]
        expected = {"rate": 1e-4 ** (1 - rate), "batch": 1 + int(batch * 64), "kind": ["relu", "tanh"][int(2 * kind)]}
        assert sampler.ask(number) == pytest.approx(expected)


@pytest.mark.parametrize(("sizes", "listed"), [((100, 100), True), ((73, 137), False)], ids=["10,000", "10,001"])
def test_points_are_listed_up_to_ten_thousand(sizes, listed):
    """Listed points have no repeats; of others each is drawn alone."""
    space = spaces.build({f"x{i}": list(range(n)) for i, n in enumerate(sizes)})
    sampler = RandomSampler(space, 0)
    drawn = [sampler.ask(number) for number in range(400)]
    assert (drawn == [space.random_point(0, number) for number in range(400)]) is not listed
    assert (len({(p["x0"], p["x1"]) for p in drawn}) == 400) is listed


def test_every_turn_of_listed_points_has_an_order_of_its_own():
    space = spaces.build({"x": list(range(6))})
    sampler = RandomSampler(space, 5)
    for turn in range(3):
        order = np.random.default_rng([5, turn]).permutation(6).tolist()
        assert [sampler.ask(6 * turn + place)["x"] for place in range(6)] == order
