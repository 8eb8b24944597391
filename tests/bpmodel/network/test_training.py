"""A fit that is rewound goes on from its best weights as if they were new; what it starts from is measured on a few rows."""

import numpy as np
import pytest

from bpmodel import BPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROWS, STEPS = 40, 5


def begun(**changes):
    random = np.random.default_rng(0)
    X = random.normal(size=(ROWS, 3))
    options = {"hidden_layer_sizes": (4,), "batch_size": ROWS // STEPS, "max_iter": 20, "random_state": 0}
    return BPRegressor(**options | changes).begin_fit(X, X[:, 0])


def test_after_a_rewind_counters_stand_where_the_kept_epochs_ended():
    training = begun()
    training.advance(6)
    kept = training.rewind(1e-4, 2.0)
    assert kept == int(np.argmin(training.history.loss[:5]))
    s = training.state[0]
    assert (training.epoch, s["step"], s["samples"]) == (kept, kept * STEPS, kept * ROWS)
    assert s["restart"] == s["step"], "the optimizer's memory is empty, so its steps count from here"
    assert (training.memory.optimizer == 0).all()
    assert training.running


def test_a_rewound_fit_warms_up_again():
    """The counter of the steps since the restart once could be 0 without a test's noticing."""
    training = begun()
    training.advance(6)
    kept = training.rewind(1e-4, 2.0)
    training.advance(kept + 3)
    rates = training.history.learning_rate[kept : kept + 3]
    np.testing.assert_allclose(rates, [0.5e-4, 1e-4, 1e-4], rtol=1e-12)


def test_a_rewound_fit_goes_on_as_a_new_one_from_the_same_weights():
    """Adam's bias correction counts from the rewind, too: its first step is as long as that of a new fit."""
    training = begun(batch_size=ROWS, learning_rate_init=0.01)
    training.advance(6)
    kept = training.rewind(1e-3, 0.0)
    before = training.network.parameters.copy()
    training.advance(kept + 1)
    moves = np.abs(training.network.parameters - before)
    assert np.median(moves) == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize("rows", [199, 200, 201, 300])
def test_the_first_loss_is_that_of_the_first_two_hundred_rows(rows):
    random = np.random.default_rng(0)
    X, y = random.normal(size=(rows, 3)), random.normal(size=rows)
    model = BPRegressor(max_iter=1, shuffle=False, dtype="float64", random_state=0, learning_rate_init=1e-12).fit(X, y)
    errors = (model.predict(X) - y)[:200]
    assert model.initial_loss_ == pytest.approx(np.mean(errors**2) / 2, rel=1e-9)


@pytest.mark.parametrize(("rows", "status"), [(1990, "ok"), (2010, "diverged")])
@pytest.mark.filterwarnings("ignore::bpmodel.DivergenceWarning")
def test_one_row_of_a_partial_fit_is_judged_as_two_hundred(rows, status):
    """A target y after n zeros: its loss y^2 / 2 exceeds 200 times the limit, 10 y^2 / 2n, from n = 2000 on."""
    X = np.random.default_rng(0).normal(size=(rows, 2))
    model = BPRegressor(hidden_layer_sizes=(2,), learning_rate_init=1e-12, random_state=0, dtype="float64")
    model.partial_fit(X, np.zeros(rows)).partial_fit(X[:1], [1e6])
    assert model.verdict_.status == status
