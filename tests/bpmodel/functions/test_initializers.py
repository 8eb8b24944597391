"""Every row of initial weights keeps the scale of the signals; each has the variance its paper gives."""

import numpy as np
import pytest
from numpy.random import RandomState

from bpmodel.functions.activations import ACTIVATIONS
from bpmodel.functions.initializers import INITIALIZERS, draw
from bpmodel.functions.losses import LOSSES

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FANS = [(300, 200), (200, 300)]
VARIANCES = {
    "glorot_uniform": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "glorot_normal": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he_uniform": lambda fan_in, fan_out: 2 / fan_in,
    "he_normal": lambda fan_in, fan_out: 2 / fan_in,
    "lecun_uniform": lambda fan_in, fan_out: 1 / fan_in,
    "lecun_normal": lambda fan_in, fan_out: 1 / fan_in,
    "orthogonal": lambda fan_in, fan_out: 1 / max(fan_in, fan_out),
}

every_init = pytest.mark.parametrize("name", INITIALIZERS)
every_fan = pytest.mark.parametrize(("fan_in", "fan_out"), FANS)


@every_fan
@every_init
def test_shape_mean_and_scale(name, fan_in, fan_out):
    w = INITIALIZERS[name].weights(fan_in, fan_out, RandomState(0))
    assert w.shape == (fan_in, fan_out)
    assert abs(w.mean()) < 4 * w.std() / np.sqrt(w.size)
    assert 0.3 / max(fan_in, fan_out) < w.var() < 3 / min(fan_in, fan_out)
    np.testing.assert_array_equal(w, INITIALIZERS[name].weights(fan_in, fan_out, RandomState(0)))


@every_fan
@pytest.mark.parametrize("name", VARIANCES)
def test_variance(name, fan_in, fan_out):
    w = INITIALIZERS[name].weights(fan_in, fan_out, RandomState(0))
    variance = VARIANCES[name](fan_in, fan_out)
    np.testing.assert_allclose(w.var(), variance, rtol=0.03)
    if name.endswith("uniform"):
        np.testing.assert_allclose([w.min(), w.max()], [-np.sqrt(3 * variance), np.sqrt(3 * variance)], rtol=1e-3)
    elif name.endswith("normal"):
        np.testing.assert_allclose(np.mean(w**4), 3 * variance**2, rtol=0.05)


@pytest.mark.parametrize(("fan_in", "fan_out"), [*FANS, (7, 7), (5, 1), (1, 5)])
def test_orthogonal_rows_or_columns(fan_in, fan_out):
    w = INITIALIZERS["orthogonal"].weights(fan_in, fan_out, RandomState(0))
    product = w.T @ w if fan_in >= fan_out else w @ w.T
    np.testing.assert_allclose(product, np.eye(min(fan_in, fan_out)), atol=1e-12)


def test_orthogonal_matrices_are_uniformly_distributed():
    """Without the correction of signs the diagonal of a QR decomposition would lean to one side."""
    diagonal = [np.diag(INITIALIZERS["orthogonal"].weights(4, 4, RandomState(seed))) for seed in range(2000)]
    np.testing.assert_allclose(np.mean(diagonal, axis=0), 0, atol=0.06)


# ------------------------------------------------------------------------------------------------ a whole network


@every_init
def test_a_network_draws_layer_by_layer_with_biases_of_zero(name):
    weights, biases = draw(name, (4, 5, 3), ["tanh"], 2.0, RandomState(1))
    random = RandomState(1)
    for w, fans in zip(weights, [(4, 5), (5, 3)], strict=True):
        np.testing.assert_array_equal(w, 2.0 * INITIALIZERS[name].weights(*fans, random))
    assert not np.concatenate(biases).any()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_auto_is_what_the_activation_names(activation):
    """The output layer goes with the last hidden one; scikit-learn's four follow it in test_equivalence.py."""
    row = ACTIVATIONS[activation].init
    weights, biases = draw("auto", (5, 400, 300, 200), ["tanh", activation], 1.0, RandomState(1))
    for layer, fans in ((1, (400, 300)), (2, (300, 200))):
        expected = VARIANCES[row](*fans) / (3 if activation == "logistic" else 1)
        np.testing.assert_allclose(weights[layer].var(), expected, rtol=0.03)
        assert bool(biases[layer].any()) == (row == "glorot_uniform")


def test_gain_multiplies_the_weights():
    plain, gained = (draw("auto", (4, 5, 3), ["relu"], gain, RandomState(1)) for gain in (1.0, 0.5))
    for a, b in zip(plain[0], gained[0], strict=True):
        np.testing.assert_array_equal(0.5 * a, b)
    for a, b in zip(plain[1], gained[1], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("task", ["regression", "several outputs", "binary", "multiclass", "multilabel"])
def test_zero_last_layer_starts_as_the_dummy_predictor(problems, task):
    X, y, cls, _ = problems[task]
    model = cls(zero_last_layer=True, learning_rate_init=1e-12, alpha=0, max_iter=1, random_state=0)
    training = model.begin_fit(X, y)
    training.advance(1)
    np.testing.assert_allclose(training.history.loss[0], training.baseline, rtol=1e-5)
    assert np.abs(model.coefs_[-1]).max() < 1e-10
    output = model._predict_outputs(X)
    mean = y.mean(axis=0) if task != "multiclass" else np.bincount(y) / len(y)
    np.testing.assert_allclose(output, np.broadcast_to(np.atleast_1d(mean), output.shape), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("loss", [name for name, row in LOSSES.items() if row.output == "exp"])
def test_zero_last_layer_predicts_the_mean_of_positive_targets(problems, loss):
    X, y, cls, _ = problems["regression"]
    target = 100 * np.exp(y)
    model = cls(loss=loss, zero_last_layer=True, learning_rate_init=1e-12, max_iter=1).fit(X, target)
    np.testing.assert_allclose(model.predict(X), target.mean(), rtol=1e-5)
