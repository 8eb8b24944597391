"""A diagnosis is a claim: its remedy is applied, and the finding is gone."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_wine
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

from bpmodel import BPClassifier, BPRegressor, Finding, diagnose
from bpmodel.diagnosis.diagnose import examine
from bpmodel.diagnosis.rules import RULES
from tests.bpmodel.small_sets import digits, friedman

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

NUMBERS = {
    "hidden_layer_sizes": (32, 32),
    "solver": "sgd",
    "learning_rate_init": 0.01,
    "batch_size": 32,
    "max_iter": 60,
}
DEEP = (32,) * 8


def with_outliers():
    X, y = friedman()
    return X, np.where(np.random.default_rng(0).random(350) < 0.01, y + 100, y)


def shuffled_digits():
    X, y = digits()
    return X, np.random.default_rng(0).permutation(y)


FAULTS = {
    "exploding_step": (friedman, {"learning_rate_init": 10}),
    "exploding_step in Adam": (friedman, {"solver": "adam", "learning_rate_init": 1}),
    "exploding_step of classes": (digits, {"learning_rate_init": 10}),
    "exploding_step that kills units": (friedman, {"learning_rate_init": 0.5}),
    "exploding_step that saturates units": (friedman, {"learning_rate_init": 0.3, "activation": "logistic"}),
    "symmetric_init": (friedman, {"init": "he_normal", "init_gain": 0.0, "activation": "tanh"}),
    "exploding_depth": (friedman, {"init_gain": 5.0}),
    "exploding_depth of many layers": (friedman, {"init_gain": 3.0, "hidden_layer_sizes": DEEP}),
    "unscaled_input": (lambda: friedman(input_factor=1000), {}),
    "unscaled_input of columns alone": (lambda: friedman(input_factor=np.logspace(0, 4, 10)), {}),
    "unscaled_input, real": (lambda: load_wine(return_X_y=True), {}),
    "unscaled_target": (lambda: friedman(target_factor=1000), {}),
    "unscaled_input, too small": (lambda: friedman(input_factor=1e-3), {}),
    "unscaled_target, too small": (lambda: friedman(target_factor=1e-3), {}),
    "unscaled_target far from 0": (lambda: friedman(target_shift=1e4), {}),
    "outliers": (with_outliers, {}),
    "vanishing_gradient": (friedman, {"hidden_layer_sizes": DEEP, "activation": "logistic"}),
    "vanishing_gradient of small weights": (friedman, {"hidden_layer_sizes": (32,) * 6, "init_gain": 0.01}),
    "saturated_units": (
        digits,
        {"hidden_layer_sizes": DEEP, "activation": "logistic", "init_gain": 30.0, "max_iter": 20},
    ),
    "slow_convergence": (friedman, {"learning_rate_init": 1e-6}),
    "underfitting of a linear model": (friedman, {"activation": "identity"}),
    "underfitting through one unit": (friedman, {"hidden_layer_sizes": (1,)}),
    "underfitting under a penalty": (friedman, {"l1": 5.0}),
    "underfitting": (friedman, {"hidden_layer_sizes": (1,), "max_iter": 3, "alpha": 10.0}),
}


def faulty(fault):
    data, options = FAULTS[fault]
    X, y = data()
    cls = BPClassifier if y.dtype.kind == "i" else BPRegressor
    return cls(**NUMBERS | {"tol": 0, "n_iter_no_change": 100, "random_state": 0} | options), X, y


@pytest.mark.parametrize("fault", FAULTS)
def test_the_first_finding_is_the_fault_and_its_remedy_cures(fault):
    code = fault.split()[0].strip(",")
    model, X, y = faulty(fault)
    first = model.fit(X, y).diagnose()
    assert first.codes[0] == code, str(first)
    for _ in range(3):  # a learning rate comes down by a tenth at a time
        finding = next(finding for finding in model.diagnose() if finding.code == code)
        if not finding.change:
            X = StandardScaler().fit_transform(X)
        model.set_params(**finding.change).fit(X, y)
        if code not in model.diagnose().codes:
            break
    assert code not in model.diagnose().codes, str(model.diagnose())
    assert not model.diverged_


@pytest.mark.parametrize(
    "changes", [{}, {"solver": "adam"}, {"activation": "tanh"}, {"normalization": "layer"}, {"batch_size": 8}]
)
@pytest.mark.parametrize("data", [friedman, digits])
def test_a_healthy_run_has_no_findings(data, changes):
    X, y = data()
    cls = BPClassifier if y.dtype.kind == "i" else BPRegressor
    diagnosis = cls(**NUMBERS | changes, random_state=0).fit(X, y).diagnose()
    assert len(diagnosis) == 0, str(diagnosis)
    assert str(diagnosis).startswith("healthy: ")


def test_rows_that_say_nothing_and_rows_learned_by_heart():
    network = BPClassifier(hidden_layer_sizes=(64,), max_iter=200, learning_rate_init=0.01, tol=0, random_state=0)
    X, y = shuffled_digits()
    assert network.fit(X[:400], y[:400], X_val=X[400:], y_val=y[400:]).diagnose().codes == ["no_signal"]
    X, y = digits()
    y = np.where(np.random.default_rng(0).random(600) < 0.4, np.random.default_rng(1).permutation(y), y)
    found = network.fit(X[:400], y[:400], X_val=X[400:], y_val=y[400:]).diagnose()
    assert found.codes == ["overfitting"]
    network.set_params(**found.findings[0].change).fit(X[:400], y[:400], X_val=X[400:], y_val=y[400:])
    assert network.history_["validation_loss"][network.n_iter_ - 1] < found.findings[0].evidence["validation_loss"]


def test_units_that_are_off_from_the_start():
    X, y = friedman()
    model = BPRegressor(**NUMBERS, warm_start=True, random_state=0).fit(X, y)
    model.intercepts_[0][:] = -50
    found = model.fit(X, y).diagnose()
    assert found.codes == ["dead_units"]
    assert found.findings[0].evidence["share_of_dead_units"] == 1


def test_a_loss_that_goes_up_and_down():
    X, y = digits()
    changes = {"activation": "tanh", "solver": "adam", "learning_rate_init": 0.3, "n_iter_no_change": 100}
    model = BPClassifier(**NUMBERS | changes, random_state=0)
    found = next(finding for finding in model.fit(X, y).diagnose() if finding.code == "oscillating")
    model.set_params(**found.change).fit(X, y)
    assert "oscillating" not in model.diagnose().codes


def test_a_rare_class_that_is_ignored():
    random = np.random.default_rng(0)
    X = random.normal(size=(1000, 4))
    y = (random.random(1000) < 0.02).astype(int)
    model = BPClassifier(**NUMBERS, random_state=0).fit(X, y)
    assert "class_imbalance" in model.diagnose().codes
    assert "class_imbalance" not in model.set_params(class_weight="balanced").fit(X, y).diagnose().codes


def test_sparse_rows_are_measured_like_dense_ones():
    X, y = friedman(input_factor=1000)
    dense = BPRegressor(**NUMBERS, random_state=0).fit(X, y)._scales
    sparse = BPRegressor(**NUMBERS, random_state=0).fit(csr_array(X), y)._scales
    known = {name: value for name, value in dense.items() if name != "input_tail"}
    for name, value in known.items():
        np.testing.assert_allclose(sparse[name], value, rtol=1e-6, atol=1e-9)


def test_as_json_and_as_text():
    model, X, y = faulty("exploding_step")
    diagnosis = model.fit(X, y).diagnose()
    data = json.loads(diagnosis.to_json())
    assert [row["code"] for row in data["findings"]] == diagnosis.codes
    assert data["findings"][0]["change"] == {"learning_rate_init": 1.0}
    text = str(diagnosis)
    assert text.startswith("diverged: the loss exploded")
    assert "exploding_step at epoch 1 (learning rate 10, " in text
    assert "learning_rate_init=1" in text


def test_every_rule_has_its_fault():
    elsewhere = {"dead_units", "oscillating", "overfitting", "no_signal", "class_imbalance", "loss_spike"}
    assert {rule.code for rule in RULES} - elsewhere == {fault.split()[0].strip(",") for fault in FAULTS}


@pytest.mark.parametrize("code", [rule.code for rule in RULES])
def test_every_finding_is_in_the_table_of_the_docs(code):
    text = (Path(__file__).parents[3] / "docs" / "divergence.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    documented = {name for row in rows if len(row) == 5 for name in re.findall(r"`(\w+)`", row[1])}
    assert code in documented, f"docs/divergence.md: the table of findings has no row for {code!r}"


def test_rules_of_ones_own():
    model, X, y = faulty("underfitting through one unit")
    record = model.fit(X, y)._record_of(model.begin_fit(X, y), {})
    mine = Finding("narrow", 0, {"units": 1.0}, "One unit.", "Use more.")
    assert examine(record, rules=[lambda r: mine if min(r.units) == 1 else None]).findings == (mine,)
    assert examine(record, rules=[]).codes == []
    record = replace(record, verdict=model.verdict_, history=model.history_, probes=model.probes_)
    assert examine(record).codes == ["underfitting"]
    assert examine(record, rules=(*RULES, lambda r: mine)).codes == ["narrow"], "underfitting follows from other causes"


def test_less_is_known_of_parts_and_of_full_batches():
    X, y = friedman(input_factor=1e25)
    with pytest.raises(NotFittedError):
        BPRegressor().diagnose()
    assert BPRegressor(solver="lbfgs", dtype="float32").fit(X, y).diagnose().codes == ["unscaled_input"]
    assert BPRegressor(solver="sgd", learning_rate_init=1).partial_fit(X, y).diagnose().codes == ["exploding_step"]
    assert BPRegressor(solver="lbfgs").fit(*friedman()).diagnose().codes == []


# ------------------------------------------------------------------------------------- fits that are not at hand


@pytest.mark.parametrize("fault", ["exploding_step", "exploding_step in Adam", "unscaled_input", "unscaled_target"])
def test_from_the_loss_curve_alone(fault):
    model, X, y = faulty(fault)
    curves = model.set_params(on_divergence="ignore").fit(X, y).history_
    found = diagnose(curves, X, y, options=model.get_params())
    assert found.codes[0] == fault.split()[0]


@pytest.mark.parametrize("activation", ["identity", ["identity", "identity"]])
def test_activations_of_all_layers_or_of_each(activation):
    options = {"activation": activation, "hidden_layer_sizes": [5, 5]}
    (found,) = diagnose({"loss": [30.0] * 20}, baseline=40.0, options=options)
    assert found.change == {"activation": "relu"}
    with pytest.raises(ValueError, match=r"activation=\['tanh'\] names 1 functions for 2 hidden layers"):
        diagnose({"loss": [30.0] * 20}, baseline=40.0, options={**options, "activation": ["tanh"]})


def test_scikit_learns_network():
    X, y = friedman()
    peer = MLPRegressor(hidden_layer_sizes=(32, 32), learning_rate_init=1e-6, max_iter=30, random_state=0).fit(X, y)
    assert diagnose({"loss": peer.loss_curve_}, X, y, options=peer.get_params()).codes == ["underfitting"]
    peer = MLPRegressor(hidden_layer_sizes=(32, 32), random_state=0).fit(X, y)
    assert diagnose({"loss": peer.loss_curve_}, X, y, options=peer.get_params()).codes == []
    X, y = digits()
    peer = MLPClassifier(max_iter=50, random_state=0).fit(X, y)
    assert diagnose({"loss": peer.loss_curve_}, X, y, options=peer.get_params()).codes == []
    assert diagnose({"loss": [2.0, 1.9]}, y=y.astype(float), task="classification").codes == ["underfitting"]


@pytest.mark.parametrize(
    ("history", "more", "message"),
    [
        ({}, {"baseline": 1.0}, r"history needs a curve 'loss' with one or more epochs; it has \[\]"),
        ({"loss": []}, {"baseline": 1.0}, "one or more epochs"),
        ({"loss": [1.0]}, {}, "pass y or baseline"),
        ({"loss": [1.0, 2.0], "validation_loss": [1.0]}, {"baseline": 1.0}, "differ in length: {'loss': 2, 'valid"),
    ],
)
def test_curves_that_say_nothing(history, more, message):
    with pytest.raises(ValueError, match=message):
        diagnose(history, **more)
