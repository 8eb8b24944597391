"""The evolution strategy is the package's; how a space is shown to it, and which trials make a generation, is ours."""

import numpy as np
import pytest
import scipy.stats

from search.samplers.cma_es import EvolutionSampler, kind
from search.space import spaces
from search.space.parsing import dimension
from search.trials.penalties import Feedback

REAL = spaces.build({"a": (0.0, 1.0), "b": (0.0, 1.0)})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["a"], "constant"),
        ([3], "constant"),
        (["a", "b"], "choice"),
        ([8, 16], "choice"),
        ([8, 16, 32], "steps"),
        (["a", "b", "c"], "choice"),
        ([1, 2, "c"], "choice"),
        ((1, 2), "choice"),
        ((1, 3), "steps"),
        ((1, 64), "steps"),
        ((1, 65), "real"),
        ((0.0, 1.0), "real"),
        pytest.param(scipy.stats.randint(1, 4), "real", id="randint"),
    ],
    ids=str,
)
def test_how_an_axis_is_searched(given, expected):
    assert kind(dimension(given)) == expected


def test_steps_are_in_the_order_of_the_numbers_and_choices_in_that_of_the_list():
    sampler = EvolutionSampler(spaces.build({"width": [32, 8, 16], "kind": ["c", "a", "b"], "n": (2, 4)}), 0)
    np.testing.assert_allclose(sampler._step_places, [[0.5, 5 / 6, 1 / 6], [1 / 6, 0.5, 5 / 6]])
    np.testing.assert_allclose(sampler._choice_places, [[1 / 6, 0.5, 5 / 6]])


def test_the_first_generation_spreads_by_a_quarter_of_the_cube():
    """Numbers outside [0, 1) are drawn, too, and moved to its edge: a share of 2 Phi(-2)."""
    sampler = EvolutionSampler(REAL, 0)
    drawn = np.array([list(sampler.ask(number).values()) for number in range(2000)])
    assert np.median(drawn) == pytest.approx(0.5, abs=0.02)
    assert (np.abs(drawn - 0.5) < 0.25).mean() == pytest.approx(0.683, abs=0.02)
    assert ((drawn == 0) | (drawn > 1 - 1e-9)).mean() == pytest.approx(0.0455, abs=0.015)


def test_numbers_beyond_the_edge_are_the_last_ones_of_the_range():
    """A distribution without an end is cut where a billionth is left."""
    space = spaces.build({"n": (1, 1000), "wide": scipy.stats.expon()})
    sampler = EvolutionSampler(space, 0)
    drawn = [sampler.ask(number) for number in range(500)]
    assert {min(p["n"] for p in drawn), max(p["n"] for p in drawn)} == {1, 1000}
    assert max(p["wide"] for p in drawn) == pytest.approx(-np.log(1e-9))


def test_a_generation_is_as_many_trials_as_the_population_and_failed_ones_do_not_count(make_outcome):
    sampler = EvolutionSampler(REAL, 0)
    size, first = sampler._strategy.population_size, sampler._strategy
    for number in range(size):
        sampler.tell(make_outcome(number, params=REAL.random_point(0, number)), Feedback(float("nan"), state="failed"))
    for number in range(size - 1):
        sampler.tell(make_outcome(number, params=REAL.random_point(0, number)), Feedback(-1.0))
    assert (len(sampler._generation), first.generation) == (size - 1, 0)
    sampler.tell(make_outcome(size, params=REAL.random_point(0, size)), Feedback(-1.0))
    assert (len(sampler._generation), first.generation) == (0, 1)


def test_a_strategy_that_has_converged_is_followed_by_one_of_twice_the_population(make_outcome, monkeypatch):
    sampler = EvolutionSampler(REAL, 0)
    size = sampler._strategy.population_size
    monkeypatch.setattr(sampler._strategy, "should_stop", lambda: True)
    for number in range(size):
        sampler.tell(make_outcome(number, params=sampler.ask(number)), Feedback(-float(number)))
    assert sampler._strategy.population_size == 2 * size
    assert sampler._strategy.generation == 0


@pytest.mark.parametrize("unit", [1.0, 1e12])
def test_it_maximizes_and_no_two_values_are_the_same(make_outcome, monkeypatch, unit):
    sampler, told = EvolutionSampler(REAL, 0), []
    monkeypatch.setattr(sampler._strategy, "tell", lambda generation: told.extend(value for _, value in generation))
    size = sampler._strategy.population_size
    for number in range(size):
        sampler.tell(make_outcome(number, params=sampler.ask(number)), Feedback((3.0 if number else 5.0) * unit))
    assert told[0] == -5.0 * unit
    np.testing.assert_allclose(told[1:], -3.0 * unit, rtol=1e-7)
    assert len(set(told)) == size


MIXED = spaces.build({"x": (0.0, 10.0), "width": [32, 8, 16], "kind": ["c", "a", "b"], "one": [7]})


def test_a_point_of_the_user_in_the_packages_terms():
    """16 is the last of three in the list, in the middle of the last third; `kind` is one of three, one-hot."""
    solution = EvolutionSampler(MIXED, 0)._solution({"x": 3.0, "width": 16, "kind": "a", "one": 7})
    np.testing.assert_allclose(solution.x, [0.3])
    np.testing.assert_allclose(solution.z, [5 / 6])
    np.testing.assert_allclose(solution._v_raw, [0.3, 5 / 6])
    assert solution.c.tolist() == [[False, True, False]]


def test_a_proposal_is_what_the_package_drew_and_is_told_so():
    sampler = EvolutionSampler(MIXED, 0)
    for number in range(20):
        params = sampler.ask(number)
        drawn, back = sampler._asked[number], sampler._solution(params)
        np.testing.assert_allclose(back.x, np.clip(drawn.x, 0, 1))
        np.testing.assert_allclose(back.z, drawn.z)
        np.testing.assert_array_equal(back.c, drawn.c)


def test_a_trial_that_was_asked_for_counts_as_it_was_drawn(make_outcome):
    """Also beyond the edge of the cube, from where its configuration was moved; another trial counts as it is."""
    sampler = EvolutionSampler(REAL, 0)
    params = sampler.ask(0)
    drawn = sampler._asked[0]
    sampler.tell(make_outcome(0, params=params), Feedback(-1.0))
    sampler.tell(make_outcome(0, params=params), Feedback(-1.0))
    (first, _), (again, _) = sampler._generation
    assert first is drawn
    assert again is not drawn
    assert sampler._asked == {}


def test_a_proposal_depends_on_its_number():
    one, other = EvolutionSampler(MIXED, 0), EvolutionSampler(MIXED, 0)
    in_order = [one.ask(number) for number in range(5)]
    assert [other.ask(number) for number in (4, 2, 0)] == [in_order[number] for number in (4, 2, 0)]


def test_choices_alone_never_converge(make_outcome, monkeypatch):
    """The package's rules to stop are for numbers."""
    space = spaces.build({"kind": ["a", "b", "c"]})
    sampler = EvolutionSampler(space, 0)
    strategy = sampler._strategy
    monkeypatch.setattr(strategy, "should_stop", lambda: True)
    for number in range(strategy.population_size):
        sampler.tell(make_outcome(number, params=sampler.ask(number)), Feedback(-float(number)))
    assert sampler._strategy is strategy
    assert strategy.generation == 1
