"""The estimators at work: pipelines, grid search, scaled targets, every kind of target and label, and mistakes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bpmodel import BPClassifier, BPRegressor
from bpmodel.network.loop import train
from bpmodel.network.prediction import predict_into

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TASKS = ["regression", "several outputs", "binary", "multiclass", "multilabel"]
SINGLE_TASKS = ["regression", "binary", "multiclass"]
GRID = {"activation": ["relu", "tanh"], "learning_rate_init": [1e-5, 0.02]}

every_task = pytest.mark.parametrize("task", TASKS)


def make(problem, **changes):
    return problem.ours(
        **{"hidden_layer_sizes": (16,), "learning_rate_init": 0.02, "max_iter": 60, "random_state": 0} | changes
    )


@every_task
def test_learns_and_scores(problems, task):
    X, y, *_ = problem = problems[task]
    model = make(problem).fit(X[:90], y[:90])
    prediction = model.predict(X[90:])
    assert prediction.shape == y[90:].shape
    metric = r2_score if problem.ours is BPRegressor else accuracy_score
    assert model.score(X[90:], y[90:]) == metric(y[90:], prediction) > (0.5 if task == "multilabel" else 0.7)


@pytest.mark.parametrize("task", SINGLE_TASKS)
@pytest.mark.parametrize("jobs", [None, 2])
def test_grid_search_over_the_estimator_and_over_a_pipeline(problems, task, jobs):
    X, y, *_ = problem = problems[task]
    bare = GridSearchCV(make(problem, max_iter=20), GRID, cv=3, n_jobs=jobs).fit(X, y)
    assert bare.best_params_["learning_rate_init"] == 0.02
    pipeline = make_pipeline(StandardScaler(), make(problem, max_iter=20))
    step = pipeline.steps[-1][0]
    piped = GridSearchCV(pipeline, {f"{step}__{k}": v for k, v in GRID.items()}, cv=3, n_jobs=jobs).fit(X * 100 + 7, y)
    assert piped.best_params_[f"{step}__learning_rate_init"] == 0.02
    assert piped.best_score_ > 0.6


def test_processes_give_the_bits_of_this_one(problems):
    X, y, *_ = problem = problems["regression"]
    model = make(problem, max_iter=10)
    np.testing.assert_array_equal(cross_val_score(model, X, y, n_jobs=2), cross_val_score(model, X, y))


def test_read_only_single_precision_needs_no_compilation(problems):
    """joblib hands large arrays to its workers read only: Numba once took them for another type and compiled for 20 s."""
    X, y, *_ = problem = problems["regression"]
    rows = X.astype(np.float32)
    make(problem, max_iter=2).fit(rows, y).predict(rows)
    compiled = [list(entry_point.compiled.signatures) for entry_point in (train, predict_into)]
    rows.setflags(write=False)
    make(problem, max_iter=2).fit(rows, y).predict(rows)
    assert [list(entry_point.compiled.signatures) for entry_point in (train, predict_into)] == compiled


# --------------------------------------------------------------------------------------------------- scaled target


@settings(max_examples=15, deadline=None)
@given(shift=st.floats(-1e4, 1e4), scale=st.floats(1e-3, 1e3))
@pytest.mark.parametrize("task", ["regression", "several outputs"])
def test_scaled_target_makes_predictions_follow_shift_and_scale(problems, task, shift, scale):
    X, y, *_ = problem = problems[task]
    model = make(problem, scale_target=True, max_iter=10)
    plain, moved = clone(model).fit(X, y), clone(model).fit(X, shift + scale * y)
    np.testing.assert_allclose((moved.predict(X) - shift) / scale, plain.predict(X), atol=1e-3)
    np.testing.assert_allclose(moved.loss_curve_, plain.loss_curve_, rtol=1e-4)


def test_scaled_target_is_the_standardized_target(problems):
    X, y, *_ = problem = problems["regression"]
    mean, spread = y.mean(), y.std()
    scaled = make(problem, scale_target=True, early_stopping=True).fit(X, 300 + 10 * y)
    by_hand = make(problem, early_stopping=True).fit(X, (y - mean) / spread)
    np.testing.assert_allclose(scaled.predict(X), 300 + 10 * (mean + spread * by_hand.predict(X)), rtol=1e-4)


def test_scaled_target_learns_outputs_of_different_size_alike(problems):
    X, y, *_ = problem = problems["several outputs"]
    units = np.array([1e-4, 1, 1e5])
    model = make(problem, scale_target=True).fit(X, y * units + units)
    assert min(r2_score(y * units + units, model.predict(X), multioutput="raw_values")) > 0.8


@pytest.mark.parametrize("scale_target", [False, True])
def test_a_constant_target_is_predicted(problems, scale_target):
    X, *_ = problem = problems["regression"]
    model = make(problem, scale_target=scale_target, max_iter=200).fit(X, np.full(len(X), 7.0))
    np.testing.assert_allclose(model.predict(X), 7, atol=1.0)


# ------------------------------------------------------------------------------------------------- labels, layouts


def test_string_labels(problems):
    X, y, *_ = problem = problems["multiclass"]
    names = np.array(["setosa", "versicolor", "virginica"])
    named, numbered = make(problem).fit(X, names[y]), make(problem).fit(X, y)
    np.testing.assert_array_equal(named.classes_, names)
    np.testing.assert_array_equal(named.predict(X), names[numbered.predict(X)])
    binary = make(problem).fit(X[y < 2], names[y[y < 2]])
    assert set(binary.predict(X)) == set(names[:2])


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
def test_probabilities(problems, task):
    X, _, *_ = problem = problems[task]
    model = make(problem).fit(X, problem.y)
    p = model.predict_proba(X)
    assert p.shape == (len(X), len(model.classes_))
    assert p.min() >= 0
    assert p.max() <= 1
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), p, rtol=1e-5, atol=1e-7)
    if task == "multilabel":
        np.testing.assert_array_equal(model.predict(X), p > 0.5)
    else:
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_array_equal(model.predict(X), model.classes_[p.argmax(axis=1)])


def test_a_certain_class_has_a_finite_log_probability_without_a_warning(problems):
    """It was -inf."""
    X, y, *_ = problem = problems["binary"]
    model = make(problem).fit(X, y)
    model.intercepts_[-1][:] = 1e4
    assert model.predict_proba(X)[0, 0] == 0
    np.testing.assert_allclose(model.predict_log_proba(X)[0, 0], -1e4, rtol=1e-2)


def test_coefs_are_views_of_the_network(problems):
    X, y, *_ = problem = problems["regression"]
    model = make(problem).fit(X, y)
    before = model.predict(X)
    model.intercepts_[-1] += 1
    np.testing.assert_allclose(model.predict(X), before + 1, rtol=1e-5, atol=1e-5)
    model.coefs_ = [np.zeros_like(w) for w in model.coefs_]
    assert len(set(model.predict(X))) == 1


def test_a_column_is_a_vector(problems):
    X, y, *_ = problem = problems["regression"]
    with pytest.warns(UserWarning, match="column-vector"):
        column = make(problem).fit(X, y.reshape(-1, 1))
    np.testing.assert_array_equal(column.predict(X), make(problem).fit(X, y).predict(X))


# --------------------------------------------------------------------------------------------------------- options


@every_task
def test_a_batch_larger_than_the_data_is_clipped(problems, task):
    X, y, *_ = problem = problems[task]
    with pytest.warns(UserWarning, match="clipped") as caught:
        model = make(problem, batch_size=500).fit(X, y)
    assert {w.filename for w in caught} == {__file__}
    np.testing.assert_array_equal(model._parameters, make(problem, batch_size=120).fit(X, y)._parameters)


WIDTHS = {"number": 4, "tuple": (4,), "list": [4], "array": np.array([4]), "numpy number": np.int64(4)}


@pytest.mark.parametrize("hidden", WIDTHS.values(), ids=WIDTHS)
def test_a_hidden_layer_in_any_notation(problems, hidden):
    X, y, *_ = problem = problems["regression"]
    model = make(problem, hidden_layer_sizes=hidden).fit(X, y)
    assert [w.shape for w in model.coefs_] == [(6, 4), (4, 1)]


@pytest.mark.parametrize("hidden", [(), []])
def test_no_hidden_layer_is_linear_regression(problems, hidden):
    X, y, *_ = problem = problems["regression"]
    model = make(problem, hidden_layer_sizes=hidden, alpha=0, max_iter=500, tol=0, n_iter_no_change=500).fit(X, y)
    design = np.column_stack([X, np.ones(len(X))])
    np.testing.assert_allclose(model.predict(X), design @ np.linalg.lstsq(design, y)[0], atol=1e-3)


@pytest.mark.parametrize("hidden", [0, (0,), (-3,), (5, 0), (2.5,), ("ten",), [[2, 3]], None, "ten", 2.5])
def test_hidden_layers_that_cannot_be(problems, hidden):
    X, y, *_ = problems["regression"]
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        BPRegressor(hidden_layer_sizes=hidden).fit(X, y)


def test_too_few_validation_rows_are_refused(problems):
    X, y, *_ = problems["regression"]
    with pytest.raises(ValueError, match="validation set is too small"):
        BPRegressor(early_stopping=True, validation_fraction=0.05).fit(X[:20], y[:20])


KEPT = {"weights": {}, "running moments": {"normalization": "batch"}, "average": {"ema_decay": 0.8}}


@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("task", SINGLE_TASKS)
def test_early_stopping_keeps_the_weights_that_scored_best(problems, task, kept):
    X, y, *_ = problem = problems[task]
    numbers = {"early_stopping": True, "validation_fraction": 0.3, "n_iter_no_change": 3, "max_iter": 100}
    model = make(problem, **numbers, **KEPT[kept])
    training = model.begin_fit(X, y)
    held_out = training.validation.order.copy()
    training.advance(100)
    model.end_fit(training)
    assert model.best_validation_score_ == max(model.validation_scores_)
    np.testing.assert_allclose(model.score(X[held_out], y[held_out]), model.best_validation_score_, rtol=1e-5)


def test_the_convergence_warning_points_at_the_callers_line(problems):
    X, y, *_ = problems["regression"]
    with pytest.warns(UserWarning, match="Maximum iterations") as caught:
        BPClassifier(max_iter=2).fit(X, y > 0)
    assert [w.filename for w in caught] == [__file__]
