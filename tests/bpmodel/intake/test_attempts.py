"""A fit that fails leaves the estimator as it was, and one estimator is fitted by one thread at a time."""

import contextlib
import io
import os
import sys
import threading

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from bpmodel import BPClassifier, BPRegressor
from bpmodel.network import interruption

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ROWS = np.random.default_rng(0).normal(size=(60, 3))
WIDE = np.random.default_rng(1).normal(size=(60, 5))
TARGET = ROWS[:, 0] * 2 + ROWS[:, 1]
NAMES = np.where(TARGET > 0, "high", "low")
OTHER = np.array(["a", "b", "c"])[np.arange(60) % 3]


class StopError(Exception):
    """What a callback of the user's raises."""


class Full(io.StringIO):
    """A pipe that nobody reads any more."""

    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


def regressor(**changes):
    return BPRegressor(**({"hidden_layer_sizes": (8,), "max_iter": 4, "random_state": 0} | changes))


def classifier(**changes):
    return BPClassifier(**({"hidden_layer_sizes": (8,), "max_iter": 4, "random_state": 0} | changes))


def learned(model):
    """Return copies of what a model has learned, in a form that can be compared."""
    shown = [model.n_features_in_, model.n_iter_, model.t_, str(model.verdict_), list(model.loss_curve_)]
    return [
        *shown,
        model._parameters.tolist(),
        model._state.tobytes(),
        getattr(model, "classes_", np.zeros(0)).tolist(),
    ]


FAILING = {
    "weights": (regressor(), TARGET, {"X": WIDE, "y": TARGET, "sample_weight": -np.ones(60)}, {}),
    "targets": (regressor(loss="poisson"), TARGET**2, {"X": WIDE, "y": TARGET}, {}),
    "validation rows": (regressor(), TARGET, {"X": WIDE, "y": TARGET, "X_val": ROWS, "y_val": TARGET}, {}),
    "layers": (regressor(), TARGET, {"X": WIDE, "y": TARGET}, {"hidden_layer_sizes": (-1,)}),
    "classes": (classifier(), NAMES, {"X": ROWS, "y": OTHER, "sample_weight": -np.ones(60)}, {}),
    "class weights": (classifier(), NAMES, {"X": ROWS, "y": OTHER}, {"class_weight": {"a": -1.0, "b": 1.0, "c": 1.0}}),
    "warm start": (regressor(warm_start=True), TARGET, {"X": ROWS, "y": np.c_[TARGET, TARGET]}, {}),
}


@pytest.mark.parametrize(("model", "y", "data", "changes"), FAILING.values(), ids=FAILING)
def test_a_refused_fit_left_half_of_the_old_network_and_half_of_the_new_one_bug(model, y, data, changes):
    model = clone(model).fit(ROWS, y)
    before, predicted = learned(model), model.predict(ROWS)
    with pytest.raises(
        ValueError, match=r"sample_weight|needs targets|X has 3|hidden_layer_sizes|class_weight|outputs of y"
    ):
        model.set_params(**changes).fit(**data)
    assert learned(model) == before
    np.testing.assert_array_equal(model.predict(ROWS), predicted)
    with pytest.raises(ValueError, match="expecting 3 features"):
        model.predict(WIDE)


@pytest.mark.parametrize("warm_start", [False, True])
def test_a_fit_that_a_callback_or_a_closed_pipe_ends_is_undone_bug(warm_start):
    model = regressor(verbose=True, warm_start=warm_start)
    with contextlib.redirect_stdout(Full()), pytest.raises(BrokenPipeError):
        model.fit(ROWS, TARGET)
    with pytest.raises(NotFittedError):
        model.predict(ROWS)
    model.set_params(verbose=False).fit(ROWS, TARGET)
    before = learned(model)
    with contextlib.redirect_stdout(Full()), pytest.raises(BrokenPipeError):
        model.set_params(verbose=True).fit(ROWS, TARGET)
    assert learned(model) == before
    assert str(model.diagnose())


def test_callbacks_of_a_failed_fit_are_torn_down():
    class Failing:
        ended = 0

        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context, **data):
            pass

        def on_fit_task_end(self, estimator, context, **data):
            raise StopError

        def teardown(self, estimator, context):
            self.ended += 1

    callback = Failing()
    model = regressor().set_callbacks(callback)
    with pytest.raises(StopError):
        model.fit(ROWS, TARGET)
    assert callback.ended == 1
    assert not hasattr(model, "_callback_fit_ctx")


def test_an_interrupted_fit_inside_other_work_is_undone(monkeypatch):
    model = regressor(verbose=True)
    monkeypatch.setattr("bpmodel.preparation._print_epoch", lambda training: (_ for _ in ()).throw(KeyboardInterrupt))
    with interruption.raising(), pytest.raises(KeyboardInterrupt):
        model.fit(ROWS, TARGET)
    with pytest.raises(NotFittedError):
        model.predict(ROWS)


def test_the_classes_of_a_refused_partial_fit_were_kept_bug():
    model = classifier()
    with pytest.raises(ValueError, match=r"not in `self\.classes_`"):
        model.partial_fit(ROWS, OTHER, classes=["low", "high"])
    assert set(model.partial_fit(ROWS, OTHER, classes=["a", "b", "c"]).predict(ROWS)) <= {"a", "b", "c"}


def test_a_partial_fit_keeps_the_epoch_after_which_it_was_ended():
    model, whole = regressor(verbose=True), regressor().partial_fit(ROWS, TARGET)
    with contextlib.redirect_stdout(Full()), pytest.raises(BrokenPipeError):
        model.partial_fit(ROWS, TARGET)
    assert learned(model) == learned(whole)


@pytest.fixture
def often():
    """Have threads take turns a thousand times as often."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(*calls):
    """Call functions in threads, each of them many times; return what they raised."""
    raised = []

    def repeat(call):
        for _ in range(150):
            try:
                call()
            except Exception as error:
                raised.append(error)

    threads = [threading.Thread(target=repeat, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


@pytest.mark.usefixtures("often")
def test_two_threads_that_fit_one_estimator_destroyed_memory_bug():
    model, many = regressor(), np.random.default_rng(2).normal(size=(60, 300))
    assert in_threads(lambda: model.fit(ROWS, TARGET), lambda: model.fit(many, TARGET)) == []
    assert model.predict(ROWS if model.n_features_in_ == 3 else many).shape == (60,)


@pytest.mark.usefixtures("often")
def test_a_prediction_during_a_fit_read_beyond_its_rows_bug():
    model, many = regressor(max_iter=1).fit(ROWS, TARGET), np.random.default_rng(2).normal(size=(60, 300))

    def fit():
        model.fit(many, TARGET)
        model.fit(ROWS, TARGET)

    raised = in_threads(fit, lambda: model.predict(ROWS), lambda: model.predict(many))
    assert {type(error) for error in raised} == {ValueError}


def test_rows_that_do_not_fit_the_network_reach_no_compiled_code(monkeypatch):
    model = regressor().fit(ROWS, TARGET)
    monkeypatch.setattr(model, "n_features_in_", 5)  # as another thread sets it when it begins a fit
    with pytest.raises(ValueError, match="X has 5 features, but the network is being fitted for other rows"):
        model.predict(WIDE)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_that_is_forked_during_a_fit_can_fit_the_same_estimator():
    model, inside, done = regressor(), threading.Event(), threading.Event()

    class Waiting(io.StringIO):
        def write(self, text):
            inside.set()
            done.wait(60)
            return len(text)

    def fit():
        model.set_params(verbose=True).fit(ROWS, TARGET)

    with contextlib.redirect_stdout(Waiting()):
        thread = threading.Thread(target=fit)
        thread.start()
        assert inside.wait(60)
        child = os.fork()
        if child == 0:
            status = 1
            with contextlib.suppress(BaseException):
                model.set_params(verbose=False).fit(ROWS, TARGET)
                status = 0
            os._exit(status)
        done.set()
        thread.join()
    assert os.waitpid(child, 0)[1] == 0
