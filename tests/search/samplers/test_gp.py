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


@pytest.mark.parametrize(
    ("gain", "chance", "elsewhere", "tried"),
    [
        (1e3, 0.49, 0.9, False),  # nothing is tried that is less likely healthy than not
        (1e3, 0.51, 0.9, True),
        (1.4, 0.6, 0.9, False),  # otherwise the product counts
        (1.6, 0.6, 0.9, True),
        (1e3, 0.39, 0.4, False),  # where everything is unlikely, the chance alone
        (1e3, 0.41, 0.4, True),
    ],
)
def test_improvement_times_the_chance_of_health(make_outcome, monkeypatch, gain, chance, elsewhere, tried):
    """Where x is above 1/2 the improvement is larger by a factor, and runs are healthy with this chance."""
    features = {}

    def improvement(mean, std, best):
        return np.where(features["x"] > 0.5, math.log(gain), 0.0)

    def health(mean, std, noise):
        return np.where(features["x"] > 0.5, math.log(chance), math.log(elsewhere))

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


def test_covariances_are_learned_from_the_first_trials_only(make_outcome, monkeypatch):
    """Of 14 trials the first 12: it does not matter how many more there were when one was asked for."""
    learned, sampler = [], told(make_outcome, 14)
    monkeypatch.setattr(gp, "covariance", lambda X, y: learned.append(X))
    sampler._learn()
    rows = np.array([[LINE.random_point(0, number)["x"]] for number in range(12)])
    np.testing.assert_allclose(learned[0], sampler._cube.features(rows))


@pytest.fixture
def fitted(monkeypatch):
    """The Gaussian processes that are fitted, in order: each with its rows and values."""
    made = []

    class Remembered(gp.GaussianProcess):
        def __init__(self, kernel, X, y):
            super().__init__(kernel, X, y)
            self.kernel, self.X, self.y = kernel, X, y
            made.append(self)

    monkeypatch.setattr(gp, "GaussianProcess", Remembered)
    return made


def test_running_trials_are_believed_to_end_with_the_mean(make_outcome, fitted):
    sampler = told(make_outcome, 12)
    running = sampler.ask(12)
    assert len(fitted) == 2, "scores and health; nothing is running"
    fitted.clear()
    sampler.ask(13)
    scores, _, believed = fitted
    features = sampler._cube.features(sampler._cube.row(running)[None])
    np.testing.assert_array_equal(believed.X, np.vstack([scores.X, features]))
    np.testing.assert_array_equal(believed.y[:-1], scores.y)
    np.testing.assert_allclose(believed.y[-1:], scores.at(features).mean)
    assert abs(believed.y[-1]) > 0.1, "the mean there is not that of all"


def test_scores_and_health_have_a_covariance_each(make_outcome, fitted):
    sampler = told(make_outcome, 12, healthy=lambda number: number % 3 > 0)
    sampler.ask(12)
    sampler.ask(13)
    assert [process.kernel for process in fitted] == [sampler._kernels[i] for i in (0, 1, 0, 1, 0)]
    assert sampler._kernels[0] != sampler._kernels[1]
    assert fitted[1].y.tolist() == [-1.0, 1.0, 1.0] * 4
    assert len(fitted[0].X) == 8


def test_a_trial_that_was_told_runs_no_longer(make_outcome, fitted):
    sampler = told(make_outcome, 12)
    sampler.tell(make_outcome(12, params=sampler.ask(12)), Feedback(0.0))
    fitted.clear()
    sampler.ask(13)
    assert len(fitted) == 2
    assert len(fitted[0].X) == 13


def test_improvement_is_over_the_best_mean_of_a_tried_configuration(make_outcome, fitted, monkeypatch):
    """Not over the best score, part of which is noise."""
    random, bests = np.random.default_rng(0), []
    sampler = GaussianProcessSampler(LINE, 0)
    for number in range(12):
        sampler.tell(make_outcome(number, params=LINE.random_point(0, number)), Feedback(random.normal()))
    improvement = gp.log_expected_improvement

    def remembered(mean, std, best):
        bests.append(best)
        return improvement(mean, std, best)

    monkeypatch.setattr(gp, "log_expected_improvement", remembered)
    sampler.ask(12)
    scores = fitted[0]
    assert bests == [scores.at(scores.X).mean.max()] * 3
    assert bests[0] < scores.y.max() - 0.1


def test_what_is_running_is_not_tried_again(make_outcome):
    """The only value that was not tried is the worst one, to all appearances; while it runs the best is tried once more."""
    space = spaces.build({"n": (1, 12)})
    sampler = GaussianProcessSampler(space, 0)
    for n in range(1, 12):
        sampler.tell(make_outcome(n, params={"n": n}), Feedback(float(-n)))
    assert sampler.ask(20) == {"n": 12}
    assert sampler.ask(21)["n"] < 6


def test_points_near_others_stay_in_the_cube():
    rows = GaussianProcessSampler(LINE, 0)._around(np.array([[0.001], [0.999]]), 0.5, np.random.default_rng(0))
    assert rows.min() == 0.0
    assert rows.max() == np.nextafter(1.0, 0.0)


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


def test_every_proposal_has_candidates_of_its_own(make_outcome, monkeypatch):
    seen, sampler = [], told(make_outcome, 12)
    features = sampler._cube.features
    monkeypatch.setattr(sampler._cube, "features", lambda rows: seen.append(rows) or features(rows))
    sampler._proposal(np.random.default_rng(1))
    sampler._proposal(np.random.default_rng(2))
    first, second = (rows[:512] for rows in seen if len(rows) == 640)
    assert not np.isin(first, second).any()
    assert np.histogram(first, 16, (0, 1))[0].tolist() == [32] * 16, "each fills the cube evenly"


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
