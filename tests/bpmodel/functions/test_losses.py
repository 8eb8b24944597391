"""Every loss is differentiable as it says, and those that exist today agree with scikit-learn's and SciPy's formulas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import entr, expit, huber, logit, softmax
from scipy.stats import norm
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import (
    accuracy_score,
    mean_absolute_error,
    mean_gamma_deviance,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
    r2_score,
)
from sklearn.metrics import log_loss as probability_loss
from sklearn.neural_network._base import LOSS_FUNCTIONS

from bpmodel.functions.losses import BINARY, CLASSIFICATION, LOSSES, REGRESSION
from bpmodel.functions.regression_losses import target_deviations

LINKS = {"identity": lambda z: z, "exp": np.exp, "logistic": expit, "softmax": lambda z: softmax(z, axis=1)}
LOG_LOSSES = ["binary_log_loss", "log_loss"]
FOCAL_LOSSES = {"focal": "log_loss", "binary_focal": "binary_log_loss"}
DTYPES = {"float32": (np.float32, 2e-6), "float64": (np.float64, 1e-12)}
NUMBER = 0.7


def summed(metric, factor=1.0, **numbers):
    """Turn a metric that averages over the outputs into the loss that sums over them."""
    return lambda y, p, w: (
        factor * y.shape[1] * metric(y.ravel(), p.ravel(), sample_weight=np.repeat(w, y.shape[1]), **numbers)
    )


def weighted_mean(loss):
    return lambda y, p, w: np.average(loss(y, p).sum(axis=1), weights=w)


def focal(y, p):
    return -y * (1 - p) ** NUMBER * np.log(p)


# from targets, predictions and row weights
VALUES = {
    "squared_error": LOSS_FUNCTIONS["squared_error"],
    "absolute_error": summed(mean_absolute_error),
    "huber": weighted_mean(lambda y, p: huber(NUMBER, p - y)),
    "log_cosh": weighted_mean(lambda y, p: np.log(np.cosh(p - y))),
    "quantile": summed(mean_pinball_loss, alpha=NUMBER),
    "poisson": summed(mean_poisson_deviance, 0.5),
    "gamma": summed(mean_gamma_deviance, 0.5),
    "log_loss": LOSS_FUNCTIONS["log_loss"],
    "focal": weighted_mean(focal),
    "binary_log_loss": LOSS_FUNCTIONS["binary_log_loss"],
    "binary_focal": weighted_mean(lambda y, p: focal(y, p) + focal(1 - y, 1 - p)),
}
CANONICAL = ["poisson", "log_loss", "binary_log_loss", "squared_error"]

every_loss = pytest.mark.parametrize("name", LOSSES)
every_formula = pytest.mark.parametrize("name", VALUES)
every_dtype = pytest.mark.parametrize(("dtype", "tolerance"), DTYPES.values(), ids=DTYPES)


def batch(name, dtype=np.float64, rows=40, outputs=3, scale=2.0, smooth=0.0):
    """Return pre-activations, targets and row weights."""
    random, row = np.random.default_rng(1), LOSSES[name]
    z = random.normal(scale=scale, size=(rows, outputs))
    if row.output == "softmax":
        y = np.eye(outputs)[random.integers(outputs, size=rows)]
        y += smooth * (1 / outputs - y)
    elif row.output == "logistic":
        y = random.integers(2, size=(rows, outputs)).astype(float)
        y += smooth * (0.5 - y)
    elif row.least is None:
        y = random.normal(size=(rows, outputs))
    else:
        y = random.uniform(0.5, 2, size=(rows, outputs))
        y[::5] = 0 if row.least[1] else 1
    return z.astype(dtype), y.astype(dtype), random.uniform(0, 2, rows).astype(dtype)


def evaluate(name, z, y, w, scale=1.0, number=NUMBER):
    """Return the weighted sum of the losses and the derivative."""
    z = z.copy()
    return LOSSES[name].evaluate(z, y, w, z.dtype.type(scale), z.dtype.type(number)), z


def predictions(name, z):
    return LINKS[LOSSES[name].output](z.astype(np.float64))


# ---------------------------------------------------------------------------------------------- values, derivatives


@every_dtype
@every_loss
def test_link_is_the_output_function(name, dtype, tolerance):
    z, _, _ = batch(name, dtype)
    expected = predictions(name, z)
    LOSSES[name].link(z)
    np.testing.assert_allclose(z, expected, rtol=tolerance, atol=tolerance)


def test_every_loss_has_an_oracle():
    assert set(VALUES) == set(LOSSES)


@every_dtype
@every_formula
def test_value_is_the_formula(name, dtype, tolerance):
    z, y, w = batch(name, dtype)
    expected = VALUES[name](y.astype(np.float64), predictions(name, z), w.astype(np.float64)) * w.sum(dtype=np.float64)
    np.testing.assert_allclose(evaluate(name, z, y, w)[0], expected, rtol=10 * tolerance)


@pytest.mark.parametrize("smooth", [0.0, 0.3])
@every_loss
def test_z_becomes_the_derivative(name, smooth):
    step = 1e-6
    z, y, w = batch(name, smooth=smooth)
    _, derivative = evaluate(name, z, y, w, scale=0.25)
    numeric = np.empty_like(z)
    for j in range(z.shape[1]):  # rows do not mix: all of them at a time
        for i in range(z.shape[0]):
            row, target = z[i : i + 1], y[i : i + 1]
            around = [evaluate(name, row + sign * step * np.eye(3)[[j]], target, w[i : i + 1])[0] for sign in (1, -1)]
            numeric[i, j] = (around[0] - around[1]) / (2 * step)
    # as in scikit-learn, the squared error is reported as the mean over the outputs and minimized as their sum
    factor = z.shape[1] if name == "squared_error" else 1
    np.testing.assert_allclose(derivative, 0.25 * factor * numeric, rtol=1e-6, atol=1e-8)


@every_dtype
@pytest.mark.parametrize("name", CANONICAL)
def test_with_its_canonical_link_the_derivative_is_prediction_minus_target(name, dtype, tolerance):
    z, y, w = batch(name, dtype)
    expected = 0.25 * w[:, None] * (predictions(name, z) - y)
    np.testing.assert_allclose(evaluate(name, z, y, w, scale=0.25)[1], expected, rtol=tolerance, atol=tolerance)


@every_loss
def test_single_precision_agrees_with_double(name):
    single, double = (evaluate(name, *batch(name, dtype)) for dtype in (np.float32, np.float64))
    assert single[1].dtype == np.float32
    np.testing.assert_allclose(single[0], double[0], rtol=1e-5)
    np.testing.assert_allclose(single[1], double[1], rtol=1e-5, atol=1e-5)


@every_loss
def test_nan_output_gives_nan_loss(name):
    for column in range(3):
        z, y, w = batch(name, np.float32)
        z[5, column] = np.nan
        loss, derivative = evaluate(name, z, y, w)
        assert np.isnan(loss)
        assert np.isnan(derivative[5, column])


@pytest.mark.parametrize(("name", "plain"), FOCAL_LOSSES.items())
def test_focal_loss_with_number_zero_is_the_log_loss(name, plain):
    ours, theirs = (evaluate(which, *batch(plain), number=0.0) for which in (name, plain))
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-12)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", FOCAL_LOSSES)
def test_focal_loss_makes_less_of_easy_rows(name):
    """Lin et al. (2017): with number 2 a row predicted with probability 0.9 counts a hundredth."""
    easy = np.log(9) if name == "binary_focal" else np.log([9, 1])
    z, y = np.atleast_2d(easy), np.atleast_2d(np.eye(2)[0, : np.size(easy)])
    np.testing.assert_allclose(evaluate(name, z, y, np.ones(1), number=2.0)[0], -0.01 * np.log(0.9), rtol=1e-12)


def test_huber_is_between_its_neighbors():
    """With a large number half the squared error; with a small one the absolute error times the number."""
    z, y, w = batch("huber")
    squared, absolute = VALUES["squared_error"](y, z, w) * 3 * w.sum(), VALUES["absolute_error"](y, z, w) * w.sum()
    np.testing.assert_allclose(evaluate("huber", z, y, w, number=1e3)[0], squared)
    np.testing.assert_allclose(evaluate("huber", z, y, w, number=1e-6)[0], 1e-6 * absolute, rtol=1e-5)


@pytest.mark.parametrize("name", ["absolute_error", "huber", "log_cosh", "quantile", "squared_error"])
def test_an_exact_prediction_costs_and_moves_nothing(name):
    z = batch(name)[0]
    loss, derivative = evaluate(name, z, z, np.ones(len(z)))
    np.testing.assert_allclose(loss, 0, atol=1e-12)
    np.testing.assert_array_equal(derivative, 0)


@pytest.mark.parametrize("name", LOG_LOSSES)
def test_a_confidently_wrong_output_costs_its_distance(name):
    """scikit-learn clips the probability, which holds the loss of a diverging classifier at 16 in single precision."""
    y, w = np.array([[1, 0]], dtype=np.float32), np.ones(1, dtype=np.float32)
    for distance in (1e2, 1e4, 1e8, 1e30):
        z = np.array([[-distance, 0]], dtype=np.float32)
        rest = np.log(2) if name == "binary_log_loss" else 0
        np.testing.assert_allclose(evaluate(name, z, y, w)[0], distance + rest, rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e4, 1e4, width=32), min_size=3, max_size=3), st.integers(0, 2))
def test_classification_losses_are_finite_and_not_negative(outputs, target):
    for name in (*CLASSIFICATION, *BINARY):
        z, y = np.array([outputs], dtype=np.float32), np.eye(3, dtype=np.float32)[[target]]
        loss, derivative = evaluate(name, z, y, np.ones(1, dtype=np.float32))
        assert 0 <= loss < np.inf
        assert np.isfinite(derivative).all()
        if name in LOG_LOSSES:
            assert np.all(np.abs(derivative) <= 1), "prediction - target lies in [-1, 1]"


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


def score_of(name, y, p, w):
    if name in REGRESSION:
        return r2_score(y, p, sample_weight=w)
    if name in BINARY:
        return accuracy_score(y > 0.5, p > 0.5, sample_weight=w)
    return accuracy_score(y.argmax(axis=1), p.argmax(axis=1), sample_weight=w)


@pytest.mark.parametrize("smooth", [0.0, 0.49])
@every_loss
def test_tally_over_reference_is_the_score(name, smooth):
    z, y, w = batch(name, smooth=smooth)
    reference = LOSSES[name].reference(y, w)
    tally = np.zeros(reference.size)
    for part in (slice(0, 7), slice(7, None)):  # batches add up
        LOSSES[name].tally(z[part], y[part], w[part], tally)
    np.testing.assert_allclose(1 - np.mean(tally / reference), score_of(name, y, predictions(name, z), w), rtol=1e-12)


def moments(y, w):
    return np.average(y, axis=0, weights=w), np.average(y**2.0, axis=0, weights=w)


def baseline_of(name, y, w):
    return LOSSES[name].baseline(*moments(y, w), NUMBER)


def dummy_loss(name, y, w, *, away=0.0):
    """The loss of predicting the row's `constant` for all rows."""
    z = np.tile(LOSSES[name].constant(moments(y, w)[0]) + away, (len(y), 1))
    return evaluate(name, z, y, w)[0] / w.sum()


def test_squared_error_baseline_is_the_mean_predictors_loss():
    z, y, w = batch("squared_error")
    dummy = DummyRegressor().fit(z, y, w)
    expected = mean_squared_error(y, dummy.predict(z), sample_weight=w) / 2
    np.testing.assert_allclose(baseline_of("squared_error", y, w), expected)


def test_log_loss_baselines_are_the_prior_predictors_loss():
    z, y, w = batch("log_loss")
    labels = y.argmax(axis=1)
    prior = DummyClassifier(strategy="prior").fit(z, labels, w).predict_proba(z)
    np.testing.assert_allclose(baseline_of("log_loss", y, w), probability_loss(labels, prior, sample_weight=w))

    z, y, w = batch("binary_log_loss")
    each = [DummyClassifier(strategy="prior").fit(z, label, w).predict_proba(z) for label in y.T]
    expected = sum(probability_loss(label, p, sample_weight=w) for label, p in zip(y.T, each, strict=True))
    np.testing.assert_allclose(baseline_of("binary_log_loss", y, w), expected)


@pytest.mark.parametrize("name", ["squared_error", *CLASSIFICATION, *BINARY])
def test_baseline_is_the_constant_predictions_loss(name):
    _, y, w = batch(name, smooth=0.1)
    np.testing.assert_allclose(baseline_of(name, y, w), dummy_loss(name, y, w), rtol=1e-9)


@every_loss
def test_baseline_is_close_to_the_constant_predictions_loss(name):
    """It is a yardstick, known from two moments alone: within a factor of two for targets that are not wild."""
    _, y, w = batch(name, rows=2000)
    assert 0.5 < baseline_of(name, y, w) / dummy_loss(name, y, w) < 2


@pytest.mark.parametrize("name", ["absolute_error", "quantile"])
def test_baselines_are_those_of_a_normal_target(name):
    y = np.random.default_rng(0).normal(3, 2, size=(100_000, 1))
    best = np.full_like(y, np.quantile(y, NUMBER if name == "quantile" else 0.5))
    loss = evaluate(name, best, y, np.ones(len(y)))[0] / len(y)
    np.testing.assert_allclose(baseline_of(name, y, np.ones(len(y))), loss, rtol=0.01)


NUMERIC = {
    "absolute_error": np.abs,
    "huber": lambda e: huber(NUMBER, e),
    "log_cosh": lambda e: np.logaddexp(e, -e) - np.log(2),
}


@pytest.mark.parametrize("std", [0.01, 0.3, 1.0, 3.0, 100.0])
@pytest.mark.parametrize("name", NUMERIC)
def test_robust_baselines_are_close_for_targets_of_any_width(name, std):
    """Huber's was 46 times too high for a deviation of 100 when the larger of two bounds was taken, and no test saw it."""
    e = np.linspace(-10, 10, 200_001) * std
    exact = np.trapezoid(NUMERIC[name](e) * norm.pdf(e, scale=std), e)
    baseline = LOSSES[name].baseline(np.array([5.0]), np.array([25 + std**2]), NUMBER)
    assert 0.6 * baseline < exact < (1 + 1e-6) * baseline
    if std in (0.01, 100.0):
        np.testing.assert_allclose(baseline, exact, rtol=0.02)


def test_a_baseline_adds_up_its_outputs():
    mean, square = np.array([1.0, 4.0]), np.array([2.0, 25.0])  # deviations 1 and 3
    for name, expected in {
        "squared_error": (1 + 9) / 4,
        "absolute_error": (1 + 3) * np.sqrt(2 / np.pi),
        "quantile": (1 + 3) * norm.pdf(norm.ppf(NUMBER)),
        "poisson": 0.5 * 1 / 1 + 0.5 * 9 / 4,
        "gamma": 0.5 * 1 / 1 + 0.5 * 9 / 16,
    }.items():
        np.testing.assert_allclose(LOSSES[name].baseline(mean, square, NUMBER), expected, rtol=1e-12)


@pytest.mark.parametrize("name", REGRESSION)
def test_moments_that_rounding_puts_out_of_order_are_those_of_a_constant(name):
    assert LOSSES[name].baseline(np.array([0.1]), np.array([0.1**2 - 1e-17]), NUMBER) == 0


def test_constants_of_targets_without_a_logarithm_are_finite():
    for name in ("poisson", "gamma"):
        np.testing.assert_allclose(LOSSES[name].constant(np.array([0.0, 1e-11])), np.log([1e-12, 1e-11]))
    np.testing.assert_allclose(LOSSES["log_loss"].constant(np.array([0.0, 1e-11])), np.log([1e-12, 1e-11]))
    np.testing.assert_allclose(
        LOSSES["binary_log_loss"].constant(np.array([0.0, 1.0, 2e-6])), [-np.log(1e6 - 1), np.log(1e6 - 1), logit(2e-6)]
    )
    np.testing.assert_allclose(LOSSES["poisson"].baseline(np.zeros(1), np.ones(1), NUMBER), 0.5e12)
    np.testing.assert_allclose(LOSSES["gamma"].baseline(np.zeros(1), np.ones(1), NUMBER), 0.5e24)


@pytest.mark.parametrize(("missing", "taken"), [(1.1e-7, 1.1e-7), (0.9e-7, 1e-7)])
def test_focal_loss_of_a_row_that_is_certain_is_held_at_single_precision(missing, taken):
    """With a number below 1 its derivative would grow without bound as p approaches 1."""
    z, y, p = np.array([[np.log1p(-missing) - np.log(missing), 0.0]]), np.array([[1.0, 0.0]]), 1 - missing
    loss, derivative = evaluate("focal", z, y, np.ones(1))
    np.testing.assert_allclose(loss, -(taken**NUMBER) * np.log1p(-missing), rtol=1e-6)
    own = taken**NUMBER * (NUMBER * p * np.log1p(-missing) / taken - 1)
    np.testing.assert_allclose(derivative[0], [own - p * own, -missing * own], rtol=1e-6)


def test_half_of_a_label_is_none():
    for name, y in {"log_loss": [[0.5, 0.5]], "binary_log_loss": [[0.5]]}.items():
        tally = np.zeros(1)
        LOSSES[name].tally(np.array([[1.0, 0.0]])[:, : len(y[0])], np.array(y), np.ones(1), tally)
        assert tally == 1


@pytest.mark.parametrize("name", [*CANONICAL, "gamma"])
def test_constant_is_the_best_constant_prediction(name):
    _, y, w = batch(name)
    best = dummy_loss(name, y, w)
    for away in 0.05 * np.vstack([np.eye(3), -np.eye(3)]):
        assert dummy_loss(name, y, w, away=away) > best


@every_loss
def test_baseline_of_a_constant_target_is_zero(name):
    y = np.ones((5, 1)) if LOSSES[name].output != "softmax" else np.tile([1.0, 0.0], (5, 1))
    assert baseline_of(name, y, np.ones(5)) == 0


@pytest.mark.parametrize("name", ["log_loss", "binary_log_loss"])
def test_baseline_is_the_entropy_of_the_frequencies(name):
    p = np.array([0.2, 0.5, 0.3])
    expected = entr(p).sum() + (entr(1 - p).sum() if name == "binary_log_loss" else 0)
    np.testing.assert_allclose(LOSSES[name].baseline(p, p, NUMBER), expected)


def test_every_loss_of_several_classes_has_one_of_two():
    assert [row.binary for row in CLASSIFICATION.values()] == list(BINARY)
    assert [row.option for row in BINARY.values()] == [row.option for row in CLASSIFICATION.values()]


@pytest.mark.parametrize("value", [5.0, 3.3, -0.1, 1e200, 7e-12])
def test_a_constant_target_does_not_deviate_from_its_mean(value):
    """By rounding, which depends on the machine, it did, and validation scores were -1e31."""
    for n in range(1, 70):
        for weights in (np.broadcast_to(1.0, n), np.linspace(0.1, 3, n)):
            y = np.stack([np.full(n, value), np.arange(n) * value], axis=1)
            assert (target_deviations(y, weights) > 0).tolist() == [False, n > 1]
