"""Every way to clip shortens a gradient at most; each keeps its threshold, against formulas in NumPy."""

import numpy as np
import pytest

from bpmodel.functions.clipping import CLIPPINGS, new_recent
from bpmodel.network.parameters import build, unpack

RECENT, WARM = 64, 8  # steps of the median, and steps before there is one
THRESHOLDS = {"none": np.inf, "value": 10.0, "norm": 1.0, "adaptive": 0.1, "median": 3.0}
UNITS = (4, 5, 3)
WHOLE = ["norm", "median"]

every_clipping = pytest.mark.parametrize("name", CLIPPINGS)


def network_and_gradient(scale=1.0, seed=0):
    random = np.random.default_rng(seed)
    network = build(UNITS, ["tanh"], "squared_error", np.dtype(np.float64))
    network.parameters[:] = random.normal(size=network.parameters.size)
    unpack(network.parameters, UNITS)[0][0][:, 2] = 0  # a unit whose weights are zero
    return network, scale * random.normal(size=network.parameters.size)


def clip(name, network, gradient, threshold, recent=None):
    clipped = gradient.copy()
    recent = new_recent() if recent is None else recent
    CLIPPINGS[name].clip(network, clipped, np.linalg.norm(gradient), threshold, recent)
    return clipped


def warm(network):
    """Norms of around one, enough of them for a median."""
    recent = new_recent()
    for norm in np.linspace(0.9, 1.1, WARM + 1):
        CLIPPINGS["median"].clip(network, np.array([norm]), norm, np.inf, recent)
    return recent


@every_clipping
def test_no_element_grows_or_turns(name):
    network, gradient = network_and_gradient(scale=10)
    clipped = clip(name, network, gradient, 0.5, warm(network))
    assert np.all(np.abs(clipped) <= np.abs(gradient))
    assert np.all(clipped * gradient >= 0)
    assert np.array_equal(clipped, gradient) == (name == "none")


@every_clipping
def test_a_small_gradient_is_left_alone(name):
    network, gradient = network_and_gradient(scale=1e-5)
    np.testing.assert_array_equal(clip(name, network, gradient, 0.5, warm(network)), gradient)


@every_clipping
def test_nan_is_not_hidden(name):
    network, gradient = network_and_gradient()
    gradient[3] = np.nan
    assert np.isnan(clip(name, network, gradient, 0.5, warm(network))[3])


def test_value_limits_each_element():
    network, gradient = network_and_gradient()
    np.testing.assert_array_equal(clip("value", network, gradient, 0.5), np.clip(gradient, -0.5, 0.5))


def test_norm_limits_the_whole():
    network, gradient = network_and_gradient()
    expected = gradient * 0.5 / np.linalg.norm(gradient)
    np.testing.assert_allclose(clip("norm", network, gradient, 0.5), expected, rtol=1e-14)


def test_adaptive_limits_each_units_weights_by_their_own_norm():
    """A unit with weights of zero counts as one of norm 0.001; biases are left alone."""
    threshold = 0.5
    network, gradient = network_and_gradient()
    clipped = clip("adaptive", network, gradient, threshold)
    parts = [unpack(values, UNITS) for values in (network.parameters, gradient, clipped)]
    (weights, _), (before, biases_before), (after, biases_after) = parts
    for w, g, c in zip(weights, before, after, strict=True):
        most = threshold * np.maximum(np.linalg.norm(w, axis=0), 1e-3)
        factor = np.minimum(most / np.linalg.norm(g, axis=0), 1)
        assert factor.min() < 1
        np.testing.assert_allclose(c, factor * g, rtol=1e-6)
    for g, c in zip(biases_before, biases_after, strict=True):
        np.testing.assert_array_equal(c, g)


def test_median_limits_by_the_last_norms_as_they_were_clipped():
    """Against NumPy's median over a window, with heavy tails, repeated norms and some that are not finite."""
    network, _ = network_and_gradient()
    random, recent, window, threshold, cut = np.random.default_rng(0), new_recent(), [], 2.0, 0
    for step in range(5 * RECENT):
        norm = np.round(np.exp(random.normal() * 1.5), 1)
        if step % 50 == 13:
            norm = np.inf
        gradient = np.array([0.6 * norm, -0.8 * norm])
        CLIPPINGS["median"].clip(network, gradient, norm, threshold, recent)
        if norm == np.inf:
            continue
        if len(window) >= WARM:
            most = threshold * np.quantile(window[-RECENT:], 0.5, method="higher")
            cut += norm > most
            norm = min(norm, most)
        np.testing.assert_allclose(gradient, [0.6 * norm, -0.8 * norm], rtol=1e-12)
        window.append(norm)
    assert 20 < cut < 200
    np.testing.assert_array_equal(recent[1 + RECENT :], np.sort(window[-RECENT:]))


@pytest.mark.parametrize(("steps", "clipped"), [(WARM - 1, False), (WARM, True)])
def test_median_waits_for_a_few_steps(steps, clipped):
    network, _ = network_and_gradient()
    recent = new_recent()
    for _ in range(steps):
        CLIPPINGS["median"].clip(network, np.ones(1), 1.0, 2.0, recent)
    gradient = np.array([5.0])
    CLIPPINGS["median"].clip(network, gradient, 5.0, 2.0, recent)
    assert gradient == (2 if clipped else 5)


def test_median_forgets_what_is_older_than_its_window():
    network, _ = network_and_gradient()
    recent = new_recent()
    for norm in [1.0] * 33 + [2.0] * 31 + [2.0] * 2:
        CLIPPINGS["median"].clip(network, np.ones(1), norm, np.inf, recent)
    np.testing.assert_array_equal(recent[1 + RECENT :], [1.0] * 31 + [2.0] * 33)


def test_thresholds_are_those_of_the_documentation():
    assert {name: row.threshold for name, row in CLIPPINGS.items()} == THRESHOLDS


@pytest.mark.parametrize(("norm", "factor"), [(0.999, 1.0), (1.001, 1 / 1.001)])
def test_norm_cuts_from_its_threshold_on(norm, factor):
    network, _ = network_and_gradient()
    gradient = np.array([0.6, 0.8]) * norm
    CLIPPINGS["norm"].clip(network, gradient, norm, 1.0, new_recent())
    np.testing.assert_allclose(gradient, np.array([0.6, 0.8]) * norm * factor, rtol=1e-12)


@pytest.mark.parametrize("name", CLIPPINGS)
def test_threshold_is_the_rows_unless_one_is_given(problems, name):
    X, y, cls, _ = problems["regression"]
    for given, used in ((None, CLIPPINGS[name].threshold), (0.25, 0.25)):
        assert cls(clipping=name, clip_threshold=given).begin_fit(X, y).settings.clip_threshold == used


@pytest.mark.parametrize(("name", "order"), [("norm", 2), ("value", np.inf)])
def test_a_step_of_a_fit_is_as_long_as_the_clipped_gradient(problems, name, order):
    """The recorded norm is that of the gradient itself."""
    X, y, cls, _ = problems["regression"]
    numbers = {
        "solver": "sgd",
        "momentum": 0,
        "nesterovs_momentum": False,
        "random_state": 0,
        "learning_rate_init": 0.1,
    }
    model = cls(**numbers, clipping=name, clip_threshold=0.01, dtype="float64")
    training = model.begin_fit(X, y)
    start = model._parameters.copy()
    training.advance(1)
    np.testing.assert_allclose(np.linalg.norm(model._parameters - start, order), 0.1 * 0.01, rtol=1e-9)
    assert training.history.gradient_norm[0] > 0.1


def test_a_fit_clips_at_the_median_of_its_last_steps(problems):
    """Below the median, so that each step after the first eight is cut; 80 steps, more than the window has room for."""
    X, y, cls, _ = problems["regression"]
    numbers = {
        "solver": "sgd",
        "momentum": 0,
        "nesterovs_momentum": False,
        "random_state": 0,
        "learning_rate_init": 1e-4,
    }
    model = cls(**numbers, clipping="median", clip_threshold=0.5, dtype="float64", batch_size=len(X), tol=0)
    training, window, lengths = model.begin_fit(X, y), [], []
    for epoch in range(1, 81):
        before = model._parameters.copy()
        training.advance(epoch)
        lengths.append(np.linalg.norm(model._parameters - before) / 1e-4)
        norm = training.history.gradient_norm[epoch - 1]
        most = 0.5 * np.quantile(window[-RECENT:], 0.5, method="higher") if len(window) >= WARM else np.inf
        window.append(min(norm, most))
    np.testing.assert_allclose(lengths, window, rtol=1e-5)
    norms = training.history.gradient_norm
    assert lengths[:8] == pytest.approx(norms[:8])
    assert (np.array(lengths[8:]) < 0.6 * norms[8:80]).all()
