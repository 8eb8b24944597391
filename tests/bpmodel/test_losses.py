"""Every loss, output function, validation score and dummy predictor against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import accuracy_score, mean_squared_error, r2_score
from sklearn.metrics import log_loss as probability_loss
from sklearn.neural_network._base import LOSS_FUNCTIONS

from bpmodel.losses import LOSSES

LINKS = {"squared_error": lambda z: z, "binary_log_loss": expit, "log_loss": lambda z: softmax(z, axis=1)}
LOG_LOSSES = ["binary_log_loss", "log_loss"]
DTYPES = {"float32": (np.float32, 2e-6), "float64": (np.float64, 1e-12)}

every_loss = pytest.mark.parametrize("name", LOSSES)
every_dtype = pytest.mark.parametrize(("dtype", "tolerance"), DTYPES.values(), ids=DTYPES)


def batch(name, dtype=np.float64, rows=40, outputs=3, scale=2.0):
    """Return pre-activations, targets and row weights."""
    random = np.random.default_rng(1)
    z = random.normal(scale=scale, size=(rows, outputs))
    if name == "squared_error":
        y = random.normal(size=(rows, outputs))
    elif name == "log_loss":
        y = np.eye(outputs)[random.integers(outputs, size=rows)]
    else:
        y = random.integers(2, size=(rows, outputs))
    return z.astype(dtype), y.astype(dtype), random.uniform(0, 2, rows).astype(dtype)


def test_every_row_has_its_oracles_here():
    assert set(LINKS) == set(LOSSES) <= set(LOSS_FUNCTIONS)


@every_dtype
@every_loss
def test_link_is_the_output_function(name, dtype, tolerance):
    z, _, _ = batch(name, dtype)
    expected = LINKS[name](z.astype(np.float64))
    LOSSES[name].link(z)
    np.testing.assert_allclose(z, expected, rtol=tolerance, atol=tolerance)


@every_dtype
@every_loss
def test_value_is_scikit_learns(name, dtype, tolerance):
    z, y, w = batch(name, dtype)
    expected = LOSS_FUNCTIONS[name](y, LINKS[name](z.astype(np.float64)), w) * w.sum(dtype=np.float64)
    np.testing.assert_allclose(LOSSES[name].evaluate(z, y, w, dtype(1)), expected, rtol=tolerance)


@every_dtype
@every_loss
def test_z_becomes_weighted_prediction_minus_target(name, dtype, tolerance):
    z, y, w = batch(name, dtype)
    expected = 0.25 * w[:, None] * (LINKS[name](z.astype(np.float64)) - y)
    LOSSES[name].evaluate(z, y, w, dtype(0.25))
    np.testing.assert_allclose(z, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", LOG_LOSSES)
def test_a_confidently_wrong_output_costs_its_distance(name):
    """scikit-learn clips the probability, which holds the loss of a diverging classifier at 16 in single precision."""
    y, w = np.array([[1, 0]], dtype=np.float32), np.ones(1, dtype=np.float32)
    for distance in (1e2, 1e4, 1e8, 1e30):
        z = np.array([[-distance, 0]], dtype=np.float32)
        rest = np.log(2) if name == "binary_log_loss" else 0
        np.testing.assert_allclose(LOSSES[name].evaluate(z, y, w, np.float32(1)), distance + rest, rtol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_nan_output_gives_nan_loss(name):
    for column in range(3):
        z, y, w = batch(name, np.float32)
        z[5, column] = np.nan
        assert np.isnan(LOSSES[name].evaluate(z, y, w, np.float32(1)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=3, max_size=3), st.integers(0, 2))
def test_log_losses_are_finite_and_not_negative(outputs, target):
    for name in LOG_LOSSES:
        z, y = np.array([outputs], dtype=np.float32), np.eye(3, dtype=np.float32)[[target]]
        loss = LOSSES[name].evaluate(z, y, np.ones(1, dtype=np.float32), np.float32(1))
        assert 0 <= loss < np.inf
        assert np.all(np.abs(z) <= 1), "prediction - target lies in [-1, 1]"


@settings(max_examples=60, deadline=None)
@given(st.floats(-100, 100, width=32))
def test_softmax_ignores_a_common_shift(shift):
    z, _, _ = batch("log_loss")
    moved = z + shift
    LOSSES["log_loss"].link(z)
    LOSSES["log_loss"].link(moved)
    np.testing.assert_allclose(moved, z, rtol=1e-10)
    np.testing.assert_allclose(z.sum(axis=1), 1, rtol=1e-12)


# -------------------------------------------------------------------------------------- validation score, baseline

SCORES = {
    "squared_error": lambda y, p, w: r2_score(y, p, sample_weight=w),
    "binary_log_loss": lambda y, p, w: accuracy_score(y, p > 0.5, sample_weight=w),
    "log_loss": lambda y, p, w: accuracy_score(y.argmax(axis=1), p.argmax(axis=1), sample_weight=w),
}


@every_loss
def test_tally_over_reference_is_the_score(name):
    z, y, w = batch(name)
    reference = LOSSES[name].reference(y, w)
    tally = np.zeros(reference.size)
    for part in (slice(0, 7), slice(7, None)):  # batches add up
        LOSSES[name].tally(z[part], y[part], w[part], tally)
    score = 1 - np.mean(tally / reference)
    np.testing.assert_allclose(score, SCORES[name](y, LINKS[name](z), w), rtol=1e-12)


def moments(y, w):
    return np.average(y, axis=0, weights=w), np.average(y**2.0, axis=0, weights=w)


def test_regression_baseline_is_the_mean_predictors_loss():
    z, y, w = batch("squared_error")
    dummy = DummyRegressor().fit(z, y, w)
    expected = mean_squared_error(y, dummy.predict(z), sample_weight=w) / 2
    np.testing.assert_allclose(LOSSES["squared_error"].baseline(*moments(y, w)), expected)


def test_classification_baselines_are_the_prior_predictors_loss():
    z, y, w = batch("log_loss")
    labels = y.argmax(axis=1)
    prior = DummyClassifier(strategy="prior").fit(z, labels, w).predict_proba(z)
    np.testing.assert_allclose(
        LOSSES["log_loss"].baseline(*moments(y, w)), probability_loss(labels, prior, sample_weight=w)
    )

    z, y, w = batch("binary_log_loss")
    each = [DummyClassifier(strategy="prior").fit(z, label, w).predict_proba(z) for label in y.T]
    expected = sum(probability_loss(label, p, sample_weight=w) for label, p in zip(y.T, each, strict=True))
    np.testing.assert_allclose(LOSSES["binary_log_loss"].baseline(*moments(y, w)), expected)


@every_loss
def test_baseline_of_a_constant_target_is_zero(name):
    y = np.zeros((5, 2))
    y[:, 0] = 1
    assert LOSSES[name].baseline(*moments(y, np.ones(5))) == 0
