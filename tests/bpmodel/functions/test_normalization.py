"""Normalized layers have the mean and variance they promise, in training and, for single rows, in prediction.

Their derivatives are in test_gradients.py.
"""

import numpy as np
import pytest
from scipy.special import expit

from bpmodel import DivergenceWarning
from bpmodel.functions.normalization import NORMALIZATIONS
from bpmodel.network.parameters import build

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

EPSILON, MOMENTUM = 1e-5, 0.1  # those of torch
ROWS, UNITS = 12, 5
AXES = {"layer": 1, "batch": 0}
DTYPES = {"float32": (np.float32, 2e-6), "float64": (np.float64, 1e-13)}

every_normalization = pytest.mark.parametrize("name", NORMALIZATIONS)
every_axis = pytest.mark.parametrize(("name", "axis"), AXES.items())


def batch(dtype=np.float64, seed=0):
    return np.random.default_rng(seed).normal(3, 2, (ROWS, UNITS)).astype(dtype)


def fresh(dtype=np.float64):
    """Return room for inverse deviations, and the running moments of a new network."""
    return np.zeros(ROWS, dtype), np.array([np.zeros(UNITS), np.ones(UNITS)], dtype)


def normalized(name, z, running=None, training=True):
    n, (spread, new) = z.copy(), fresh(z.dtype)
    running = new if running is None else running
    NORMALIZATIONS[name].forward(n, spread, running, training)
    return n, spread, running


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES.values(), ids=DTYPES)
@every_axis
def test_mean_zero_and_variance_one(name, axis, dtype, tolerance):
    z = batch(dtype)
    n, spread, _ = normalized(name, z)
    mean, variance = z.mean(axis=axis, dtype=np.float64), z.var(axis=axis, dtype=np.float64)
    np.testing.assert_allclose(n.mean(axis=axis), 0, atol=tolerance)
    np.testing.assert_allclose(n.var(axis=axis), variance / (variance + EPSILON), rtol=10 * tolerance)
    np.testing.assert_allclose(spread[: len(mean)], 1 / np.sqrt(variance + EPSILON), rtol=10 * tolerance)


@every_normalization
def test_nan_is_not_hidden(name):
    z = batch()
    z[4, 2] = np.nan
    assert np.isnan(normalized(name, z)[0][4, 2])


def test_without_normalization_nothing_changes():
    np.testing.assert_array_equal(normalized("none", batch())[0], batch())


@pytest.mark.parametrize("name", ["none", "layer"])
@pytest.mark.parametrize("training", [True, False])
def test_rows_do_not_see_one_another_and_nothing_runs_along(name, training):
    z = batch()
    alone = np.concatenate([normalized(name, z[i : i + 1], training=training)[0] for i in range(ROWS)])
    n, _, running = normalized(name, z, training=training)
    np.testing.assert_array_equal(n, alone)
    np.testing.assert_array_equal(running, fresh()[1])


def test_batch_moments_run_along_in_training_and_rule_in_prediction():
    """A decaying mean of the batches' means and unbiased variances."""
    running, expected = fresh()[1], fresh()[1]
    for seed in range(4):
        z = batch(seed=seed)
        normalized("batch", z, running)
        expected += MOMENTUM * (np.array([z.mean(axis=0), z.var(axis=0, ddof=1)]) - expected)
    np.testing.assert_allclose(running, expected, rtol=1e-12)
    n, *_ = normalized("batch", batch(), running, training=False)
    np.testing.assert_allclose(n, (batch() - expected[0]) / np.sqrt(expected[1] + EPSILON), rtol=1e-12)
    np.testing.assert_allclose(running, expected, rtol=1e-12)


def test_a_batch_of_one_row_is_finite():
    n, _, running = normalized("batch", batch()[:1])
    np.testing.assert_array_equal(n, 0)
    assert np.isfinite(running).all()


@pytest.mark.parametrize("name", AXES)
def test_layers_are_torchs(name):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.LayerNorm(UNITS) if name == "layer" else torch.nn.BatchNorm1d(UNITS)
    theirs = theirs.double()
    running = fresh()[1]
    for seed in range(3):
        z = batch(seed=seed)
        n, *_ = normalized(name, z, running)
        np.testing.assert_allclose(n, theirs(torch.tensor(z)).detach().numpy(), rtol=1e-10, atol=1e-12)
    if name == "batch":
        moments = np.stack([theirs.running_mean.numpy(), theirs.running_var.numpy()])
        np.testing.assert_allclose(running, moments, rtol=1e-6)


# ----------------------------------------------------------------------------------------------- in an estimator


def fitted(problems, name, task="binary", **changes):
    X, y, cls, _ = problems[task]
    numbers = {"hidden_layer_sizes": (8, 6), "batch_size": 30, "max_iter": 15, "random_state": 0}
    return X, cls(**numbers | changes, normalization=name).fit(X, y)


@every_normalization
def test_predictions_are_those_of_numpy(problems, name):
    X, model = fitted(problems, name, activation="tanh", dtype="float64")
    scales, running, a = model._parameters[-14:], model._running, X
    for layer, (w, b) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        z = a @ w
        if layer < 2 and name != "none":
            units = slice(0, 8) if layer == 0 else slice(8, 14)
            mean, variance = running[:, units] if name == "batch" else (z.mean(1)[:, None], z.var(1)[:, None])
            z = scales[units] * (z - mean) / np.sqrt(variance + EPSILON)
        a = np.tanh(z + b) if layer < 2 else expit(z + b)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1:], a, rtol=1e-10)


@every_normalization
def test_predictions_do_not_depend_on_their_company(problems, name):
    X, model = fitted(problems, name)
    alone = np.concatenate([model.predict_proba(row[None]) for row in X])
    np.testing.assert_array_equal(model.predict_proba(X), alone)


def test_batch_moments_follow_the_data_from_layer_to_layer(problems):
    """With steps too short to matter they are the moments of a single, whole batch."""
    X, model = fitted(
        problems, "batch", batch_size=120, learning_rate_init=1e-12, max_iter=200, n_iter_no_change=200, dtype="float64"
    )
    z = X @ model.coefs_[0]
    np.testing.assert_allclose(model._running[:, :8], [z.mean(axis=0), z.var(axis=0, ddof=1)], rtol=1e-6)


@pytest.mark.parametrize("name", AXES)
def test_features_of_any_scale_are_learned(problems, name):
    X, y, cls, _ = problems["regression"]
    model = cls(normalization=name, max_iter=100, random_state=0, learning_rate_init=0.01)
    assert model.fit(1e4 * X, y).score(1e4 * X, y) > 0.9


def test_a_diverged_fit_goes_back_to_the_moments_of_its_weights(problems):
    X, y, cls, _ = problems["regression"]
    model = cls(normalization="batch", random_state=0)
    with pytest.warns(DivergenceWarning):
        model.fit(np.where(np.arange(120)[:, None] == 60, 1e25, X), y)  # in single precision its square is infinite
    np.testing.assert_array_equal(model._running, np.repeat([[0.0], [1.0]], 100, axis=1))
    assert np.isfinite(model.predict(X)).all()


@every_normalization
def test_without_hidden_layers_there_is_nothing_to_normalize(problems, name):
    X, model = fitted(problems, name, hidden_layer_sizes=())
    plain = fitted(problems, "none", hidden_layer_sizes=())[1]
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))


def test_every_hidden_unit_has_a_scale_that_starts_at_one():
    for name in NORMALIZATIONS:
        network = build((3, 4, 2, 1), ["relu"] * 2, "squared_error", np.dtype("f4"), normalization=name)
        hidden = 0 if name == "none" else 6
        assert network.parameters.size == 12 + 8 + 2 + 4 + 2 + 1 + hidden
        assert network.parameters.sum() == hidden
