"""The backward pass is the derivative of the forward pass: central differences in double precision."""

import numpy as np
import pytest
from sklearn.neural_network._base import LOSS_FUNCTIONS

from bpmodel import network as networks
from bpmodel.activations import ACTIVATIONS
from bpmodel.losses import LOSSES

ROWS, INPUTS, OUTPUTS = 7, 4, 3
DEPTHS = {0: (), 1: (5,), 3: (5, 4, 6)}
STEP = 1e-6


def problem(activation, loss, hidden, seed=0):
    """Return a network with random parameters and a weighted batch for it, all in double precision."""
    random = np.random.default_rng(seed)
    network = networks.build((INPUTS, *hidden, OUTPUTS), activation, loss, np.dtype(np.float64))
    network.parameters[:] = random.normal(size=network.parameters.size)
    X, w = random.normal(size=(ROWS, INPUTS)), random.uniform(0.1, 3, ROWS)
    if loss == "squared_error":
        y = random.normal(size=(ROWS, OUTPUTS))
    elif loss == "log_loss":
        y = np.eye(OUTPUTS)[random.integers(OUTPUTS, size=ROWS)]
    else:
        y = random.integers(2, size=(ROWS, OUTPUTS)).astype(float)
    return network, networks.workspace(network, ROWS), X, y, w


def differences(network, work, X, y, w):
    """Return the central differences of the loss, and by how much those of two step widths disagree."""
    estimates = []
    for step in (STEP, 2 * STEP):
        estimate = np.empty_like(network.parameters)
        for i, value in enumerate(network.parameters.copy()):
            around = []
            for sign in (1, -1):
                network.parameters[i] = value + sign * step
                around.append(networks.loss_and_gradient(network, work, X, y, w))
            network.parameters[i] = value
            estimate[i] = (around[0] - around[1]) / (2 * step)
        estimates.append(estimate)
    return estimates[0], np.abs(estimates[0] - estimates[1])


@pytest.mark.parametrize("hidden", DEPTHS.values(), ids=[f"{n} hidden" for n in DEPTHS])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_is_the_central_difference(activation, loss, hidden):
    network, work, X, y, w = problem(activation, loss, hidden)
    numeric, disagreement = differences(network, work, X, y, w)
    assert disagreement.max() < 1e-7, "a kink of relu lies within the steps: take another seed"
    networks.loss_and_gradient(network, work, X, y, w)
    # as in scikit-learn, the squared error is reported as the mean over the outputs and minimised as their sum
    factor = OUTPUTS if loss == "squared_error" else 1
    np.testing.assert_allclose(work.gradient, factor * numeric, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("loss", LOSSES)
def test_loss_is_the_weighted_mean_over_the_rows(loss):
    network, work, X, y, w = problem("tanh", loss, (5,))
    p = networks.predict(network, X)
    ours = networks.loss_and_gradient(network, work, X, y, w)
    np.testing.assert_allclose(ours, LOSS_FUNCTIONS[loss](y, p, w), rtol=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_workspace_with_more_room_changes_nothing(activation, loss):
    """The last minibatch of an epoch is smaller than the workspace."""
    network, work, X, y, w = problem(activation, loss, (5, 4))
    room = networks.workspace(network, ROWS + 13)
    room.layers[:], room.deltas[:] = np.nan, np.nan
    losses = [networks.loss_and_gradient(network, place, X, y, w) for place in (work, room)]
    assert losses[0] == losses[1]
    np.testing.assert_array_equal(work.gradient, room.gradient)


def test_unpack_gives_views_of_every_parameter_once():
    units = (3, 5, 2)
    parameters = np.zeros(networks.n_weights(units) + 7)
    weights, biases = networks.unpack(parameters, units)
    assert [w.shape for w in weights] == [(3, 5), (5, 2)]
    assert [b.shape for b in biases] == [(5,), (2,)]
    for view in (*weights, *biases):
        view += 1
    np.testing.assert_array_equal(parameters, 1)
