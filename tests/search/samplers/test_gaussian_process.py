"""The Gaussian process is scikit-learn's; what is added to it is held against numbers and integrals."""

import numpy as np
import pytest
import scipy.stats
from scipy.integrate import quad

from search.samplers.acquisition import log_expected_improvement, log_probability_healthy
from search.samplers.gaussian_process import GaussianProcess, covariance, standardised
from search.samplers.gp import GaussianProcessSampler, warped
from search.samplers.thinning import selection
from search.space import spaces
from search.space.dimensions import label
from search.space.unit_cube import UnitCube
from search.trials.penalties import Lesson


@pytest.mark.parametrize("best", [-2.0, 0.0, 1.0, 5.0])
@pytest.mark.parametrize("std", [0.3, 2.0])
def test_expected_improvement_is_the_integral(best, std):
    density = scipy.stats.norm(0.5, std).pdf
    integral, _ = quad(lambda f: (f - best) * density(f), best, best + 40 * std, epsabs=0, epsrel=1e-10)
    found = log_expected_improvement(np.array([0.5]), np.array([std]), best)
    assert found[0] == pytest.approx(np.log(integral), rel=1e-7, abs=1e-7)


def test_expected_improvement_falls_smoothly_where_it_underflows():
    z = -np.geomspace(0.1, 1e6, 4000)
    found = log_expected_improvement(z, np.ones(len(z)), 0.0)
    assert np.isfinite(found).all()
    assert (np.diff(found) < 0).all()
    # far out it is phi(z) / z**2
    np.testing.assert_allclose(found[-2000:], scipy.stats.norm.logpdf(z[-2000:]) - 2 * np.log(-z[-2000:]), rtol=1e-4)


def test_probability_of_health_is_that_of_a_noisy_label_above_0():
    random = np.random.default_rng(0)
    labels = random.normal(0.3, 1.0, 200_000) + random.normal(0, 0.5, 200_000)
    found = np.exp(log_probability_healthy(np.array([0.3]), np.array([1.0]), 0.25))
    assert found[0] == pytest.approx((labels > 0).mean(), abs=5e-3)


def test_belief_passes_near_the_values_and_is_unsure_elsewhere():
    X = np.linspace(0, 0.5, 12)[:, None]
    y = 100 + 10 * np.sin(6 * X[:, 0])
    process = GaussianProcess(covariance(X, standardised(y)), X, y)
    np.testing.assert_allclose(process.at(X).mean, y, atol=1.0)
    assert process.at(np.array([[1.0]])).std[0] > 5 * process.at(X).std.max()
    assert 0 < process.noise < y.var()


def test_an_irrelevant_feature_gets_a_longer_length():
    X = np.random.default_rng(0).random((40, 2))
    kernel = covariance(X, standardised(np.sin(8 * X[:, 0])))
    short, long = kernel.k1.k2.length_scale
    assert long > 4 * short


@pytest.mark.parametrize("values", [[], [3.0], [2.0, 2.0, 2.0], [-1e9, 0.0, 0.1, 0.2, 0.3]])
def test_warped_values_are_finite_and_in_order(values):
    found = warped(np.array(values))
    assert np.isfinite(found).all()
    assert (np.argsort(found, kind="stable") == np.argsort(values, kind="stable")).all()
    assert np.abs(found).max(initial=0) < 30


def test_what_would_diverge_is_proposed_only_where_nothing_else_is_left(make_outcome):
    """Where scores are smooth and known well, the improvement of the points that are left may be less than 1e-400."""
    sampler = GaussianProcessSampler(spaces.build({"units": (1, 40)}), 0)
    told = [*range(1, 25), 27, 30, 35, 40]
    for number, units in enumerate(told[::2] + told[1::2]):
        healthy = units < 27
        lesson = Lesson(-((units - 1) ** 2)) if healthy else Lesson(-9e3, 1.0)
        sampler.tell(make_outcome(number, "ok" if healthy else "diverged", params={"units": units}), lesson)
    assert sampler.ask(len(told))["units"] in (25, 26)


CUBE = {
    "rate": (1e-4, 1.0, "log"),
    "batch": (1, 4),
    "width": [8, 64, 16],
    "activation": ["relu", "tanh", "elu"],
    "solver": ["adam", "sgd"],
    "momentum": {"low": 0.5, "high": 0.9, "when": {"solver": "sgd"}},
    "decay": scipy.stats.loguniform(1e-3, 1.0),
    "units": scipy.stats.randint(1, 5),
    "one": ["a"],
    "sizes": {"layers": (1, 2), "width": [8, 16, 32]},
}


def test_rows_and_configurations_are_one_another():
    space = spaces.build(CUBE)
    cube = UnitCube(space)
    for n in range(50):
        params = space.random_point(0, n)
        again = cube.params(cube.row(params))
        decay = params.pop("decay")
        assert again.pop("decay") == pytest.approx(decay)
        assert {k: label(v) for k, v in again.items() if k != "rate" and k != "momentum"} == {
            k: label(v) for k, v in params.items() if k != "rate" and k != "momentum"
        }
        assert again["rate"] == pytest.approx(params["rate"])


def test_features_are_the_same_for_rows_of_one_configuration():
    space = spaces.build(CUBE)
    cube = UnitCube(space)
    rows = np.random.default_rng(0).random((200, cube.n_axes))
    named = np.array([cube.row(cube.params(row)) for row in rows])
    np.testing.assert_allclose(cube.features(rows), cube.features(named), atol=1e-7)


def test_what_does_not_exist_makes_no_difference():
    cube = UnitCube(spaces.build({"solver": CUBE["solver"], "momentum": CUBE["momentum"]}))
    rows = np.array([[0.2, 0.1], [0.2, 0.9], [0.7, 0.1], [0.7, 0.9]])
    np.testing.assert_array_equal(cube.features(rows), [[1, 0, 0.5], [1, 0, 0.5], [0, 1, 0.1], [0, 1, 0.9]])


def test_choices_that_are_numbers_keep_their_order():
    cube = UnitCube(spaces.build({"width": [8, 64, 16]}))
    np.testing.assert_array_equal(cube.features(np.array([[0.1], [0.5], [0.9]])), [[0], [1], [0.5]])


@pytest.mark.parametrize("total", [3, 10, 11, 500])
def test_selection_has_the_best_and_the_latest(total):
    values = np.random.default_rng(0).permutation(total).tolist()
    kept = selection(values, 10, best=4, latest=3)
    assert len(kept) == min(total, 10)
    assert kept == sorted(set(kept))
    assert set(kept) >= set(range(max(total - 3, 0), total))
    assert set(kept) >= {values.index(v) for v in sorted(values)[-4:]}
