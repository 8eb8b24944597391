"""A repaired fit ends well, keeps its account, and leaves the estimator's own parameters as given."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.callback import ScoringMonitor

from bpmodel import BPClassifier, BPRegressor, DivergenceWarning, Repair
from bpmodel.diagnosis.repair import CAUSES, LOWERED, RESTRUCTURES, SYMPTOMS
from bpmodel.diagnosis.rules import RULES
from bpmodel.options import ON_DIVERGENCE
from tests.bpmodel.small_sets import digits, friedman

NUMBERS = {
    "hidden_layer_sizes": (32, 32),
    "solver": "sgd",
    "learning_rate_init": 0.01,
    "batch_size": 32,
    "max_iter": 60,
    "tol": 0,
    "n_iter_no_change": np.inf,
    "random_state": 0,
}
converged = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
warned = pytest.mark.filterwarnings("ignore::UserWarning")


def regressor(**options):
    return BPRegressor(**NUMBERS | {"on_divergence": "repair"} | options)


CASES = {
    "too high a rate": (friedman, {"learning_rate_init": 1.0}, ["rewind"]),
    "a rate a thousand times too high": (friedman, {"learning_rate_init": 30.0}, ["rewind"]),
    "too high a rate of Adam": (friedman, {"solver": "adam", "learning_rate_init": 0.5}, ["rewind"]),
    "too high a rate for classes": (digits, {"learning_rate_init": 10.0}, ["rewind"]),
    "large weights": (friedman, {"init_gain": 5.0}, ["restructure"]),
    "large inputs": (lambda: friedman(input_factor=1000), {}, ["restructure"]),
    "columns of different size": (lambda: friedman(input_factor=np.logspace(0, 4, 10)), {}, ["restructure"]),
    "a large target": (lambda: friedman(target_factor=1000), {}, ["restructure"]),
    "a target far away": (lambda: friedman(target_shift=1e4), {}, ["restructure"]),
    "large inputs and too high a rate": (
        lambda: friedman(100.0),
        {"learning_rate_init": 3.0},
        ["restructure", "rewind"],
    ),
    "a target that is never reached": (lambda: friedman(target_factor=1e-3), {}, ["restructure"]),
}


def case(name, **more):
    data, options, actions = CASES[name]
    X, y = data()
    cls = BPClassifier if y.dtype.kind == "i" else BPRegressor
    return cls(**NUMBERS | {"on_divergence": "repair"} | options | more), X, y, actions


@warned
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_repaired(name, early_stopping):
    model, X, y, actions = case(name, early_stopping=early_stopping)
    given = model.get_params()
    broken = clone(model).set_params(on_divergence="stop").fit(X, y)
    assert broken.verdict_.failed or broken.score(X, y) < 0
    assert broken.repairs_ == []
    model.fit(X, y)
    assert model.verdict_.status == "ok", model.repairs_
    assert not model.diverged_
    assert [repair.action for repair in model.repairs_ if repair.action != "skip"][: len(actions)] == actions
    assert model.score(X, y) > 0.7
    assert model.get_params() == given
    assert model.n_iter_ == len(model.loss_curve_) == len(model.history_["loss"])
    assert np.isfinite(model.history_["loss"]).all()
    assert model.diagnose().codes == []


@converged
@pytest.mark.parametrize("name", CASES)
def test_a_repair_says_what_was_changed(name):
    model, X, y, _ = case(name)
    with pytest.warns(DivergenceWarning, match=r"was repaired: .*`repairs_` has the details") as warnings:
        model.fit(X, y)
    for repair in model.repairs_:
        assert str(repair) in str(warnings[0].message)
        assert isinstance(repair, Repair)
        assert repair.code in {rule.code for rule in RULES}
        assert 0 <= repair.kept <= repair.epoch
        if repair.action != "skip":
            assert repair.change
            assert len(repair.losses) == repair.epoch - repair.kept
            assert all(name in model.get_params() for name in repair.change)


@warned
def test_the_changes_by_hand_give_the_same_network():
    model, X, y, _ = case("large inputs")
    model.fit(X, y)
    changes = {name: value for repair in model.repairs_ for name, value in repair.change.items()}
    assert changes == {"scale_input": "standard"}
    same = clone(model).set_params(**changes).fit(X, y)
    assert same.repairs_ == []
    np.testing.assert_array_equal(same.predict(X), model.predict(X))


@warned
def test_a_rewind_keeps_what_was_learned():
    """Full steps at the start of a cycle of the schedule are too long; what the epochs before had learned is kept."""
    X, y = friedman()
    model = regressor(learning_rate="one_cycle", learning_rate_init=2.0, activation="silu", max_iter=100).fit(X, y)
    first = model.repairs_[0]
    assert (first.action, first.change["learning_rate_init"]) == ("rewind", 1.0)
    assert 0 < first.kept < first.epoch
    assert model.verdict_.status == "ok"
    assert model.n_iter_ == 100
    again = BPRegressor(**model.get_params() | {"on_divergence": "stop"}).fit(X, y)
    np.testing.assert_array_equal(again.history_["loss"][: first.kept], model.history_["loss"][: first.kept])
    assert first.losses[-1] > 100 * again.history_["loss"][first.kept - 1]


@warned
def test_same_seed_same_repair():
    model, X, y, _ = case("large inputs and too high a rate")
    first, second = (clone(model).fit(X, y) for _ in range(2))
    assert list(map(str, first.repairs_)) == list(map(str, second.repairs_))
    np.testing.assert_array_equal(first.predict(X), second.predict(X))


@warned
def test_rows_that_are_given_validate_every_attempt():
    model, X, y, _ = case("large inputs")
    model.fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    assert model.repairs_
    assert model.history_["validation_score"][-1] == pytest.approx(model.score(X[300:], y[300:]), abs=1e-4)


@converged
def test_what_cannot_be_repaired_is_given_up_with_the_diagnosis():
    X, y = friedman()
    model = regressor(learning_rate_init=1e12)
    with pytest.warns(DivergenceWarning, match=r"repairs did not help .* Most likely exploding_step") as warnings:
        model.fit(X, y)
    assert str(warnings[0].filename) == __file__
    assert model.diverged_
    counts = {action: sum(r.action == action for r in model.repairs_) for action in ("rewind", "restructure")}
    assert counts["rewind"] == LOWERED
    assert counts["restructure"] <= RESTRUCTURES
    assert np.isfinite(model.predict(X)).all()


@warned
def test_a_network_that_goes_on_is_never_drawn_anew():
    X, y = friedman()
    model = regressor(warm_start=True, max_iter=20).fit(X, y)
    model.set_params(learning_rate_init=1.0).fit(X * 5, y)
    assert {repair.action for repair in model.repairs_} <= {"rewind", "skip"}


@warned
def test_a_network_that_was_rewound_goes_on_as_if_it_had_not_been():
    """The optimizer's count of steps once began below zero in the fit after a rewind."""
    X, y = friedman()
    model = regressor(
        solver="adam", learning_rate="one_cycle", learning_rate_init=30.0, activation="silu", max_iter=100
    )
    model.set_params(warm_start=True).fit(X, y)
    assert "rewind" in {repair.action for repair in model.repairs_}
    other = clone(model).fit(X, y)
    other._state["restart"] = 0
    for each in (model, other):
        each.set_params(learning_rate="constant", learning_rate_init=1e-3, max_iter=5).fit(X, y)
    assert model.repairs_ == []
    np.testing.assert_array_equal(model.history_["loss"], other.history_["loss"])


@warned
def test_callbacks_see_the_epochs_that_are_given_up():
    X, y = friedman()
    monitor = ScoringMonitor(scoring="r2")
    model = regressor(learning_rate_init=1.0, max_iter=20).set_callbacks(monitor).fit(X, y)
    epochs = [row["task_name"] for row in monitor.get_logs().data].count("epoch")
    assert epochs == model.n_iter_ + sum(len(repair.losses) for repair in model.repairs_) > 20


@warned
def test_full_batch_solvers_begin_anew():
    X, y = friedman(input_factor=1e200)
    broken = BPRegressor(solver="lbfgs", dtype="float64", random_state=0).fit(X, y)
    assert broken.verdict_.failed
    model = BPRegressor(solver="lbfgs", dtype="float64", random_state=0, on_divergence="repair").fit(X, y)
    assert [repair.change for repair in model.repairs_] == [{"scale_input": "standard"}]
    assert model.score(X, y) > 0.9


@warned
def test_survives_pickling():
    model, X, y, _ = case("large inputs and too high a rate")
    model.fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    assert list(map(str, copy.repairs_)) == list(map(str, model.repairs_))
    assert str(copy.diagnose()) == str(model.diagnose())


@converged
def test_a_healthy_fit_is_the_same_with_and_without():
    for data in (friedman, digits):
        X, y = data()
        cls = BPClassifier if y.dtype.kind == "i" else BPRegressor
        fits = [cls(**NUMBERS | {"on_divergence": choice}).fit(X, y) for choice in ON_DIVERGENCE]
        for other in fits[1:]:
            np.testing.assert_array_equal(other.history_["loss"], fits[0].history_["loss"])
            assert other.repairs_ == []


def test_what_a_repair_restructures():
    assert {rule.code: rule.repair for rule in RULES if rule.repair != "none"} == {
        "unscaled_input": "cause",
        "unscaled_target": "cause",
        "symmetric_init": "cause",
        "exploding_depth": "cause",
        "vanishing_gradient": "symptom",
        "saturated_units": "symptom",
        "dead_units": "symptom",
    }
    assert not CAUSES & SYMPTOMS
