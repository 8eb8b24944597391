"""What a search does with the signals of a program that is not ours: handlers are put aside and back, Ctrl-C stays Ctrl-C."""

import signal
import threading

import numpy as np
import pytest
from sklearn.ensemble import BaggingRegressor

from bpmodel import BPRegressor
from bpmodel.network.training import Training
from search import BPSearchCV
from search.signals.interruption import postponed

NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


class HandledError(Exception):
    """Raised by a handler of the user's."""


@pytest.fixture
def handlers():
    """Install handlers that raise; return them, and put those of pytest back."""

    def handle(number, frame):
        raise HandledError(number)

    before = {number: signal.signal(number, handle) for number in NUMBERS}
    yield dict.fromkeys(NUMBERS, handle)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_is_handled_after_the_step_by_the_handler_of_the_program(handlers, number):
    done = []

    def step() -> None:
        with postponed():
            signal.raise_signal(number)
            signal.raise_signal(number)
            done.append(number)

    with pytest.raises(HandledError) as error:
        step()
    assert (done, error.value.args) == ([number], (number,))
    assert {number: signal.getsignal(number) for number in NUMBERS} == handlers


def test_handlers_are_put_back_after_an_error(handlers):
    with pytest.raises(ZeroDivisionError), postponed():
        _ = 1 / 0
    assert {number: signal.getsignal(number) for number in NUMBERS} == handlers


def test_signals_that_nobody_handles_are_left_to_the_system():
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with postponed():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_step_in_another_thread_needs_no_handler(handlers):
    done = []

    def step() -> None:
        with postponed():
            done.append({number: signal.getsignal(number) for number in NUMBERS})

    thread = threading.Thread(target=step)
    thread.start()
    thread.join()
    assert done == [handlers]


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(60, 2))
SPACE = {"learning_rate_init": [0.01, 0.02]}


def search(**more) -> BPSearchCV:
    return BPSearchCV(BPRegressor(max_iter=4), SPACE, n_trials=2, cv=2, tracking=None, **more)


def test_a_search_leaves_the_handlers_of_a_program_as_they_are(handlers):
    search().fit(X, X[:, 0])
    assert {number: signal.getsignal(number) for number in NUMBERS} == handlers


def test_a_search_works_in_another_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(search(n_jobs=2).fit(X, X[:, 0])))
    thread.start()
    thread.join()
    assert found[0].best_estimator_.predict(X).shape == (60,)


@pytest.mark.parametrize("at", [1, 3, 5])
def test_ctrl_c_in_a_fit_inside_of_a_trial_or_the_refit_stays_ctrl_c(monkeypatch, at):
    """A network takes it for the end of training: a trial of some epochs counted as finished, and so did the model."""
    calls, advance = [], Training.advance

    def interrupted(training, until):
        calls.append(until)
        if len(calls) == at:
            advance(training, 1)
            raise KeyboardInterrupt
        return advance(training, until)

    monkeypatch.setattr(Training, "advance", interrupted)
    around = BaggingRegressor(BPRegressor(max_iter=4, scale_target=True), n_estimators=1)
    wanted = BPSearchCV(around, {"max_samples": [0.5, 0.9]}, n_trials=2, cv=2, tracking=None)
    with pytest.raises(KeyboardInterrupt):
        wanted.fit(X, X[:, 0])
    assert not hasattr(wanted, "best_estimator_")
    assert len(calls) == at
