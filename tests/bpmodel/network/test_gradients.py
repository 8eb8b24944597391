"""The backward pass is the derivative of the forward pass: central differences in double precision."""

import numpy as np
import pytest
import scipy.sparse

from bpmodel.functions.activations import ACTIVATIONS
from bpmodel.functions.losses import LOSSES
from bpmodel.functions.normalization import NORMALIZATIONS
from bpmodel.network.parameters import Mode, build, n_weights, split_sparse, unpack, workspace
from bpmodel.network.prediction import predict
from bpmodel.network.propagation import loss_and_gradient

ROWS, INPUTS, OUTPUTS = 7, 4, 3
STEP = 1e-6
LOSS_NUMBER = 0.7
DOUBLE = np.dtype(np.float64)
NO_SPARSE = split_sparse(np.zeros((0, 0)), DOUBLE)[1]
SHAPES = {"one hidden layer": ((5,), 0.0), "three with dropout": ((5, 4, 6), 0.3)}

every_activation = pytest.mark.parametrize("activation", ACTIVATIONS)
every_loss = pytest.mark.parametrize("loss", LOSSES)
every_normalization = pytest.mark.parametrize("normalization", NORMALIZATIONS)


def targets(loss, random):
    row = LOSSES[loss]
    if row.output == "softmax":
        return np.eye(OUTPUTS)[random.integers(OUTPUTS, size=ROWS)]
    if row.output == "logistic":
        return random.integers(2, size=(ROWS, OUTPUTS)).astype(float)
    return random.normal(size=(ROWS, OUTPUTS)) if row.least is None else random.uniform(0.5, 3, (ROWS, OUTPUTS))


def problem(activations, loss, normalization="none", seed=0):
    """Return a network with random parameters and a weighted batch for it, all in double precision.

    ``activations`` holds pairs of a hidden layer's activation and units.
    """
    random = np.random.default_rng(seed)
    names, hidden = [name for name, _ in activations], [units for _, units in activations]
    network = build(
        (INPUTS, *hidden, OUTPUTS), names, loss, DOUBLE, normalization=normalization, loss_number=LOSS_NUMBER
    )
    network.parameters[:] = 0.7 * random.normal(size=network.parameters.size)
    if LOSSES[loss].output == "exp":  # keep what grows exponentially small
        unpack(network.parameters, network.units)[0][-1][:] *= 0.2
    X, w = random.normal(size=(ROWS, INPUTS)), random.uniform(0.1, 3, ROWS)
    return network, workspace(network, ROWS), X, targets(loss, random), w


def loss_of(network, work, X, y, w, dropout=0.0, sparse=NO_SPARSE):
    return loss_and_gradient(network, work, X, sparse, y, w, Mode(True, dropout, np.int64(77), False))


def differences(network, work, *batch):
    """Return the central differences of the loss, and by how much those of two step widths disagree."""
    estimates = []
    for step in (STEP, 2 * STEP):
        estimate = np.empty_like(network.parameters)
        for i, value in enumerate(network.parameters.copy()):
            around = []
            for sign in (1, -1):
                network.parameters[i] = value + sign * step
                around.append(loss_of(network, work, *batch))
            network.parameters[i] = value
            estimate[i] = (around[0] - around[1]) / (2 * step)
        estimates.append(estimate)
    return estimates[0], np.abs(estimates[0] - estimates[1])


def assert_gradient_is_the_central_difference(activations, loss, normalization, dropout):
    network, work, X, y, w = problem(activations, loss, normalization)
    numeric, disagreement = differences(network, work, X, y, w, dropout)
    assert disagreement.max() < 1e-6, "a kink lies within the steps: take another seed"
    loss_of(network, work, X, y, w, dropout)
    # as in scikit-learn, the squared error is reported as the mean over the outputs and minimized as their sum
    factor = OUTPUTS if loss == "squared_error" else 1
    np.testing.assert_allclose(work.gradient, factor * numeric, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("hidden", "dropout"), SHAPES.values(), ids=SHAPES)
@every_normalization
@every_loss
@every_activation
def test_gradient_is_the_central_difference(activation, loss, normalization, hidden, dropout):
    layers = [(activation, units) for units in hidden]
    assert_gradient_is_the_central_difference(layers, loss, normalization, dropout)


@every_loss
def test_gradient_without_a_hidden_layer(loss):
    assert_gradient_is_the_central_difference([], loss, "none", 0.0)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@every_normalization
def test_gradient_of_layers_with_different_activations(normalization, dropout):
    """Slopes from outputs and from pre-activations, next to one another."""
    layers = [("gelu", 5), ("tanh", 4), ("softplus", 6)]
    assert_gradient_is_the_central_difference(layers, "squared_error", normalization, dropout)


@every_loss
def test_loss_is_the_weighted_mean_over_the_rows(loss):
    network, work, X, y, w = problem([("tanh", 5)], loss)
    one = workspace(network, 1)
    alone = [loss_of(network, one, X[i : i + 1], y[i : i + 1], w[i : i + 1]) for i in range(ROWS)]
    np.testing.assert_allclose(loss_of(network, work, X, y, w), np.average(alone, weights=w), rtol=1e-12)


@every_normalization
@every_activation
def test_a_workspace_with_more_room_changes_nothing(activation, normalization):
    """The last minibatch of an epoch is smaller than the workspace."""
    network, work, X, y, w = problem([(activation, 5), (activation, 4)], "squared_error", normalization)
    room = workspace(network, ROWS + 13)
    for values in (room.x, room.layers, room.inputs, room.normalized, room.spread, room.deltas):
        values[:] = np.nan
    losses = [loss_of(network, place, X, y, w) for place in (work, room)]
    assert losses[0] == losses[1]
    np.testing.assert_array_equal(work.gradient, room.gradient)


@pytest.mark.parametrize("hidden", [(), (5, 4)])
@every_normalization
def test_sparse_rows_give_the_gradient_and_predictions_of_dense_ones(normalization, hidden):
    network, work, X, y, w = problem([("tanh", units) for units in hidden], "squared_error", normalization)
    X[np.random.default_rng(1).random(X.shape) < 0.6] = 0
    X[2] = 0  # an empty row
    dense = loss_of(network, work, X, y, w), work.gradient.copy()

    for matrix in (scipy.sparse.csr_matrix(X), scipy.sparse.csc_array(X)):
        _, sparse = split_sparse(matrix, DOUBLE)
        room = workspace(network, ROWS, sparse=True)
        np.testing.assert_allclose(loss_of(network, room, np.zeros((0, INPUTS)), y, w, sparse=sparse), dense[0])
        np.testing.assert_allclose(room.gradient, dense[1], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(predict(network, matrix), predict(network, X), rtol=1e-12)


def test_sparse_rows_may_repeat_and_disorder_their_indices():
    network, *_ = problem([("tanh", 5)], "squared_error")
    data, indices, indptr = [1.0, 2.0, 0.5, 4.0], [3, 0, 3, 1], [0, 3, 4]
    matrix = scipy.sparse.csr_array((data, indices, indptr), shape=(2, INPUTS))
    np.testing.assert_allclose(predict(network, matrix), predict(network, matrix.toarray()))


def test_unpack_gives_views_of_every_parameter_once():
    units = (3, 5, 2)
    parameters = np.zeros(n_weights(units) + 7)
    weights, biases = unpack(parameters, units)
    assert [w.shape for w in weights] == [(3, 5), (5, 2)]
    assert [b.shape for b in biases] == [(5,), (2,)]
    for view in (*weights, *biases):
        view += 1
    np.testing.assert_array_equal(parameters, 1)
