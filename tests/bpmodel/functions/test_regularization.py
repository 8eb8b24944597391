"""Penalties, decay, limits on norms and averaging: each against its formula, alone and in a fit."""

from typing import NamedTuple

import numpy as np
import pytest

from bpmodel.compiler.kernels import kernel
from bpmodel.functions.regularization import add_penalties, average, decay_weights, limit_norms
from bpmodel.network.parameters import build, n_weights, unpack

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

UNITS = (4, 5, 3)
N_WEIGHTS = n_weights(UNITS)
ONE_STEP = {
    "solver": "sgd",
    "momentum": 0,
    "nesterovs_momentum": False,
    "alpha": 0,
    "dtype": "float64",
    "shuffle": False,
}


class Penalties(NamedTuple):
    l2: float
    l1: float


@kernel
def penalized(parameters, gradient, weights, settings, total_weight):
    return add_penalties(parameters, gradient, weights, settings, total_weight)


@kernel
def decayed(parameters, weights, factor):
    decay_weights(parameters, weights, factor)


@kernel
def limited(network, most):
    limit_norms(network, most)


@kernel
def averaged(mean, parameters, decay, step):
    average(mean, parameters, decay, step)


def random_network(seed=0):
    network = build(UNITS, ["tanh"], "squared_error", np.dtype(np.float64))
    network.parameters[:] = np.random.default_rng(seed).normal(size=network.parameters.size)
    network.parameters[3] = 0
    return network


@pytest.mark.parametrize(("l2", "l1"), [(0.0, 0.0), (3.0, 0.0), (0.0, 2.0), (3.0, 2.0)])
def test_penalties_and_their_derivatives(l2, l1):
    """Biases are not penalized; a weight of zero stays where the gradient of the loss leaves it."""
    p = random_network().parameters
    before = np.random.default_rng(1).normal(size=p.size)
    after, w = before.copy(), p[:N_WEIGHTS]
    penalty, squared = penalized(p, after, N_WEIGHTS, Penalties(l2, l1), 8.0)
    np.testing.assert_allclose(penalty, (l2 / 2 * np.sum(w**2) + l1 * np.sum(np.abs(w))) / 8)
    expected = before.copy()
    expected[:N_WEIGHTS] += (l2 * w + l1 * np.sign(w)) / 8
    np.testing.assert_allclose(after, expected, rtol=1e-12)
    np.testing.assert_allclose(squared, after @ after)


def test_decay_shrinks_weights_and_not_biases():
    p = random_network().parameters
    before = p.copy()
    decayed(p, N_WEIGHTS, 0.9)
    np.testing.assert_allclose(p[:N_WEIGHTS], 0.9 * before[:N_WEIGHTS])
    np.testing.assert_array_equal(p[N_WEIGHTS:], before[N_WEIGHTS:])


def test_limit_shortens_the_incoming_weights_of_hidden_units_only():
    network = random_network()
    before = network.parameters.copy()
    limited(network, 1.5)
    (hidden, _), _ = unpack(before, UNITS)
    norms = np.linalg.norm(hidden, axis=0)
    assert norms.min() < 1.5 < norms.max()
    expected = before.copy()
    unpack(expected, UNITS)[0][0][:] = hidden * np.minimum(1.5 / norms, 1)
    np.testing.assert_allclose(network.parameters, expected, rtol=1e-12)


def test_average_is_the_recursion():
    random = np.random.default_rng(0)
    mean = random.normal(size=5)
    expected, ours = mean.copy(), mean.copy()
    for step in range(1, 200):
        p = random.normal(size=5)
        decay = min(0.95, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * p
        averaged(ours, p, 0.95, step)
    np.testing.assert_allclose(ours, expected, rtol=1e-12)
    assert (1 + step) / (10 + step) > 0.95, "both halves of the minimum were at work"


# -------------------------------------------------------------------------------------------------------- in a fit


def first_step(problems, **changes):
    """Return the parameters before and after a step of gradient descent on all rows, and the estimator."""
    X, y, cls, _ = problems["regression"]
    model = cls(**{**ONE_STEP, "random_state": 0, "learning_rate_init": 0.01, "hidden_layer_sizes": (5,), **changes})
    training = model.begin_fit(X, y)
    start = training.network.parameters.copy()
    training.advance(1)
    return start, training.network.parameters.copy(), model, training


@pytest.mark.parametrize("name", ["alpha", "l1"])
def test_a_penalty_is_divided_by_the_rows(problems, name):
    start, plain, *_ = first_step(problems)
    _, after, _, training = first_step(problems, **{name: 6.0})
    weights = slice(0, 6 * 5 + 5)
    push = start[weights] if name == "alpha" else np.sign(start[weights])
    np.testing.assert_allclose(after[weights], plain[weights] - 0.01 * 6.0 / 120 * push, rtol=1e-10)
    np.testing.assert_array_equal(after[weights.stop :], plain[weights.stop :])
    penalty = 6.0 / 120 * (np.sum(start[weights] ** 2) / 2 if name == "alpha" else np.sum(np.abs(start[weights])))
    unpenalized = first_step(problems)[3].history.loss[0]
    np.testing.assert_allclose(training.history.loss[0], unpenalized + penalty, rtol=1e-10)


def test_weight_decay_is_decoupled_from_the_gradient(problems):
    start, plain, *_ = first_step(problems)
    _, after, *_ = first_step(problems, weight_decay=0.5)
    expected = plain.copy()
    expected[:35] -= 0.01 * 0.5 * start[:35]
    np.testing.assert_allclose(after, expected, rtol=1e-10)


def test_adamw_is_adam_with_a_weight_decay_of_its_own(problems):
    X, y, cls, _ = problems["regression"]

    def parameters(**changes):
        return cls(random_state=0, max_iter=5, **changes).fit(X, y)._parameters

    np.testing.assert_array_equal(parameters(solver="adamw"), parameters(solver="adam", weight_decay=0.01))
    np.testing.assert_array_equal(parameters(solver="adamw", weight_decay=0.0), parameters(solver="adam"))
    assert not np.array_equal(parameters(solver="adamw"), parameters(solver="adam"))


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_max_norm_holds_after_a_fit(problems, solver):
    X, y, cls, _ = problems["regression"]
    model = cls(hidden_layer_sizes=(12, 8), max_norm=0.3, solver=solver, learning_rate_init=0.02, random_state=0).fit(
        X, y
    )
    for w in model.coefs_[:-1]:
        norms = np.linalg.norm(w, axis=0)
        assert norms.max() <= 0.3 * (1 + 1e-6)
    assert np.linalg.norm(model.coefs_[-1]) > 0.3


def test_l1_makes_weights_of_useless_features_small(problems):
    X, y, cls, _ = problems["regression"]
    X = np.hstack([X, np.random.default_rng(1).normal(size=(120, 20))])
    numbers = {"hidden_layer_sizes": (), "max_iter": 500, "learning_rate_init": 0.01, "random_state": 0, "alpha": 0}
    plain, sparse = cls(**numbers).fit(X, y), cls(**numbers, l1=5.0).fit(X, y)
    assert np.mean(np.abs(sparse.coefs_[0][6:]) < 0.01) > 0.7 > 0.5 > np.mean(np.abs(plain.coefs_[0][6:]) < 0.01)


def test_the_average_is_what_predicts_and_what_trains_goes_on(problems):
    """Against the recursion over the parameters after each step of a fit without averaging."""
    X, y, cls, _ = problems["regression"]
    numbers = {"batch_size": 60, "random_state": 0, "max_iter": 6, "dtype": "float64", "shuffle": False}
    model = cls(**numbers, ema_decay=0.6).fit(X, y)
    stepwise = cls(**numbers)
    stepwise.begin_fit(X, y)  # draws the same initial weights
    mean = stepwise._parameters.copy()
    for step in range(1, 13):
        part = slice(0, 60) if step % 2 else slice(60, 120)
        stepwise.partial_fit(X[part], y[part])
        decay = min(0.6, (1 + step) / (10 + step))
        mean = decay * mean + (1 - decay) * stepwise._parameters
    np.testing.assert_allclose(model._parameters, mean, rtol=1e-9)
    np.testing.assert_allclose(model._trained, stepwise._parameters, rtol=1e-9)
    np.testing.assert_allclose(model.loss_curve_, cls(**numbers).fit(X, y).loss_curve_, rtol=1e-12)


def test_validation_scores_are_those_of_the_average(problems):
    X, y, cls, _ = problems["regression"]
    model = cls(ema_decay=0.9, random_state=0, max_iter=20).fit(X, y, X_val=X, y_val=y)
    np.testing.assert_allclose(model.history_["validation_score"][-1], model.score(X, y), rtol=1e-4)
