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

from bpmodel import BPClassifier, BPRegressor, Diagnosis, Finding, diagnose
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


CURVES = {  # losses, more arguments, and the epoch in which the fit diverged
    "falls from 8, up to twice that": ([8.0, 7.0, 16.0], {"baseline": 1.0}, None),
    "falls from 8, above twice that": ([8.0, 7.0, 16.1], {"baseline": 1.0}, 3),
    "does not fall: ten times the dummy's": ([8.0, 8.0, 10.0], {"baseline": 1.0}, None),
    "does not fall: more than that": ([8.0, 8.0, 10.1], {"baseline": 1.0}, 3),
    "one epoch": ([10.1], {"baseline": 1.0}, 1),
    # of the targets 3 and 5 the loss of 0 is (9 + 25) / 4 = 8.5, and that of the dummy predictor 0.5
    "the first loss is at most that of 0": ([17.0, 10.0], {"y": [3.0, 5.0]}, None),
    "above twice that": ([17.1, 10.0], {"y": [3.0, 5.0]}, 1),
    "from a lower one": ([4.0, 3.0, 8.1], {"y": [3.0, 5.0]}, 3),
    "at least the dummy's": ([2.0, 1.0, 40.1], {"y": [3.0, 5.0], "baseline": 4.0}, 3),
    "and not below": ([2.0, 1.0, 39.9], {"y": [3.0, 5.0], "baseline": 4.0}, None),
    "not finite": ([1.0, np.nan, 0.5], {"baseline": 1.0}, 2),
    "the first of several": ([1.0, 11.0, np.inf], {"baseline": 1.0}, 2),
}


@pytest.mark.parametrize(("losses", "more", "epoch"), CURVES.values(), ids=CURVES)
def test_a_curve_that_exploded(losses, more, epoch):
    norms = [10.0 * (i + 1) for i in range(len(losses))]
    found = diagnose({"loss": losses, "gradient_norm": norms}, options={"solver": "sgd"}, **more)
    assert found.summary.startswith("diverged") is (epoch is not None)
    if epoch is not None:
        assert found.codes[0] == "exploding_step"
        assert found.findings[0].epoch == epoch
        kind = "exploded" if np.isfinite(losses[epoch - 1]) else "became non-finite"
        assert f"the loss {kind}" in found.summary
        assert found.summary.split("; ")[1] == f"gradient norm {norms[epoch - 1]:.3g}"


@pytest.mark.parametrize(
    ("y", "task"), [([0, 1, 1], "c"), ([0.0, 1.0, 1.0], "r"), (["a", "b", "b"], "c"), ([False, True, True], "c")]
)
def test_the_task_is_that_of_the_targets(y, task):
    """The dummy predictor's loss of these is log 3 - 2/3 log 2 = 0.637 as classes, and half the variance, 1/9, as numbers."""
    loss = {"c": 0.637, "r": 1 / 9}[task]
    (finding,) = diagnose({"loss": [0.6, 0.6]}, y=y)
    assert finding.evidence["loss_to_dummy"] == pytest.approx(0.6 / loss, rel=1e-3)


def test_findings_in_words_before_the_first_step_and_in_the_first_epoch():
    early, late = (
        Finding("code", epoch, {"a_b": 1.23456, "c": np.nan}, "Cause.", "Remedy.", {}, "Source") for epoch in (0, 1)
    )
    assert str(early) == "code before the first step (a b 1.23, c nan)\n  Cause. [Source]\n  Remedy."
    assert str(late).startswith("code at epoch 1 (")


def test_nothing_is_wrong_with_a_constant_target():
    X, y = np.zeros((4, 1)), np.full(4, 3.0)
    assert diagnose({"loss": [1e-3, 1e-6, 1e-9]}, X, y).summary == "healthy: the target is constant"
    assert diagnose({"loss": [1.0, 2.0, 1e9]}, X, y).codes != []
    assert diagnose({"loss": [1.0] * 5}, X, y, baseline=1.0).codes != []


def test_numbers_that_are_not_finite_are_null_in_json():
    """JSON has no NaN and no infinity."""
    diagnosis = Diagnosis((Finding("code", 1, {"a": np.nan, "b": -np.inf, "c": np.float32(0.5)}, "", ""),), "summary")
    data = json.loads(diagnosis.to_json(), parse_constant=lambda name: pytest.fail(name))
    assert data["findings"][0]["evidence"] == {"a": None, "b": None, "c": 0.5}
    assert data["summary"] == "summary"
