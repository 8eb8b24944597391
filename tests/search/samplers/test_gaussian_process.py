"""The Gaussian process is scikit-learn's; what is added to it is held against numbers and integrals."""

import numpy as np
import pytest
import scipy.stats
from scipy.integrate import quad

from search.samplers.acquisition import log_expected_improvement, log_probability_healthy
from search.samplers.gaussian_process import GaussianProcess, covariance, standardized
from search.samplers.gp import GaussianProcessSampler, warped
from search.space import spaces
from search.space.dimensions import label
from search.space.unit_cube import UnitCube
from search.trials.penalties import Feedback


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


@pytest.mark.parametrize("z", [-50.0, -200.0, -999.0, -1001.0, -1e4, -1e7])
def test_expected_improvement_far_out_is_its_series(z):
    """phi(z) (1 / z**2 - 3 / z**4 + 15 / z**6 - …), to a few units of the last place on both sides of the switch at -1000."""
    series = np.log1p(-3 / z**2 + 15 / z**4 - 105 / z**6) - 2 * np.log(-z)
    found = log_expected_improvement(np.array([3.0 + 2 * z]), np.array([2.0]), 3.0)
    expected = np.log(2) + scipy.stats.norm.logpdf(z) + series
    assert found[0] == pytest.approx(expected, rel=0, abs=1e-5 + 4 * np.spacing(z**2 / 2))


def test_probability_of_health_is_that_of_a_noisy_label_above_0():
    random = np.random.default_rng(0)
    labels = random.normal(0.3, 1.0, 200_000) + random.normal(0, 0.5, 200_000)
    found = np.exp(log_probability_healthy(np.array([0.3]), np.array([1.0]), 0.25))
    assert found[0] == pytest.approx((labels > 0).mean(), abs=5e-3)


@pytest.mark.parametrize(("mean", "std", "noise"), [(0.3, 1.0, 0.25), (-2.0, 0.5, 0.01), (0.0, 3.0, 1.0)])
def test_probability_of_health_in_numbers(mean, std, noise):
    expected = scipy.stats.norm(mean, (std**2 + noise) ** 0.5).sf(0)
    found = np.exp(log_probability_healthy(np.array([mean]), np.array([std]), noise))
    assert found[0] == pytest.approx(expected, rel=1e-9)


def matern(X, Z, lengths) -> np.ndarray:
    """Return the Matern covariance of smoothness 5/2, by its formula."""
    distance = np.sqrt(5) * np.linalg.norm(X[:, None] / lengths - Z[None] / lengths, axis=2)
    return (1 + distance + distance**2 / 3) * np.exp(-distance)


def cube_and_values(n: int = 14):
    random = np.random.default_rng(1)
    X = random.random((n, 2))
    return X, 50 + 8 * np.sin(5 * X[:, 0]) + X[:, 1] + 0.3 * random.normal(size=n)


@pytest.mark.parametrize("n_features", [1, 4, 9])
def test_what_covariances_begin_with(n_features):
    """Length scales of half the square root of the number of features, and noise of a hundredth of the variance."""
    for y in (np.zeros(0), np.full(3, 2.0)):
        kernel = covariance(np.zeros((len(y), n_features)), y)
        np.testing.assert_allclose(kernel.k1.k2.length_scale, np.full(n_features, n_features**0.5 / 2))
        assert (kernel.k1.k1.constant_value, kernel.k2.noise_level, kernel.k1.k2.nu) == (1.0, 0.01, 2.5)
    amplitude, *lengths, noise = np.exp(kernel.bounds)
    np.testing.assert_allclose([amplitude, noise, *lengths], [[0.05, 20.0], [1e-4, 1.0]] + [[0.02, 1e3]] * n_features)


def test_the_covariance_is_the_most_likely_one_under_its_prior():
    """The logarithm of each length is normal, with mean log(sqrt(d) / 2) and variance 1."""
    X, y = cube_and_values()
    y = standardized(y)

    def posterior(theta) -> float:
        amplitude, *lengths, noise = np.exp(theta)
        K = amplitude * matern(X, X, lengths) + noise * np.eye(len(X))
        prior = scipy.stats.norm(np.log(2**0.5 / 2), 1).logpdf(np.log(lengths)).sum()
        return scipy.stats.multivariate_normal(np.zeros(len(X)), K).logpdf(y) + prior

    kernel = covariance(X, y)
    low, high = kernel.bounds.T
    for i, step in enumerate(np.eye(4)):
        slope = (posterior(kernel.theta + 1e-4 * step) - posterior(kernel.theta - 1e-4 * step)) / 2e-4
        inside = low[i] + 1e-3 < kernel.theta[i] < high[i] - 1e-3
        assert not inside or slope == pytest.approx(0, abs=2e-2)


def test_belief_by_the_formulas():
    """Mean k' K^-1 y, variance k(x, x) - k' K^-1 k, of the function without its noise, in the values' own units."""
    X, y = cube_and_values()
    kernel, Z = covariance(X, standardized(y)), np.random.default_rng(2).random((5, 2))
    amplitude, lengths, noise = kernel.k1.k1.constant_value, kernel.k1.k2.length_scale, kernel.k2.noise_level
    K = amplitude * matern(X, X, lengths) + noise * np.eye(len(X))
    k = amplitude * matern(X, Z, lengths)
    process = GaussianProcess(kernel, X, y)
    found = process.at(Z)
    np.testing.assert_allclose(found.mean, y.mean() + y.std() * k.T @ np.linalg.solve(K, standardized(y)), rtol=1e-6)
    variance = amplitude - np.sum(k * np.linalg.solve(K, k), axis=0)
    np.testing.assert_allclose(found.std, y.std() * np.sqrt(variance), rtol=1e-4)
    assert process.noise == pytest.approx(noise * y.var())


def test_belief_passes_near_the_values_and_is_unsure_elsewhere():
    X = np.linspace(0, 0.5, 12)[:, None]
    y = 100 + 10 * np.sin(6 * X[:, 0])
    process = GaussianProcess(covariance(X, standardized(y)), X, y)
    np.testing.assert_allclose(process.at(X).mean, y, atol=1.0)
    assert process.at(np.array([[1.0]])).std[0] > 5 * process.at(X).std.max()
    assert 0 < process.noise < y.var()


def test_belief_in_values_that_are_all_equal():
    """Their unit is then 1: the noise is that of the initial covariance."""
    X, y = np.linspace(0, 1, 5)[:, None], np.full(5, 7.0)
    np.testing.assert_array_equal(standardized(y), np.zeros(5))
    process = GaussianProcess(covariance(X, standardized(y)), X, y)
    found = process.at(X)
    np.testing.assert_allclose(found.mean, 7.0)
    assert process.noise == pytest.approx(0.01)
    assert (found.std > 0).all()


def test_belief_is_never_certain():
    """At a point that was seen a thousand times, without noise to speak of, rounding may leave a variance below 0."""
    X, y = np.repeat([[0.25], [0.75]], 500, axis=0), np.repeat([40.0, 60.0], 500)
    kernel = covariance(np.zeros((0, 1)), np.zeros(0))
    kernel = kernel.clone_with_theta(np.log([1.0, 0.5, 1e-13]))
    found = GaussianProcess(kernel, X, y).at(np.array([[0.25], [0.75]]))
    assert (found.std >= 1e-6 * 10).all()


def test_an_irrelevant_feature_gets_a_longer_length():
    X = np.random.default_rng(0).random((40, 2))
    kernel = covariance(X, standardized(np.sin(8 * X[:, 0])))
    short, long = kernel.k1.k2.length_scale
    assert long > 4 * short


@pytest.mark.parametrize("values", [[], [3.0], [2.0, 2.0, 2.0], [-1e9, 0.0, 0.1, 0.2, 0.3]])
def test_warped_values_are_finite_and_in_order(values):
    found = warped(np.array(values))
    assert np.isfinite(found).all()
    assert (np.argsort(found, kind="stable") == np.argsort(values, kind="stable")).all()
    assert np.abs(found).max(initial=0) < 30


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([-1.0, 0.0, 1.0], [-np.log(3), 0.0, 2.0]),  # the median of what is not below the median is 1/2 away
        ([-2.0, 1.5, 2.0, 3.0, 4.0], [-np.log(5), -np.log(1.5), 0.0, 1.0, 2.0]),
        ([0.0, 0.0, 0.0, 0.0, 4.0], [0.0, 0.0, 0.0, 0.0, 2.5]),  # then the standard deviation, 1.6, is the unit
        ([7.0, 7.0], [0.0, 0.0]),
    ],
)
def test_warped_by_hand(values, expected):
    np.testing.assert_allclose(warped(np.array(values)), expected)


def test_what_would_diverge_is_proposed_only_where_nothing_else_is_left(make_outcome):
    """Where scores are smooth and known well, the improvement of the points that are left may be less than 1e-400."""
    sampler = GaussianProcessSampler(spaces.build({"units": (1, 40)}), 0)
    told = [*range(1, 25), 27, 30, 35, 40]
    for number, units in enumerate(told[::2] + told[1::2]):
        healthy = units < 27
        feedback = Feedback(-((units - 1) ** 2)) if healthy else Feedback(-9e3, 1.0)
        sampler.tell(make_outcome(number, "ok" if healthy else "diverged", params={"units": units}), feedback)
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
