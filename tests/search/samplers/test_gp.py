"""What the Gaussian processes are shown, when they learn, and which candidates are tried."""

import math

import numpy as np
import pytest

from search.samplers import gp
from search.samplers.designs import QuasiRandomSampler
from search.samplers.gp import GaussianProcessSampler, Told, _shown
from search.space import spaces
from search.trials.penalties import Feedback

LINE = spaces.build({"x": (0.0, 1.0)})
MIXED = spaces.build({"x": (0.0, 1.0), "kind": ["a", "b", "c", "d"]})


def told(make_outcome, n: int, space=LINE, healthy=lambda number: True) -> GaussianProcessSampler:
    """Return a sampler that was told of n trials; the later the better."""
    sampler = GaussianProcessSampler(space, 0)
    for number in range(n):
        params = space.random_point(0, number)
        sampler.tell(make_outcome(number, params=params), Feedback(float(number), -1.0 if healthy(number) else 1.0))
    return sampler


@pytest.mark.parametrize(("n", "healthy", "models"), [(9, True, False), (10, True, True), (10, False, False)])
def test_models_begin_with_ten_trials_one_of_them_healthy(make_outcome, n, healthy, models):
    sampler = told(make_outcome, n, healthy=lambda number: healthy)
    assert (sampler.ask(n) == QuasiRandomSampler(LINE, 0).ask(n)) is not models


@pytest.mark.parametrize(("constraint", "healthy"), [(-1.0, True), (0.0, True), (1e-9, False)])
def test_a_trial_is_healthy_up_to_a_constraint_of_0(make_outcome, constraint, healthy):
    sampler = GaussianProcessSampler(LINE, 0)
    sampler.tell(make_outcome(params={"x": 0.5}), Feedback(0.0, constraint))
    sampler.tell(make_outcome(params={"x": 0.5}), Feedback(math.nan, state="failed"))
    assert [t.healthy for t in sampler._told] == [healthy]


def test_models_see_the_sixty_best_and_latest_of_two_hundred():
    values = [Told(np.zeros(1), float(1000 - i), True) for i in range(300)]  # the first are the best
    assert _shown(values[:200], gp.SHOWN) == values[:200]
    kept = [int(1000 - t.value) for t in _shown(values, gp.SHOWN)]
    assert len(kept) == 200
    assert kept[:60] == list(range(60))
    assert kept[-60:] == list(range(240, 300))
    assert kept[60:-60] == [60 + round(i * 179 / 79) for i in range(80)]  # the rest, thinned evenly


def test_healthy_trials_are_the_best_whatever_their_value():
    values = [Told(np.zeros(1), float(i), i < 60) for i in range(300)]
    assert sum(t.healthy for t in _shown(values, gp.SHOWN)) == 60


def test_a_third_each_of_few():
    values = [Told(np.zeros(1), float(-i), True) for i in range(200)]
    kept = [int(-t.value) for t in _shown(values, gp.LEARNED)]
    assert len(kept) == 100
    assert kept[:33] == list(range(33))
    assert kept[-33:] == list(range(167, 200))
    assert kept[33:-33] == [33 + round(i * 133 / 33) for i in range(34)]


def test_covariances_are_learned_when_there_are_a_fifth_more_trials(make_outcome, monkeypatch):
    learned, at = [], []
    sampler = GaussianProcessSampler(LINE, 0)

    def remembered(X, y):
        learned.append(len(X))
        at.append(len(sampler._told))

    monkeypatch.setattr(gp, "covariance", remembered)
    for number in range(130):
        sampler.tell(make_outcome(number, params=LINE.random_point(0, number)), Feedback(float(number)))
        if number >= 9:
            sampler._learn()
    # of the first trials, each number a fifth above the last, from one hundred on of a selection; twice, for two models
    assert learned[::2] == learned[1::2] == [10, 12, 15, 18, 22, 27, 33, 40, 48, 58, 70, 84, 100, 100]
    assert at[::2] == [10, 12, 15, 18, 22, 27, 33, 40, 48, 58, 70, 84, 101, 122]


@pytest.mark.parametrize(("chance", "tried"), [(0.49, False), (0.51, True)])
def test_nothing_is_tried_that_is_less_likely_healthy_than_not(make_outcome, monkeypatch, chance, tried):
    """Where x is above 1/2 the improvement would be a thousand times as large, and runs are healthy with this chance."""
    features = {}

    def improvement(mean, std, best):
        return np.where(features["x"] > 0.5, math.log(1e3), 0.0)

    def health(mean, std, noise):
        return np.where(features["x"] > 0.5, math.log(chance), math.log(0.9))

    sampler = told(make_outcome, 12, healthy=lambda number: number % 2 == 0)
    original = sampler._cube.features

    def remembered(rows):
        found = original(rows)
        features["x"] = found[:, 0]
        return found

    monkeypatch.setattr(sampler._cube, "features", remembered)
    monkeypatch.setattr(gp, "log_expected_improvement", improvement)
    monkeypatch.setattr(gp, "log_probability_healthy", health)
    assert (sampler.ask(12)["x"] > 0.5) is tried


def test_candidates_are_sobol_points_and_points_near_the_best(make_outcome, monkeypatch):
    sizes, near = [], []
    improvement, around = gp.log_expected_improvement, GaussianProcessSampler._around

    def counted(mean, std, best):
        sizes.append(len(mean))
        return improvement(mean, std, best)

    def remembered(self, rows, width, random):
        near.append((len(rows), width))
        return around(self, rows, width, random)

    sampler = told(make_outcome, 12)
    monkeypatch.setattr(gp, "log_expected_improvement", counted)
    monkeypatch.setattr(GaussianProcessSampler, "_around", remembered)
    sampler.ask(12)
    assert sizes == [512 + 128, 5 + 128, 5 + 128]
    assert near == [(5, 0.2), (5, 0.05), (5, 0.01)]


def test_the_first_round_is_around_the_five_best(make_outcome, monkeypatch):
    seen = []

    def remembered(self, rows, width, random):
        seen.append(rows)
        return rows

    sampler = told(make_outcome, 12, healthy=lambda number: number != 11)
    monkeypatch.setattr(GaussianProcessSampler, "_around", remembered)
    sampler.ask(12)
    expected = [sampler._cube.row(LINE.random_point(0, number)) for number in (10, 9, 8, 7, 6)]
    np.testing.assert_array_equal(seen[0], expected)


def test_points_near_others_move_seven_numbers_in_ten_and_one_choice_in_five():
    sampler, random = GaussianProcessSampler(MIXED, 0), np.random.default_rng(0)
    rows = np.vstack([sampler._around(np.array([[0.5, 0.1]]), 0.05, random) for _ in range(100)])
    moved = rows[:, 0] != 0.5
    assert moved.mean() == pytest.approx(0.7, abs=0.02)
    assert rows[moved, 0].std() == pytest.approx(0.05, rel=0.05)
    drawn = rows[:, 1] != 0.1
    assert drawn.mean() == pytest.approx(0.2, abs=0.02)
    assert np.histogram(rows[drawn, 1], 4, (0, 1))[0] / drawn.sum() == pytest.approx([0.25] * 4, abs=0.03)
    assert len(sampler._around(np.array([[0.5, 0.1]]), 0.05, random)) == 128


def test_a_configuration_is_tried_again_only_where_there_is_no_other(make_outcome):
    space = spaces.build({"n": (1, 12)})
    sampler = GaussianProcessSampler(space, 0)
    for n in range(1, 12):
        sampler.tell(make_outcome(n, params={"n": n}), Feedback(float(-n)))
    assert sampler.ask(20) == {"n": 12}


def test_what_will_probably_diverge_is_tried_before_anything_is_tried_again(make_outcome):
    space = spaces.build({"n": (1, 12)})
    sampler = GaussianProcessSampler(space, 0)
    for n in range(1, 12):
        sampler.tell(make_outcome(n, params={"n": n}), Feedback(float(-n), -1.0 if n < 7 else 1.0))
    assert sampler.ask(20) == {"n": 12}
