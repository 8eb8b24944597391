"""Verdict, weights, loss and outputs agree at the end of a fit: the network after the last step is judged as any other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpmodel import BPClassifier, BPEnsembleRegressor, BPRegressor, DivergenceError, DivergenceWarning
from bpmodel.full_batch.solvers import FULL_BATCH
from bpmodel.functions.optimizers import OPTIMIZERS
from bpmodel.network import training as module
from bpmodel.network import watch

pytestmark = pytest.mark.filterwarnings("ignore")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 3))
Y = X[:, 0] + 0.1 * RANDOM.normal(size=60)
ONE_STEP = {"solver": "sgd", "batch_size": 60, "max_iter": 1, "hidden_layer_sizes": (8, 8), "random_state": 0}


def share(model, X=X, y=Y):
    """The loss of the predictions, in times of the dummy predictor's."""
    return np.mean((model.predict(X).astype(np.float64) - y) ** 2) / np.var(y)


def agrees(model, X=X, y=Y):
    """Whether what is said of a fit is true of its predictions: squared errors, one output, no weights."""
    loss = share(model, X, y) * model.baseline_loss_
    return model.verdict_.status != "ok" or loss <= 1.01 * watch.limit(model.baseline_loss_, model.initial_loss_)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [60, 30, 20])
@pytest.mark.parametrize("rate", [10.0, 100.0, 1e3])
def test_a_fit_of_few_steps_is_not_ok_a_thousand_times_above_the_dummy_predictor(rate, batch_size, dtype):
    """Of 600 such fits 159 were "ok", because no loss was computed after the last step."""
    changes = {"learning_rate_init": rate, "batch_size": batch_size, "dtype": dtype}
    for epochs in (1, 2, 3):
        model = BPRegressor(**ONE_STEP | changes | {"max_iter": epochs}).fit(X, Y)
        assert agrees(model), (epochs, model.verdict_, share(model))
        assert share(model) < 20, "the weights of the best epoch are kept"


@pytest.mark.parametrize("solver", sorted(set(OPTIMIZERS) - {"rprop"}))
def test_the_last_step_of_every_update_rule(solver):
    changes = {"solver": solver, "learning_rate_init": 1e4, "hidden_layer_sizes": (8,)}
    model = BPRegressor(**ONE_STEP | changes).fit(X, Y)
    assert model.verdict_.status == "diverged", share(model)
    assert model.verdict_.reason.startswith("the loss exploded"), model.verdict_
    assert model.verdict_.evidence["ratio"] > watch.EXPLOSION_FACTOR
    assert model.diagnose().codes[0] == "exploding_step"


def rate_of(loss):
    """The learning rate with which one step of a linear network leads to this loss, found by bisection."""
    low, high = 1.0, 1e6
    for _ in range(100):
        middle = (low * high) ** 0.5
        model = BPRegressor(**LINEAR, learning_rate_init=middle, on_divergence="ignore").fit(X, Y)
        low, high = (middle, high) if share(model) * model.baseline_loss_ < loss else (low, middle)
    return low


LINEAR = ONE_STEP | {"hidden_layer_sizes": (), "dtype": "float64", "momentum": 0.0}


@pytest.mark.parametrize(("times", "status"), [(0.999, "ok"), (1.001, "diverged")])
def test_just_below_and_just_above_the_limit(times, status):
    start = BPRegressor(**LINEAR, learning_rate_init=1e-30).fit(X, Y)
    limit = watch.limit(start.baseline_loss_, start.initial_loss_)
    model = BPRegressor(**LINEAR, learning_rate_init=rate_of(times * limit)).fit(X, Y)
    assert model.verdict_.status == status
    if status == "diverged":
        assert model.verdict_.evidence["loss"] == pytest.approx(times * limit, rel=1e-6)


@pytest.mark.parametrize("rows", [1, 60])
def test_a_step_of_partial_fit_is_judged_at_once(rows):
    model = BPRegressor(**ONE_STEP | {"learning_rate_init": 1e3}).partial_fit(X[:rows], Y[:rows])
    assert model.verdict_.status == "diverged"
    assert np.abs(model.predict(X)).max() < 20, "the weights before it are kept"


def test_raise_and_ignore_obey():
    options = ONE_STEP | {"learning_rate_init": 1e3}
    with pytest.raises(DivergenceError, match=r"the loss exploded .* at epoch 1, step 1"):
        BPRegressor(**options, on_divergence="raise").fit(X, Y)
    ignored = BPRegressor(**options, on_divergence="ignore").fit(X, Y)
    assert ignored.verdict_.status == "ok"
    assert share(ignored) > 1e3, "trained on, as scikit-learn's is"


def test_a_repair_begins_after_the_last_step():
    with pytest.warns(DivergenceWarning, match="was repaired"):
        model = BPRegressor(**ONE_STEP | {"max_iter": 3, "learning_rate_init": 30.0}, on_divergence="repair").fit(X, Y)
    assert model.verdict_.status == "ok"
    assert share(model) < watch.EXPLOSION_FACTOR
    assert "the loss exploded" in model.repairs_[0].reason


@pytest.mark.parametrize("on_divergence", ["stop", "repair"])
@pytest.mark.parametrize("epochs", [1, 2])
def test_early_stopping_keeps_no_epoch_that_exploded(epochs, on_divergence):
    """The only epoch has the best score, however bad that is."""
    changes = {"max_iter": epochs, "learning_rate_init": 1e4, "early_stopping": True, "on_divergence": on_divergence}
    model = BPRegressor(**ONE_STEP | changes).fit(X, Y)
    assert share(model) < watch.EXPLOSION_FACTOR
    assert model.verdict_.status == "diverged" or on_divergence == "repair"
    assert bool(model.repairs_) == (on_divergence == "repair")


def test_early_stopping_keeps_the_best_epoch_where_the_last_step_explodes(monkeypatch):
    model = BPRegressor(**ONE_STEP | {"max_iter": 30, "learning_rate_init": 0.05, "early_stopping": True})
    training = model.begin_fit(X, Y)
    training.advance(29)
    best = training.memory.best[0].copy()
    training.state["rate"] = 1e6
    training.advance(30)
    model.end_fit(training)
    assert model.verdict_.status == "diverged"
    assert model.verdict_.epoch == 30
    np.testing.assert_array_equal(model._parameters, best)
    assert model.best_validation_score_ > 0


@pytest.mark.parametrize(
    "changes", [{"ema_decay": 0.5}, {"warm_start": True}, {"normalization": "batch"}, {"dropout": 0.2}]
)
def test_whatever_is_trained(changes):
    model = BPRegressor(**ONE_STEP | {"learning_rate_init": 1e5} | changes).fit(X, Y)
    assert model.verdict_.status == "diverged"
    assert share(model) < watch.EXPLOSION_FACTOR
    if "warm_start" in changes:
        assert model.set_params(learning_rate_init=1e-3).fit(X, Y).verdict_.status == "ok"


def test_probabilities_after_the_last_step():
    model = BPClassifier(**ONE_STEP | {"learning_rate_init": 1e4}).fit(X, Y > 0)
    assert model.verdict_.status == "diverged"


def test_a_fit_that_failed_is_not_ok_because_a_callback_stops_it():
    """Stopping replaced the code of the failure."""
    model = BPRegressor(**ONE_STEP | {"learning_rate_init": 1e3, "max_iter": 5})
    training = model.begin_fit(X, Y)
    training.on_epoch.append(lambda training: training.stop())
    training.advance(5)
    model.end_fit(training)
    assert model.verdict_.status == "diverged"
    assert share(model) < 20, "the weights of the best epoch are kept"


def test_a_healthy_fit_that_a_callback_stops_is_ok():
    model = BPRegressor(**ONE_STEP | {"max_iter": 5})
    training = model.begin_fit(X, Y)
    training.on_epoch.append(lambda training: training.stop())
    training.advance(5)
    assert model.end_fit(training).n_iter_ == 1
    assert str(model.verdict_) == "ok: stopped improving after 1 epoch"


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_of_rows_without_weight_are_finite(classes):
    """Nobody judges their outputs, which may be infinite."""
    weight = np.arange(60) < 30
    far = np.where(weight[:, None], X, X * 1e200)
    labels = np.arange(60) % classes
    changes = {"dtype": "float64", "learning_rate_init": 1e150, "on_divergence": "ignore", "hidden_layer_sizes": ()}
    model = BPClassifier(**ONE_STEP | changes).fit(far, labels, weight.astype(float))
    assert np.isinf(model._predict_outputs(far, "squared_error")).any()
    np.testing.assert_allclose(model.predict_proba(far).sum(axis=1), 1)
    assert np.isfinite(model.predict_log_proba(far)).all()


def test_the_line_of_an_epoch_is_short_where_the_loss_is_not(capsys):
    options = ONE_STEP | {"dtype": "float64", "on_divergence": "ignore"}
    BPRegressor(**options, verbose=True).fit(X, Y * 1e100)
    assert len(capsys.readouterr().out.splitlines()[0]) < 60


def test_members_whose_last_step_exploded_are_left_out():
    with pytest.raises(DivergenceError, match="all 2 members diverged; the first: the loss exploded"):
        BPEnsembleRegressor(BPRegressor(**ONE_STEP | {"learning_rate_init": 1e4}), n_members=2).fit(X, Y)


# ----------------------------------------------------------------------------------------------------- what it costs


@pytest.fixture(name="judged")
def count(monkeypatch):
    """The numbers of rows of which a loss was computed at the end."""
    seen, score = [], module.score
    monkeypatch.setattr(
        module,
        "score",
        lambda network, work, rows, reference: seen.append(len(rows.order)) or score(network, work, rows, reference),
    )
    return seen


def many(rows):
    random = np.random.default_rng(1)
    X = random.normal(size=(rows, 2))
    return X, X[:, 0]


@pytest.mark.parametrize(
    ("rows", "epochs", "expected"),
    [(1000, 1, [1000]), (1001, 1, [501]), (4000, 1, [1000]), (4000, 10, [2000]), (4000, 20, [4000])],
)
def test_a_short_fit_is_judged_on_some_of_its_rows(judged, rows, epochs, expected):
    """One pass over all rows would take a third of the time of an epoch."""
    X, y = many(rows)
    options = {"hidden_layer_sizes": (4,), "zero_last_layer": True, "n_iter_no_change": np.inf, "random_state": 0}
    BPRegressor(max_iter=epochs, **options).fit(X, y)
    assert judged == expected


@pytest.mark.parametrize(("start", "expected"), [(10.0, [1000]), (1.0, [1000, 3000])])
def test_near_the_limit_all_rows_count(judged, start, expected):
    """The loss of the rows that are looked at first is about three times the mean of all: by itself it would be an explosion."""
    X, y = many(3000)
    y[::3] *= 30
    options = {"hidden_layer_sizes": (), "max_iter": 1, "solver": "sgd", "learning_rate_init": 1e-12, "random_state": 0}
    training = BPRegressor(**options).begin_fit(X, y)
    training.advance(1)
    judged.clear()
    mean = training.history.loss[0]
    training.baseline, training.state["first_loss"], training._settled = 0.0, start * mean, -1
    training.settle()
    assert judged == expected
    assert training.verdict.status == "ok"


# -------------------------------------------------------------------------------------------------------- every fit

SOLVERS = [*OPTIMIZERS, *FULL_BATCH]
sizes = st.floats(-300, 308).map(lambda exponent: 10.0**exponent) | st.floats(-3, 3).map(
    lambda exponent: 10.0**exponent
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    solver=st.sampled_from(SOLVERS),
    dtype=st.sampled_from(["float32", "float64"]),
    rate=sizes,
    rows=sizes,
    targets=sizes,
    epochs=st.integers(1, 4),
    batch_size=st.sampled_from([7, 60]),
    scaled=st.booleans(),
    early=st.booleans(),
)
def test_ok_is_true(solver, dtype, rate, rows, targets, epochs, batch_size, scaled, early):
    model = BPRegressor(
        solver=solver, dtype=dtype, learning_rate_init=rate, max_iter=epochs, batch_size=batch_size, scale_target=scaled,
        early_stopping=early, hidden_layer_sizes=(4,), random_state=0,
    )  # fmt: skip
    with np.errstate(over="ignore"):
        given_rows, given_targets = np.nan_to_num(X * rows), np.nan_to_num(Y * targets)
    refused = ""
    try:
        model.fit(given_rows, given_targets)
    except ValueError as error:
        refused = str(error)
    assert not refused or "too large for" in refused
    if refused or model.verdict_.status != "ok":
        return
    assert np.isfinite(model.predict(given_rows)).all()
    with np.errstate(over="ignore"):  # in units of the network's targets, in which losses are
        errors = model._predict_outputs(given_rows).astype(np.float64) - model._encode(given_targets)
        loss = np.mean(errors**2) / 2
    assert not loss > 1.01 * watch.limit(model.baseline_loss_, model.initial_loss_)
