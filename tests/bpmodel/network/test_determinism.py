"""The same seed gives the same bits: again, paused, next to another fit, saved and loaded, alone or in company."""

import io
import pickle
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from bpmodel import BPClassifier, BPRegressor
from bpmodel.network.prediction import predict_into

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TASKS = ["regression", "several outputs", "binary", "multiclass", "multilabel"]
MODES = ["adam", "sgd", "early stopping", "everything", "everything in double precision"]

every_task = pytest.mark.parametrize("task", TASKS)


@pytest.fixture
def modes(everything):
    return {
        "adam": {},
        "sgd": {"solver": "sgd", "learning_rate": "adaptive"},
        "early stopping": {"early_stopping": True},
        "everything": everything,
        "everything in double precision": everything | {"dtype": "float64"},
    }


def make(problem, **changes):
    return problem.ours(hidden_layer_sizes=(20, 10), batch_size=16, max_iter=12, random_state=5, **changes)


def outputs(model, X):
    return model.predict_proba(X) if isinstance(model, BPClassifier) else model.predict(X)


def assert_same_bits(a, b, X):
    np.testing.assert_array_equal(a._parameters, b._parameters)
    np.testing.assert_array_equal(outputs(a, X), outputs(b, X))
    assert a.loss_curve_ == b.loss_curve_


@every_task
@pytest.mark.parametrize("mode", MODES)
def test_again(problems, modes, task, mode):
    X, y, *_ = problem = problems[task]
    model = make(problem, **modes[mode])
    assert_same_bits(clone(model).fit(X, y), clone(model).fit(X, y), X)
    other = clone(model).set_params(random_state=6).fit(X, y)
    assert not np.array_equal(other._parameters, model.fit(X, y)._parameters)


@every_task
@pytest.mark.parametrize("mode", MODES)
def test_refit_leaves_nothing_of_the_first_fit(problems, modes, task, mode):
    X, y, *_ = problem = problems[task]
    model = make(problem, **modes[mode])
    refitted = clone(model).fit(X[:50] * 3, y[:50]).fit(X, y)
    assert_same_bits(refitted, model.fit(X, y), X)


@pytest.mark.parametrize("mode", MODES)
def test_pausing_changes_nothing(problems, modes, mode):
    X, y, *_ = problem = problems["regression"]
    paused, through = make(problem, **modes[mode]), make(problem, **modes[mode]).fit(X, y)
    training = paused.begin_fit(X, y)
    for until in (1, 2, 7, 100):
        training.advance(until)
    assert_same_bits(paused.end_fit(training), through, X)


def test_printing_changes_nothing(problems, capsys):
    X, y, *_ = problem = problems["regression"]
    assert_same_bits(make(problem, verbose=True).fit(X, y), make(problem).fit(X, y), X)
    assert capsys.readouterr().out.count("Iteration") == 12


@pytest.mark.parametrize("mode", ["adam", "everything"])
def test_recording_a_validation_loss_changes_nothing(problems, modes, mode):
    X, y, *_ = problem = problems["regression"]
    watched = make(problem, **modes[mode]).fit(X, y, X_val=X[:30], y_val=y[:30])
    assert np.isfinite(watched.history_["validation_loss"]).all()
    assert_same_bits(watched, make(problem, **modes[mode]).fit(X, y), X)


def test_threads_at_once_give_the_bits_of_one_alone(problems, modes):
    jobs = [(problems[task], mode, seed) for task in TASKS for mode in modes.values() for seed in (0, 1)]

    def train(job):
        problem, mode, seed = job
        return make(problem, **mode).set_params(random_state=seed).fit(problem.X, problem.y)

    alone = [train(job) for job in jobs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(train, jobs))
    for (problem, *_), a, b in zip(jobs, alone, together, strict=True):
        assert_same_bits(a, b, problem.X)


def test_predictions_do_not_depend_on_the_number_of_blas_threads():
    """A fit in another thread sets it to one, which once changed the bits of a wide network's predictions."""
    X = np.random.default_rng(0).normal(size=(64, 600))
    model = BPRegressor(hidden_layer_sizes=(700, 800), max_iter=1, random_state=0).fit(X, X[:, 0])
    predictions = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads, user_api="blas"):
            predictions.append(model.predict(X))
    np.testing.assert_array_equal(predictions[0], predictions[1])
    np.testing.assert_array_equal(predictions[0], predictions[2])


# ---------------------------------------------------------------------------------------------- saved and loaded


def through_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def through_skops(model):
    data = skops.io.dumps(model)
    names = skops.io.get_untrusted_types(data=data)
    assert all(name.startswith("bpmodel.") for name in names), names
    return skops.io.loads(data, trusted=names)


ROUND_TRIPS = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "joblib": through_joblib,
    "skops": through_skops,
}


@every_task
@pytest.mark.parametrize("mode", ["adam", "everything"])
@pytest.mark.parametrize("round_trip", ROUND_TRIPS)
def test_saved_and_loaded(problems, modes, task, round_trip, mode):
    X, y, *_ = problem = problems[task]
    model = make(problem, **modes[mode]).fit(X, y)
    loaded = ROUND_TRIPS[round_trip](model)
    assert_same_bits(loaded, model, X)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.verdict_ == model.verdict_
    assert_same_bits(loaded.partial_fit(X, y), model.partial_fit(X, y), X)


def test_a_memory_mapped_network_predicts_without_compilation(problems, modes, tmp_path):
    """Its arrays are read only, which Numba takes for another type: with batch normalization it once refused that type."""
    X, y, *_ = problem = problems["regression"]
    for mode in ("adam", "everything"):
        model = make(problem, **modes[mode]).fit(X, y)
        joblib.dump(model, tmp_path / mode)
        expected, compiled = model.predict(X), list(predict_into.compiled.signatures)
        mapped = joblib.load(tmp_path / mode, mmap_mode="r")
        np.testing.assert_array_equal(mapped.predict(X), expected)
        assert list(predict_into.compiled.signatures) == compiled
        np.testing.assert_array_equal(
            mapped.partial_fit(X, y).predict(X), joblib.load(tmp_path / mode).partial_fit(X, y).predict(X)
        )


# ------------------------------------------------------------------------------------------- alone or in company


@pytest.fixture(scope="module")
def fitted(problems):
    return {task: make(problems[task]).fit(problems[task].X, problems[task].y) for task in TASKS}


def assert_equal_up_to_rounding(actual, expected):
    """A product of matrices may sum in another order at another place in the block of rows; it does on some processors."""
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


@every_task
def test_a_rows_prediction_does_not_depend_on_the_other_rows(problems, fitted, task):
    X, model = problems[task].X, fitted[task]
    together = outputs(model, X)
    alone = np.concatenate([outputs(model, X[i : i + 1]) for i in range(len(X))])
    assert_equal_up_to_rounding(alone, together)
    np.testing.assert_array_equal(outputs(model, X[:1]), together[:1])
    np.testing.assert_array_equal(outputs(model, X[32:70]), together[32:70])


@settings(max_examples=30, deadline=None)
@given(rows=st.lists(st.integers(0, 119), min_size=1, max_size=80))
def test_any_selection_of_rows_predicts_as_in_the_whole(problems, fitted, rows):
    for task in TASKS:
        X, model = problems[task].X, fitted[task]
        assert_equal_up_to_rounding(outputs(model, X[rows]), outputs(model, X)[rows])


LAYOUTS = {
    "float32": lambda X: X.astype(np.float32),
    "Fortran order": np.asfortranarray,
    "read only": lambda X: np.frombuffer(X.tobytes()).reshape(X.shape),
    "strided": lambda X: np.repeat(X, 2, axis=0)[::2],
    "list": lambda X: X.tolist(),
}


@every_task
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_the_features_does_not_matter(problems, task, layout):
    X, y, *_ = problem = problems[task]
    other = LAYOUTS[layout](X)
    assert_same_bits(make(problem).fit(other, y), make(problem).fit(X, y), X)
    model = make(problem).fit(X, y)
    np.testing.assert_array_equal(outputs(model, other), outputs(model, X))
