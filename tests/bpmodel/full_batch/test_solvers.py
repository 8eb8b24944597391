"""Solvers that see all rows at once: derivatives, known minima, the same contract as every other solver's fit."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import BayesianRidge, Ridge
from sklearn.utils.estimator_checks import estimator_checks_generator

from bpmodel import BPClassifier, BPRegressor, DivergenceWarning
from bpmodel.full_batch.line_search import FTOL, GTOL, Trial, search
from bpmodel.full_batch.objective import NetworkObjective, linearize_rows
from bpmodel.full_batch.solvers import FULL_BATCH, ONLY
from bpmodel.functions.losses import LOSSES
from bpmodel.network.minibatch import Rows
from bpmodel.network.parameters import build, read_only, split_sparse, workspace

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROWS, INPUTS, OUTPUTS = 11, 4, 3
TASKS = ["regression", "several outputs", "binary", "multiclass", "multilabel"]
LEAST_SQUARES = [name for name, row in FULL_BATCH.items() if row.losses]

every_solver = pytest.mark.parametrize("solver", FULL_BATCH)
every_task = pytest.mark.parametrize("task", TASKS)
both_layouts = pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
blocks = pytest.mark.parametrize("block", [4, ROWS])


def able(solver, problem):
    return FULL_BATCH[solver].losses is None or problem.ours is BPRegressor


def cases():
    """Return every solver with every task it can do."""
    least_squares = TASKS[:2]
    return [(s, t) for s, row in FULL_BATCH.items() for t in TASKS if row.losses is None or t in least_squares]


every_case = pytest.mark.parametrize(("solver", "task"), cases())


# --------------------------------------------------------------------------------------------------- derivatives


def make_objective(loss, sparse, block, activations=("tanh", "gelu"), alpha=0.7):
    """Return an objective of a random network and weighted rows, and the parameters it was drawn with."""
    random = np.random.default_rng(0)
    units = (INPUTS, 5, 4, OUTPUTS)
    network = build(units, activations, loss, np.dtype(np.float64), loss_number=0.6)
    network.parameters[:] = random.normal(size=network.parameters.size)
    X, w = random.normal(size=(ROWS, INPUTS)), random.uniform(0.1, 3, ROWS)
    X *= random.random(X.shape) < 0.6
    y = np.eye(OUTPUTS)[random.integers(OUTPUTS, size=ROWS)]
    if LOSSES[loss].output in ("identity", "exp"):
        y = random.uniform(0.5, 2, size=(ROWS, OUTPUTS))
    dense, csr = split_sparse(csr_array(X) if sparse else X, np.dtype(np.float64))
    work = workspace(network, block, sparse=sparse)
    none = np.zeros(0, dtype=np.int32)
    arrays = (read_only(a, np.dtype(np.float64)) for a in (y, w))
    rows = Rows(dense, csr, *arrays, none, none).picked(np.arange(ROWS))
    parameters = network.parameters.copy()
    return NetworkObjective(network, work, rows, alpha), parameters


def central_difference(function, x, step=1e-6):
    return np.stack([(function(x + step * e) - function(x - step * e)) / (2 * step) for e in np.eye(x.size)], axis=-1)


@blocks
@both_layouts
@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_is_the_central_difference(loss, sparse, block):
    objective, parameters = make_objective(loss, sparse, block)
    point = objective.evaluate(parameters)
    assert objective.value(parameters, objective.alpha) == pytest.approx(point.value, rel=1e-12)
    numeric = central_difference(lambda p: objective.value(p, objective.alpha), parameters)
    np.testing.assert_allclose(point.gradient, numeric, rtol=1e-6, atol=1e-7)


@blocks
@both_layouts
def test_the_jacobian_is_the_central_difference(sparse, block):
    objective, parameters = make_objective("squared_error", sparse, ROWS)

    def at(p):
        errors, jacobian = np.empty(ROWS * OUTPUTS), np.empty((ROWS * OUTPUTS, p.size))
        objective._parameters[:] = p
        linearize_rows(*objective._room, 0, ROWS, errors, jacobian)
        return errors, jacobian

    errors, jacobian = at(parameters)
    np.testing.assert_allclose(jacobian, central_difference(lambda p: at(p)[0], parameters), rtol=1e-6, atol=1e-7)
    linear = make_objective("squared_error", sparse, block)[0].linearize(parameters)
    np.testing.assert_allclose(linear.half_squares, errors @ errors / 2)
    np.testing.assert_allclose(linear.slope, jacobian.T @ errors)
    np.testing.assert_allclose(linear.normal, jacobian.T @ jacobian, atol=1e-12)
    point, same = (
        objective.evaluate(parameters),
        objective.point(parameters, linear.half_squares, linear.slope, objective.alpha),
    )
    np.testing.assert_allclose(point.gradient, same.gradient, atol=1e-12)
    assert point.value == pytest.approx(same.value)
    assert point.loss == pytest.approx((point.value - point.penalty) / OUTPUTS)


# --------------------------------------------------------------------------------------------------- line search

# the first is function 5.1 of More & Thuente (1994)
FUNCTIONS = {
    "concave, then flat": (lambda s: -s / (s**2 + 2), lambda s: (s**2 - 2) / (s**2 + 2) ** 2),
    "quartic": (lambda s: (s - 2) ** 4, lambda s: 4 * (s - 2) ** 3),
    "parabola": (lambda s: (s - 3) ** 2, lambda s: 2 * (s - 3)),
    "infinite beyond": (lambda s: -s if s < 2 else np.inf, lambda s: -1 / (1 + 50 * s) if s < 2 else np.nan),
}


@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 10.0, 1e3])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_step_satisfies_the_strong_wolfe_conditions(name, first):
    value, slope = FUNCTIONS[name]
    found, _ = search(lambda s: Trial(s, value(s), slope(s)), Trial(0.0, value(0.0), slope(0.0)), first)
    assert found.value <= value(0.0) + FTOL * found.step * slope(0.0)
    assert abs(found.slope) <= GTOL * abs(slope(0.0))


def test_no_step_along_a_direction_that_only_rises():
    found, trials = search(lambda s: Trial(s, np.inf, np.nan), Trial(0.0, 0.0, -1.0), 1.0)
    assert found is None
    assert trials == 20


# ------------------------------------------------------------------------------------------------------ minima


@every_case
def test_a_linear_network_finds_the_ridge_regression(problems, solver, task):
    X, y, *_ = problems[task]
    if task not in TASKS[:2] or solver == "lm_bayesian":
        return
    model = BPRegressor(
        hidden_layer_sizes=[], solver=solver, alpha=5.0, tol=1e-9, dtype="float64", max_iter=500, random_state=0
    )
    model.fit(X, y)
    ridge = Ridge(alpha=5.0, tol=1e-12).fit(X, y)
    # the last digits are lost where L-BFGS stops at a relative improvement of 2e-9
    np.testing.assert_allclose(model.coefs_[0].T.reshape(ridge.coef_.shape), ridge.coef_, atol=1e-3)
    np.testing.assert_allclose(model.predict(X), ridge.predict(X), atol=1e-3)
    assert model.verdict_.reason.startswith("converged")


def test_bayesian_regularization_of_a_linear_network(problems):
    X, y, *_ = problems["regression"]
    model = BPRegressor(
        hidden_layer_sizes=[], solver="lm_bayesian", tol=1e-10, dtype="float64", max_iter=500, random_state=0
    ).fit(X, y)
    ridge = BayesianRidge(alpha_1=0, alpha_2=0, lambda_1=0, lambda_2=0, tol=1e-10, max_iter=1000).fit(X, y)
    # scikit-learn counts the rows where we subtract the intercept from them
    np.testing.assert_allclose(model.coefs_[0].ravel(), ridge.coef_, atol=1e-3)
    squares = np.linalg.eigvalsh(np.cov(X.T, bias=True) * len(X))
    ratio = ridge.lambda_ / ridge.alpha_
    assert model.effective_parameters_ == pytest.approx((squares / (squares + ratio)).sum() + 1, rel=1e-3)


@every_task
@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_lbfgs_takes_the_steps_of_scikit_learns(problems, task, activation):
    X, y, ours, theirs = problems[task]
    if task == "several outputs":
        return  # scikit-learn's gradient is not that of its loss there
    params = {"activation": activation, "hidden_layer_sizes": (8,), "alpha": 0.5, "solver": "lbfgs", "random_state": 0}
    model = ours(dtype="float64", max_iter=1000, tol=1e-3, **params).fit(X, y)
    peer = theirs(max_iter=1000, tol=1e-3, **params).fit(X, y)
    assert model.loss_ <= peer.loss_ * (1 + 1e-3)
    assert model.n_iter_ == pytest.approx(peer.n_iter_, rel=0.1)
    for early in (1, 5, 15):
        model.set_params(max_iter=early).fit(X, y)
        peer.set_params(max_iter=early).fit(X, y)
        assert model.loss_ == pytest.approx(peer.loss_, rel=1e-6)
        np.testing.assert_allclose(
            np.concatenate([*map(np.ravel, model.coefs_)]),
            np.concatenate([*map(np.ravel, peer.coefs_)]),
            rtol=1e-4,
            atol=1e-6,
        )


def test_lbfgs_with_several_outputs_is_not_worse_than_scikit_learns(problems):
    X, y, ours, theirs = problems["several outputs"]
    params = {"activation": "tanh", "hidden_layer_sizes": (8,), "solver": "lbfgs", "random_state": 0, "alpha": 1.0}
    model, peer = ours(max_iter=1000, **params).fit(X, y), theirs(max_iter=1000, **params).fit(X, y)
    assert model.loss_ < 1.1 * peer.loss_


@pytest.mark.parametrize("solver", LEAST_SQUARES)
def test_second_order_steps_reach_a_lower_loss(solver):
    random = np.random.default_rng(0)
    X = random.uniform(-2, 2, size=(300, 2))
    y = np.sin(2 * X[:, 0]) * np.cos(X[:, 1])
    fits = {
        name: BPRegressor(
            hidden_layer_sizes=(12,), activation="tanh", solver=name, max_iter=60, tol=0, alpha=1e-6, random_state=0
        ).fit(X, y)
        for name in (solver, "lbfgs", "scg", "adam")
    }
    score = fits.pop(solver).score(X, y)
    assert all(1 - score < 0.5 * (1 - other.score(X, y)) for other in fits.values())


@every_case
def test_the_loss_falls_and_is_that_of_the_weights(problems, solver, task):
    X, y, ours, _ = problems[task]
    model = ours(hidden_layer_sizes=(6,), solver=solver, max_iter=30, random_state=0).fit(X, y)
    assert model.loss_curve_[-1] < 0.7 * model.loss_curve_[0]
    assert len(model.loss_curve_) == model.n_iter_ == len(model.history_["gradient_norm"])
    if task in TASKS[:2] and solver != "lm_bayesian":
        penalty = model.alpha / 2 * sum(np.sum(w**2) for w in model.coefs_) / len(X)
        assert model.loss_ == pytest.approx(np.mean((model.predict(X) - y) ** 2) / 2 + penalty, rel=1e-4)
        assert np.all(np.diff(model.loss_curve_) <= 0)


# --------------------------------------------------------------------------------------- the contract of a fit


@every_case
def test_a_paused_fit_is_the_unpaused_one(problems, solver, task):
    X, y, ours, _ = problems[task]
    whole = ours(hidden_layer_sizes=(6,), solver=solver, max_iter=25, random_state=0)
    paused = clone(whole)
    whole.fit(X, y)
    training = paused.begin_fit(X, y, validation=(X, y))
    for until in (1, 4, 6, 25):
        training.advance(until)
        assert training.epoch == min(until, whole.n_iter_)
        paused.predict(X)
    paused.end_fit(training)
    np.testing.assert_array_equal(whole._parameters, paused._parameters)
    assert whole.loss_curve_ == paused.loss_curve_
    assert np.isfinite(paused.history_["validation_loss"]).all()
    assert paused.history_["validation_score"][-1] == pytest.approx(paused.score(X, y), abs=1e-5)


@every_solver
def test_the_same_in_threads(problems, solver):
    X, y, *_ = problems["regression"]
    model = BPRegressor(hidden_layer_sizes=(6,), solver=solver, max_iter=20, random_state=0).fit(X, y)
    with ThreadPoolExecutor(2) as pool:
        others = list(pool.map(lambda _: clone(model).fit(X, y), range(4)))
    for other in others:
        np.testing.assert_array_equal(model._parameters, other._parameters)


@every_case
def test_weights_are_repetitions(problems, solver, task):
    X, y, ours, _ = problems[task]
    weight = np.random.default_rng(0).integers(0, 4, len(X))
    model = ours(hidden_layer_sizes=(5,), activation="tanh", solver=solver, max_iter=8, random_state=0, dtype="float64")
    weighted = clone(model).fit(X, y, weight).loss_curve_
    repeated = model.fit(np.repeat(X, weight, axis=0), np.repeat(y, weight, axis=0)).loss_curve_
    np.testing.assert_allclose(weighted, repeated, rtol=1e-6)


@every_case
def test_sparse_rows(problems, solver, task):
    X, y, ours, _ = problems[task]
    X = np.where(np.abs(X) > 0.7, X, 0)
    model = ours(hidden_layer_sizes=(5,), activation="tanh", solver=solver, max_iter=8, random_state=0, dtype="float64")
    dense = clone(model).fit(X, y).loss_curve_
    np.testing.assert_allclose(model.fit(csr_array(X), y).loss_curve_, dense, rtol=1e-6)


@every_solver
def test_more_rows_than_a_block(solver):
    random = np.random.default_rng(0)
    X = random.normal(size=(1300, 3))
    y = np.tanh(X @ [1, -1, 0.5])
    assert (
        BPRegressor(hidden_layer_sizes=(4,), activation="tanh", solver=solver, max_iter=60, random_state=0)
        .fit(X, y)
        .score(X, y)
        > 0.99
    )


@every_solver
def test_early_stopping_keeps_the_best_weights(solver):
    random = np.random.default_rng(0)
    X = random.normal(size=(60, 5))
    y = X[:, 0] + random.normal(size=60)
    model = BPRegressor(
        hidden_layer_sizes=(20,),
        activation="tanh",
        solver=solver,
        early_stopping=True,
        n_iter_no_change=5,
        max_iter=500,
        random_state=0,
        alpha=0,
    )
    model.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    scores = model.validation_scores_
    assert model.n_iter_ < 500
    assert model.score(X[40:], y[40:]) == pytest.approx(max(scores), abs=1e-5) == model.best_validation_score_


@every_solver
def test_warm_start_goes_on(problems, solver):
    X, y, *_ = problems["regression"]
    model = BPRegressor(
        hidden_layer_sizes=(6,),
        activation="tanh",
        solver=solver,
        max_iter=4,
        warm_start=True,
        random_state=0,
        dtype="float64",
    )
    first = model.fit(X, y).loss_
    assert model.fit(X, y).loss_ < first
    assert len(model.loss_curve_) == 8


@every_solver
def test_a_loss_that_is_not_finite_is_a_divergence(problems, solver):
    X, y, *_ = problems["regression"]
    with pytest.warns(DivergenceWarning, match="the loss became non-finite"):
        model = BPRegressor(hidden_layer_sizes=(6,), solver=solver, dtype="float64").fit(X * 1e200, y)
    assert (model.diverged_, model.n_iter_) == (True, 1)
    assert np.isfinite(model._parameters).all()


@every_solver
def test_it_says_that_it_has_not_converged(problems, solver):
    X, y, *_ = problems["regression"]
    with pytest.warns(ConvergenceWarning, match=rf"^{solver} failed to converge after 2 iteration\(s\)") as caught:
        BPRegressor(hidden_layer_sizes=(6,), solver=solver, max_iter=2).fit(X, y)
    assert [w.filename for w in caught] == [__file__]


def test_lbfgs_stops_after_max_fun_evaluations(problems):
    X, y, ours, theirs = problems["regression"]
    params = {"solver": "lbfgs", "max_fun": 9, "activation": "tanh", "random_state": 0}
    with pytest.warns(ConvergenceWarning, match="max_fun=9"):
        model = ours(**params).fit(X, y)
    assert model.n_iter_ == theirs(**params).fit(X, y).n_iter_


# ------------------------------------------------------------------------------------------------------ refused

REFUSED = {
    "normalization": "batch",
    "dropout": 0.1,
    "input_noise": 0.1,
    "l1": 0.1,
    "weight_decay": 0.1,
    "max_norm": 1.0,
    "ema_decay": 0.9,
    "clipping": "norm",
}


def test_every_option_that_is_refused_is_tested():
    assert list(REFUSED) == list(ONLY)


@pytest.mark.parametrize("option", REFUSED)
@every_solver
def test_an_option_that_the_solver_cannot_do(problems, solver, option):
    X, y, *_ = problems["regression"]
    with pytest.raises(ValueError, match=rf"solver='{solver}' needs {option}=.*; got {option}={REFUSED[option]!r}"):
        BPRegressor(solver=solver, **{option: REFUSED[option]}).fit(X, y)


@pytest.mark.parametrize("solver", LEAST_SQUARES)
def test_least_squares_are_for_squared_errors(problems, solver):
    X, y, *_ = problems["regression"]
    with pytest.raises(ValueError, match=f"solver='{solver}' needs loss='squared_error'; got loss='huber'"):
        BPRegressor(solver=solver, loss="huber").fit(X, y)
    X, y, *_ = problems["binary"]
    with pytest.raises(ValueError, match=f"'solver' parameter of BPClassifier must be one of .* Got '{solver}'"):
        BPClassifier(solver=solver).fit(X, y)


@pytest.mark.parametrize("solver", LEAST_SQUARES)
def test_a_network_that_is_too_large(problems, solver):
    X, y, *_ = problems["regression"]
    with pytest.raises(ValueError, match="at most 3000 parameters; this network has 4001: use solver='lbfgs' or 'scg'"):
        BPRegressor(hidden_layer_sizes=(500,), solver=solver).fit(X, y)


@pytest.mark.parametrize("cls", [BPRegressor, BPClassifier])
@every_solver
def test_there_is_no_partial_fit(solver, cls):
    model = cls(solver=solver)
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'") as error:
        model.partial_fit([[0.0]], [0.0])
    assert f"{solver} is not stochastic" in str(error.value.__cause__)


# --------------------------------------------------------------------------------------------- scikit-learn's own

CHECKED = [
    BPRegressor(solver="lbfgs"),
    BPClassifier(solver="lbfgs", alpha=0.1, dtype="float64"),
    BPRegressor(hidden_layer_sizes=(4,), activation="tanh", solver="lm_bayesian"),
]
ELSEWHERE = {
    "check_sample_weight_equivalence_on_dense_data": "asks for seven digits: test_weights_are_repetitions",
    "check_array_api_input": "skips itself: the estimators take NumPy arrays",
    "check_classifiers_multilabel_output_format_decision_function": "skips itself: there is no decision_function",
}


def checks():
    for estimator in CHECKED:
        for instance, check in estimator_checks_generator(estimator):
            name = getattr(check, "func", check).__name__
            if name not in ELSEWHERE:
                yield pytest.param(instance, check, id=f"{estimator}-{name}")


@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_scikit_learn_contract(estimator, check):
    check(clone(estimator))
