"""Sparse rows train and predict as the same rows written out, to single precision: their sums run in another order."""

import numpy as np
import pytest
import scipy.sparse

from bpmodel import BPClassifier, BPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TASKS = ["regression", "several outputs", "binary", "multiclass", "multilabel"]
FORMATS = {
    "csr": scipy.sparse.csr_array,
    "csc": scipy.sparse.csc_array,
    "csr matrix": scipy.sparse.csr_matrix,
    "coo": scipy.sparse.coo_array,
}
MODES = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate": "adaptive"},
    "early stopping": {"early_stopping": True},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "batch normalization, dropout, average": {"normalization": "batch", "dropout": 0.2, "ema_decay": 0.9},
    "rprop on all rows": {"solver": "rprop"},
    "double precision": {"dtype": "float64"},
}

every_task = pytest.mark.parametrize("task", TASKS)
every_format = pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)


def thinned(problem):
    """Return features of which three quarters are zero, one row and one column wholly."""
    X = np.where(np.random.default_rng(1).random(problem.X.shape) < 0.75, 0, problem.X)
    X[7], X[:, 2] = 0, 0
    return X


def make(problem, **changes):
    numbers = {"hidden_layer_sizes": (8, 5), "activation": "tanh", "batch_size": 25, "max_iter": 8, "random_state": 3}
    if changes.get("solver") == "rprop":
        numbers["batch_size"] = "auto"
    return problem.ours(**numbers | changes)


def outputs(model, X):
    return model.predict_proba(X) if isinstance(model, BPClassifier) else model.predict(X)


def assert_alike(a, b, X, sparse):
    np.testing.assert_allclose(a.loss_curve_, b.loss_curve_, rtol=1e-4)
    np.testing.assert_allclose(a._parameters, b._parameters, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(outputs(a, sparse), outputs(b, X), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(outputs(a, sparse), outputs(a, X), rtol=1e-5, atol=1e-6)


@every_task
@pytest.mark.parametrize("mode", MODES)
def test_fit_and_predict(problems, task, mode):
    problem = problems[task]
    X = thinned(problem)
    sparse = scipy.sparse.csr_array(X)
    models = [make(problem, **MODES[mode]).fit(rows, problem.y) for rows in (sparse, X)]
    assert_alike(*models, X, sparse)
    assert models[0].validation_scores_ is None or np.allclose(*(m.validation_scores_ for m in models), rtol=1e-3)


@every_task
@every_format
def test_partial_fit_in_every_format(problems, task, form):
    problem = problems[task]
    X, y = thinned(problem), problem.y
    labels = {} if problem.ours is BPRegressor else {"classes": np.unique(y) if y.ndim == 1 else np.arange(y.shape[1])}
    weight = np.random.default_rng(0).uniform(0, 2, len(X))
    models = make(problem), make(problem)
    for rows in (slice(0, 50), slice(50, 120), slice(0, 120)):
        models[0].partial_fit(form(X[rows]), y[rows], weight[rows], **labels)
        models[1].partial_fit(X[rows], y[rows], weight[rows], **labels)
    assert_alike(*models, X, form(X))


@every_format
def test_every_format_gives_the_bits_of_csr(problems, form):
    problem = problems["multiclass"]
    X = thinned(problem)
    a, b = (make(problem).fit(rows, problem.y) for rows in (form(X), scipy.sparse.csr_array(X)))
    np.testing.assert_array_equal(a._parameters, b._parameters)
    np.testing.assert_array_equal(a.predict_proba(form(X)), b.predict_proba(scipy.sparse.csr_array(X)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_types_of_values_and_indices(problems, dtype, index):
    problem = problems["regression"]
    X = np.round(thinned(problem)).astype(dtype)
    sparse = scipy.sparse.csr_array(X)
    sparse.indices, sparse.indptr = sparse.indices.astype(index), sparse.indptr.astype(index)
    assert_alike(make(problem).fit(sparse, problem.y), make(problem).fit(X, problem.y), X, sparse)


@every_task
def test_a_rows_prediction_does_not_depend_on_the_other_rows(problems, task):
    problem = problems[task]
    X = scipy.sparse.csr_array(thinned(problem))
    model = make(problem).fit(X, problem.y)
    alone = np.concatenate([outputs(model, X[[i]]) for i in range(X.shape[0])])
    np.testing.assert_array_equal(outputs(model, X), alone)


@pytest.mark.parametrize("sparse_rows", [False, True])
@pytest.mark.parametrize("sparse_validation", [False, True])
def test_training_and_validation_rows_may_differ_in_kind(problems, sparse_rows, sparse_validation):
    """Dense rows to validate sparse training on had once no room in the workspace."""
    problem = problems["regression"]
    X, y = thinned(problem), problem.y
    wrap = (np.asarray, scipy.sparse.csr_array)
    model = make(problem).fit(wrap[sparse_rows](X[:90]), y[:90], X_val=wrap[sparse_validation](X[90:]), y_val=y[90:])
    np.testing.assert_allclose(model.history_["validation_score"][-1], model.score(X[90:], y[90:]), rtol=1e-4)


def test_many_features_stay_sparse():
    """A hundred thousand columns, of which a row has three: written out they would fill gigabytes."""
    random = np.random.default_rng(0)
    X = scipy.sparse.random_array((3000, 100_000), density=3e-5, rng=random, format="csr")
    y = np.asarray(X.sum(axis=1)).ravel()
    model = BPRegressor(hidden_layer_sizes=(2,), max_iter=2, random_state=0).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
