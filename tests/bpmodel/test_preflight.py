"""What is found before the first step comes true in the fit, and its remedy makes it vanish."""

import sys

import numpy as np
import pytest

from bpmodel import BPClassifier, BPRegressor, preflight
from bpmodel.preflight import START_RULES
from tests.bpmodel.small_sets import digits, friedman

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
NUMBERS = {
    "hidden_layer_sizes": (32, 32),
    "solver": "sgd",
    "learning_rate_init": 0.01,
    "batch_size": 32,
    "random_state": 0,
}


FAULTS = {
    "unscaled_input": (lambda: friedman(1000), {}),
    "unscaled_target": (lambda: friedman(1, 1000), {}),
    "symmetric_init": (friedman, {"init": "he_normal", "init_gain": 0.0, "activation": "tanh"}),
    "exploding_depth": (friedman, {"init_gain": 8.0}),
    "vanishing_gradient": (friedman, {"hidden_layer_sizes": (32,) * 8, "activation": "logistic"}),
    "exploding_step": (friedman, {"learning_rate_init": 10.0}),
    "exploding_step of tanh": (digits, {"learning_rate_init": 30.0, "activation": "tanh"}),
}


def network(y, **options):
    return (BPClassifier if y.dtype.kind == "i" else BPRegressor)(**NUMBERS | options)


@pytest.mark.parametrize("fault", FAULTS)
def test_found_before_and_after_and_cured(fault):
    code = fault.split()[0]
    data, options = FAULTS[fault]
    X, y = data()
    model = network(y, **options)
    given = model.get_params()
    found = preflight(model, X, y)
    assert found.codes[0] == code
    assert found.summary.startswith("before the first step: ")
    assert all(finding.epoch == 0 for finding in found)
    assert model.get_params() == given
    assert not hasattr(model, "coefs_")
    assert code in model.set_params(max_iter=60, tol=0, n_iter_no_change=np.inf).fit(X, y).diagnose().codes
    assert code not in preflight(model.set_params(**found.findings[0].change), X, y).codes


@pytest.mark.parametrize("options", [{}, {"solver": "adam"}, {"activation": "tanh"}, {"normalization": "layer"}])
@pytest.mark.parametrize("data", [friedman, digits])
def test_nothing_is_found_for_healthy_fits(data, options):
    X, y = data()
    found = preflight(network(y, **options), X, y)
    assert found.codes == []
    assert str(found) == "no findings before the first step"


def test_the_step_size_may_be_left_out():
    X, y = friedman()
    model = network(y, learning_rate_init=10.0)
    assert preflight(model, X, y).findings[0].evidence["step_size_number"] > 2
    assert preflight(model, X, y, step_size=False).codes == []


def test_solvers_without_steps():
    X, y = friedman()
    with pytest.raises(ValueError, match=r"preflight only supports update rules; got solver='lbfgs'"):
        preflight(BPRegressor(solver="lbfgs"), X, y)


@pytest.mark.parametrize(("rate", "codes"), [(2.0, []), (2.01, ["exploding_step"])])
def test_rates_up_to_twice_the_limit_are_let_through(monkeypatch, rate, codes):
    X, y = friedman()
    monkeypatch.setattr(sys.modules["bpmodel.preflight"], "rate_limit", lambda *_: 1.0)
    found = preflight(network(y, learning_rate_init=rate), X, y)
    assert found.codes == codes
    assert [finding.change for finding in found] == [{"learning_rate_init": 0.5}] * len(codes)


def test_what_needs_no_step():
    assert [rule.code for rule in START_RULES] == [
        "unscaled_input",
        "outliers",
        "unscaled_target",
        "symmetric_init",
        "exploding_depth",
        "vanishing_gradient",
        "saturated_units",
    ]
