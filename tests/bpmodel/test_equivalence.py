"""The same seed gives scikit-learn's training, epoch for epoch, to single precision.

`shuffle=False` because the order of rows comes from another generator; few epochs because rounding grows with every step.
"""

import inspect

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

from bpmodel import BPClassifier, BPRegressor
from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TASKS = ["regression", "several outputs", "binary", "multiclass", "multilabel"]
SINGLE_TASKS = ["regression", "binary", "multiclass"]
ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
SOLVERS = ["sgd", "adam"]
COMMON = {"hidden_layer_sizes": (8, 5), "batch_size": 32, "max_iter": 8, "shuffle": False, "random_state": 3}
PATIENCE = {"tol": 0.05, "n_iter_no_change": 1, "max_iter": 40}
VARIANTS = {
    "all rows in a batch": {"batch_size": 120},
    "linear": {"hidden_layer_sizes": ()},
    "one number for one layer": {"hidden_layer_sizes": 6},
    "four hidden layers": {"hidden_layer_sizes": (7, 6, 5, 4)},
    "strong regularization": {"alpha": 3.0},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.25, **PATIENCE},
    "stops when it stagnates": {**PATIENCE},
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.3},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", **PATIENCE},
    "adaptive early stopping": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "early_stopping": True,
        **PATIENCE,
    },
    "no momentum": {"solver": "sgd", "momentum": 0.0},
    "heavy ball": {"solver": "sgd", "nesterovs_momentum": False},
    "short memory": {"solver": "adam", "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
    "never stagnates": {"n_iter_no_change": np.inf, "tol": 1.0},
}

every_task = pytest.mark.parametrize("task", TASKS)


def pair(problem, **changes):
    parameters = COMMON | {"learning_rate_init": 0.02} | changes
    return problem.ours(**parameters), problem.theirs(**parameters)


def assert_same(ours, theirs, X):
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "n_features_in_", "out_activation_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert len(ours.loss_curve_) == len(theirs.loss_curve_)
    for name in ("loss_curve_", "loss_", "best_loss_", "validation_scores_", "best_validation_score_"):
        a, b = getattr(ours, name), getattr(theirs, name)
        if b is None:
            assert a is None, name
        else:
            np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-6, err_msg=name)
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4, err_msg=name)
    method = "predict_proba" if hasattr(theirs, "predict_proba") else "predict"
    np.testing.assert_allclose(getattr(ours, method)(X), getattr(theirs, method)(X), rtol=2e-3, atol=5e-4)


@every_task
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_fit(problems, task, solver, activation):
    X, y, *_ = problem = problems[task]
    ours, theirs = pair(problem, solver=solver, activation=activation)
    assert_same(ours.fit(X, y), theirs.fit(X, y), X)


@every_task
@pytest.mark.parametrize("variant", VARIANTS)
def test_variants(problems, task, variant):
    X, y, *_ = problem = problems[task]
    ours, theirs = pair(problem, **VARIANTS[variant])
    assert_same(ours.fit(X, y), theirs.fit(X, y), X)


@every_task
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_in_double_precision_nine_digits_agree(problems, task, solver, early_stopping):
    X, y, *_ = problem = problems[task]
    ours, theirs = pair(problem, solver=solver, early_stopping=early_stopping)
    ours.set_params(dtype="float64").fit(X, y)
    theirs.fit(X, y)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            assert a.dtype == np.float64
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9, err_msg=name)
    method = "predict_proba" if hasattr(theirs, "predict_proba") else "predict"
    np.testing.assert_allclose(getattr(ours, method)(X), getattr(theirs, method)(X), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("task", ["regression", "several outputs"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_poisson(problems, task, solver):
    X, y, *_ = problem = problems[task]
    ours, theirs = pair(problem, solver=solver, loss="poisson", learning_rate_init=0.002)
    ours.set_params(dtype="float64").fit(X, np.exp(0.5 * y))
    theirs.fit(X, np.exp(0.5 * y))
    assert_same(ours, theirs, X)


@every_task
@pytest.mark.parametrize("early_stopping", [False, True])
def test_sample_weight(problems, task, early_stopping):
    X, y, *_ = problem = problems[task]
    weight = np.random.default_rng(0).uniform(0, 3, len(X))
    # smooth: where a pre-activation of relu is next to zero, single and double precision can take different sides
    ours, theirs = pair(problem, early_stopping=early_stopping, activation="tanh")
    assert_same(ours.fit(X, y, weight), theirs.fit(X, y, weight), X)


@every_task
@pytest.mark.parametrize("schedule", ["constant", "invscaling"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_partial_fit(problems, task, solver, schedule):
    """Optimizer state, rate and counters go on from call to call, also after a `fit`."""
    X, y, *_ = problem = problems[task]
    first_call = (
        {} if problem.ours is BPRegressor else {"classes": np.unique(y) if y.ndim == 1 else np.arange(y.shape[1])}
    )
    ours, theirs = pair(problem, solver=solver, learning_rate=schedule)
    for model in (ours, theirs):
        for rows in (slice(0, 50), slice(50, 120), slice(20, 90)):
            model.partial_fit(X[rows], y[rows], **first_call)
    assert_same(ours, theirs, X)
    for model in (ours, theirs):
        model.set_params(max_iter=2).fit(X, y).partial_fit(X, y)
    assert_same(ours, theirs, X)


@pytest.mark.parametrize("task", SINGLE_TASKS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_warm_start(problems, task, solver):
    """`fit` goes on from the weights with a new optimizer; Adam's step count once went on: its first steps were too long."""
    X, y, *_ = problem = problems[task]
    ours, theirs = pair(problem, solver=solver, warm_start=True, max_iter=4)
    for _ in range(3):
        assert_same(ours.fit(X, y), theirs.fit(X, y), X)


@pytest.mark.parametrize("task", SINGLE_TASKS)
def test_warm_start_keeps_all_validation_scores(problems, task):
    """`loss_curve_` and `validation_scores_` both run over all fits; the scores of earlier fits were once dropped."""
    X, y, *_ = problem = problems[task]
    ours, theirs = pair(problem, warm_start=True, max_iter=4, early_stopping=True, solver="sgd")
    for model in (ours, theirs):
        model.fit(X, y).fit(X, y)
    assert len(ours.validation_scores_) == len(ours.loss_curve_) == 8
    np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, rtol=2e-4, atol=1e-6)


def test_early_stopping_on_a_constant_target_ends_as_scikit_learns():
    """R^2 of a constant target is 0 there; it was once minus infinity, so no epoch was the best and none the last."""
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.full(60, 5.0)
    ours, theirs = (
        cls(early_stopping=True, max_iter=60, random_state=0, shuffle=False).fit(X, y)
        for cls in (BPRegressor, MLPRegressor)
    )
    assert ours.n_iter_ == theirs.n_iter_ < 60
    np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_)


def test_verbose_prints_scikit_learns_lines(problems, capsys):
    X, y, *_ = problem = problems["regression"]
    printed = []
    for model in pair(problem, verbose=True, early_stopping=True, max_iter=3):
        model.fit(X, y)
        printed.append([line.split(": " if ":" in line else "= ") for line in capsys.readouterr().out.splitlines()])
    ours, theirs = printed
    assert [label for label, _ in ours] == [label for label, _ in theirs]
    np.testing.assert_allclose([float(v) for _, v in ours], [float(v) for _, v in theirs], rtol=1e-4)


# ---------------------------------------------------------------------------------------------------- hyperparameters

TABLES = {
    "regressor": (BPRegressor, MLPRegressor, REGRESSOR_OPTIONS),
    "classifier": (BPClassifier, MLPClassifier, CLASSIFIER_OPTIONS),
}
every_table = pytest.mark.parametrize(("ours", "theirs", "options"), TABLES.values(), ids=TABLES)


@every_table
def test_parameters_and_defaults_are_scikit_learns(ours, theirs, options):
    mine, its = inspect.signature(ours).parameters, inspect.signature(theirs).parameters
    assert set(its) - set(mine) <= {"max_fun"}  # of solver "lbfgs"
    for name in set(mine) & set(its):
        assert (mine[name].default, mine[name].kind) == (its[name].default, its[name].kind), name


@every_table
def test_table_signature_parameters_and_documentation_agree(ours, theirs, options):
    assert [o.name for o in options] == list(inspect.signature(ours).parameters)
    assert {o.name: o.default for o in options} == ours().get_params()
    for option in options:
        assert f"\n{option.name} : " in ours.__doc__


@every_table
def test_every_default_lies_in_its_domain_and_a_wrong_value_is_named(ours, theirs, options):
    X, y = np.arange(12.0).reshape(6, 2), np.array([0, 1] * 3)
    ours(max_iter=1).fit(X, y)
    for option in options:
        with pytest.raises(ValueError, match=option.name):
            ours(**{option.name: object()}).fit(X, y)
