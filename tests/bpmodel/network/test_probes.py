"""Probes measure what their names say, layer by layer, and leave the training alone."""

from types import SimpleNamespace

import numpy as np
import pytest

from bpmodel import BPClassifier, BPRegressor
from bpmodel.network import probes
from bpmodel.network.parameters import unpack

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PER_LAYER = ["delta_norm", "gradient_norm", "weight_norm", "step_ratio", "dead", "saturated", "chi"]
LAYERS_OF_EPOCHS = [f"layer_{name}" for name in PER_LAYER]
SLOPES = {"identity": np.ones_like, "tanh": lambda z: 1 - np.tanh(z) ** 2, "relu": lambda z: (z > 0).astype(float)}
VALUES = {"identity": lambda z: z, "tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}


def by_hand(weights, biases, activation, X, y):
    """Return delta norms, shares of dead units and chi from a forward and a backward pass in NumPy."""
    a, inputs = X, []
    for w, b in zip(weights, biases, strict=True):
        inputs.append(a @ w + b)
        a = VALUES[activation](inputs[-1])
    delta, found = inputs[-1] - y.reshape(len(y), -1), []
    for layer in reversed(range(len(inputs))):
        norm = np.sqrt(np.mean(np.sum(delta**2, axis=1)))
        found.append([norm, np.nan, np.nan])
        if layer < len(inputs) - 1:
            w, slope = weights[layer + 1], SLOPES[activation](inputs[layer])
            found[-1][1:] = (slope == 0).all(axis=0).mean(), np.mean(np.sum(w**2, axis=0)) * np.mean(slope**2)
        if layer > 0:
            delta = delta @ weights[layer].T * SLOPES[activation](inputs[layer - 1])
    return np.array(found[::-1]).T


def unfitted(epochs, **changes):
    fixed = {"hidden_layer_sizes": (9, 5), "n_iter_no_change": 99, "dtype": "float64", "random_state": 0}
    return BPRegressor(**fixed | changes, max_iter=epochs)


def trained(X, y, epochs, **changes):
    return unfitted(epochs, **changes).fit(X, y)


@pytest.mark.parametrize("activation", SLOPES)
def test_probes_before_the_first_step_and_where_a_fit_diverges_are_of_the_weights_there(problems, activation):
    X, y, *_ = problems["several outputs"]
    changes = {"activation": activation, "solver": "sgd", "learning_rate_init": 3.0, "batch_size": len(X)}
    training = unfitted(20, **changes).begin_fit(X, y)
    units = training.network.units.tolist()
    weights = {0: [part.copy() for part in unpack(training.network.parameters, units)[0]]}
    biases = {0: [part.copy() for part in unpack(training.network.parameters, units)[1]]}
    assert training.advance(20).diverged
    weights[-1], biases[-1] = unpack(training.network.parameters, units)
    for k in (0, -1):
        expected = by_hand(weights[k], biases[k], activation, X, y)
        for name, values in zip(["delta_norm", "dead", "chi"], expected, strict=True):
            np.testing.assert_allclose(training.probed[name][k], values, rtol=1e-9, err_msg=name)
        np.testing.assert_allclose(training.probed["weight_norm"][k], [np.linalg.norm(w) for w in weights[k]])


def test_shapes_and_epochs(problems):
    X, y, *_ = problems["multiclass"]
    model = BPClassifier(hidden_layer_sizes=(9, 5), max_iter=11, batch_size=40, random_state=0).fit(X, y)
    assert model.probes_["epoch"].tolist() == [0, 1, 2, 4, 8, 11]
    assert model.probes_["step"].tolist() == [0, 3, 6, 12, 24, 33]
    assert {model.probes_[name].shape for name in PER_LAYER} == {(6, 3)}
    for name in ("gradient_norm", "step_ratio"):
        assert np.isnan(model.probes_[name][0]).all()
        assert (model.probes_[name][1:] > 0).all()


def test_every_epoch_has_norms_of_each_layer(problems):
    """After the epoch of a probe they are the probe's; the first epoch's steps are measured against the initial weights."""
    X, y, *_ = problems["multiclass"]
    model = BPClassifier(hidden_layer_sizes=(9, 5), max_iter=11, batch_size=40, dtype="float64", random_state=0).fit(
        X, y
    )
    epochs = model.probes_["epoch"][1:] - 1
    for name in ("weight_norm", "gradient_norm"):
        curve = model.history_[f"layer_{name}"]
        assert curve.shape == (11, 3)
        np.testing.assert_allclose(curve[epochs], model.probes_[name][1:], rtol=1e-12)
    ratios = model.history_["layer_step_ratio"]
    np.testing.assert_allclose(ratios[:2], model.probes_["step_ratio"][1:3], rtol=1e-12)
    assert (ratios > 0).all()
    for name in PER_LAYER:
        curve = model.history_[f"layer_{name}"]
        if name != "step_ratio":
            np.testing.assert_array_equal(curve[epochs], model.probes_[name][1:])
        assert curve.shape == (11, 3)
        assert np.isfinite(curve[:, :-1]).all()
        assert np.isnan(curve[:, -1]).all() == (name in ("dead", "saturated", "chi"))


def test_where_nothing_is_probed_the_norms_are_unknown(problems):
    X, y, *_ = problems["regression"]
    for model in (BPRegressor(solver="lbfgs", max_iter=3).fit(X, y), BPRegressor().partial_fit(X, y)):
        for name in LAYERS_OF_EPOCHS:
            assert np.isnan(model.history_[name]).all()
            assert model.history_[name].shape == (model.n_iter_, 2)


@pytest.mark.parametrize("activation", SLOPES)
def test_every_epoch_has_what_its_rows_say_of_each_layer(problems, activation):
    """One step an epoch: the rows go through the weights that the epoch before ended with; chi has those after the step."""
    X, y, *_ = problems["several outputs"]
    same = {"activation": activation, "batch_size": len(X), "learning_rate_init": 0.05}
    history = trained(X, y, 6, **same).history_
    for epochs in range(1, 6):
        before, after = trained(X, y, epochs, **same), trained(X, y, epochs + 1, **same)
        delta, dead, chi = by_hand(before.coefs_, before.intercepts_, activation, X, y)
        norms = [np.mean(np.sum(w**2, axis=0)) for model in (before, after) for w in model.coefs_[1:]]
        chi[:-1] *= np.divide(norms[2:], norms[:2])
        for name, values in zip(["delta_norm", "dead", "chi"], (delta, dead, chi), strict=True):
            np.testing.assert_allclose(history[f"layer_{name}"][epochs], values, rtol=1e-9, err_msg=name)


@pytest.mark.parametrize(("rows", "batch_size"), [(100, 32), (96, 32), (20, 32), (33, 32)])
def test_rows_are_those_of_the_last_full_minibatch(rows, batch_size):
    """Constant rows in one order; where the target is 0 the derivative is the prediction, and marks the minibatch."""
    X = np.ones((rows, 1))
    size = min(rows, batch_size)
    y = np.repeat(np.arange(-(-rows // size)), size)[:rows] * 100.0
    history = trained(X, y, 1, batch_size=size, shuffle=False, learning_rate_init=1e-9).history_
    assert history["layer_delta_norm"][0, -1] == pytest.approx(100 * (rows // size - 1), abs=2)


def test_dropped_units_are_neither_dead_nor_saturated(problems):
    X, y, *_ = problems["regression"]
    same = {"activation": "logistic", "init_gain": 0.1, "learning_rate_init": 1e-6}
    dropped, whole = (trained(X, y, 3, dropout=rate, **same).history_ for rate in (0.5, 0.0))
    for name in ("dead", "saturated"):
        assert (dropped[f"layer_{name}"][:, :-1] == 0).all()
    np.testing.assert_allclose(dropped["layer_chi"], whole["layer_chi"], rtol=0.01)


def test_a_step_ratio_is_the_learning_rate_times_the_gradient_over_the_weights(problems):
    X, y, *_ = problems["regression"]
    model = BPRegressor(
        solver="sgd",
        momentum=0,
        alpha=0,
        batch_size=120,
        max_iter=1,
        learning_rate_init=0.05,
        dtype="float64",
        random_state=0,
    ).fit(X, y)
    found = model.probes_
    np.testing.assert_allclose(
        found["step_ratio"][1], 0.05 * found["gradient_norm"][1] / found["weight_norm"][0], rtol=1e-9
    )


@pytest.mark.parametrize("task", ["regression", "binary", "multilabel"])
@pytest.mark.parametrize("changes", [{}, {"normalization": "batch", "dropout": 0.2}, {"normalization": "layer"}])
def test_probing_does_not_change_the_fit(problems, task, changes):
    X, y, ours, _ = problems[task]
    model = ours(hidden_layer_sizes=(9, 5), max_iter=9, early_stopping=True, random_state=0, **changes)
    with_probes = model.fit(X, y).predict(X)
    assert np.isfinite(model.probes_["delta_norm"]).all()
    training = model.begin_fit(X, y)
    training.settings = training.settings._replace(probing=False)
    training.advance(9)
    np.testing.assert_array_equal(model.end_fit(training).predict(X), with_probes)
    assert len(model.probes_["epoch"]) == 0


def test_chi_foretells_how_derivatives_grow_with_depth(problems):
    X, y, *_ = problems["regression"]
    for gain in (0.3, 1.0, 3.0):
        model = BPRegressor(hidden_layer_sizes=(64,) * 6, init_gain=gain, max_iter=1, random_state=0).fit(X, y)
        ratio = model.probes_["delta_norm"][0, 0] / model.probes_["delta_norm"][0, -1]
        assert 0.5 < np.sqrt(np.prod(model.probes_["chi"][0, :-1])) / ratio < 2


# ------------------------------------------------------------------------------------------- rules, and by how much

DUE = {  # epochs of the probes so far, epoch, whether one is due
    "none yet, before the first epoch": ([], 0, False),
    "none yet": ([], 1, True),
    "before the first epoch only": ([0], 1, True),
    "too early": ([0, 1, 2, 4], 7, False),
    "twice as many epochs": ([0, 1, 2, 4], 8, True),
}


@pytest.mark.parametrize(("taken", "epoch", "due"), DUE.values(), ids=DUE)
def test_a_probe_is_due_when_the_epochs_have_doubled(taken, epoch, due):
    signals = SimpleNamespace(epoch=np.array([*taken, 0, 0]))
    assert probes.is_due.py_func(signals, len(taken), epoch) == due


SHARES = {  # per unit sums of squared slopes, flat slopes, slopes; dead, saturated, mean square
    "flat slopes of dead units are not saturated": ([[0, 5, 5], [9, 3, 0], [10, 10, 10]], (1 / 3, 3 / 20, 10 / 30)),
    "all dead": ([[0, 0], [8, 8], [8, 8]], (1, 0, 0)),
    "dropped units are neither": ([[0, 2], [0, 1], [0, 4]], (0, 1 / 4, 2 / 4)),
    "all dropped": ([[0, 0], [0, 0], [0, 0]], (0, 0, 0)),
}


@pytest.mark.parametrize(("tally", "expected"), SHARES.values(), ids=SHARES)
def test_shares_of_dead_and_saturated_units(tally, expected):
    """Counted with those of dead units the flat slopes of living ones once made a share above 1."""
    assert probes.shares.py_func(np.array(tally, dtype=np.float64)) == pytest.approx(expected)


def test_a_slope_below_a_twentieth_is_flat():
    slopes = np.array([[0.0499, 0.0501, -0.0499, np.nan, 0.0]])
    tally = np.zeros((3, 5))
    probes.tally_known.py_func(slopes, tally)
    np.testing.assert_array_equal(tally[1:], [[1, 0, 1, 0, 1], [1, 1, 1, 0, 1]])
    np.testing.assert_allclose(tally[0], np.nan_to_num(slopes[0]) ** 2)


@pytest.mark.parametrize(("slope", "flat"), [(0.0499, 1.0), (0.0501, 0.0)])
def test_the_same_where_slopes_follow_from_the_layer(slope, flat):
    layer = SimpleNamespace(slope=lambda a, z: a)
    tally = np.zeros((3, 2))
    probes._tally_slopes(layer).py_func(np.full((4, 2), slope), np.zeros((4, 2)), tally)
    np.testing.assert_allclose(tally, [[4 * slope**2] * 2, [4 * flat] * 2, [0, 0]])


@pytest.mark.parametrize("rows", [255, 256, 257, 300])
def test_a_probe_of_its_own_sends_at_most_256_rows(rows):
    random = np.random.default_rng(0)
    X, y = random.normal(size=(rows, 4)), random.normal(size=rows)
    training = unfitted(1, activation="tanh", batch_size=rows, shuffle=False).begin_fit(X, y)
    weights, biases = unpack(training.network.parameters.copy(), training.network.units.tolist())
    training.advance(1)
    delta, _, chi = by_hand(weights, biases, "tanh", X[:256], y[:256])
    np.testing.assert_allclose(training.probed["delta_norm"][0], delta, rtol=1e-9)
    np.testing.assert_allclose(training.probed["chi"][0], chi, rtol=1e-9)
