"""Metrics without scikit-learn's checks: the scorer's own number to the last bit, or nothing at all."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import check_scoring, get_scorer, log_loss, make_scorer, mean_squared_error

from bpmodel import BPClassifier, BPRegressor
from search.trials.fast_metrics import METRICS, directly

OF_NUMBERS = ["neg_mean_squared_error", "neg_root_mean_squared_error", "neg_mean_absolute_error", "r2"]
OF_CLASSES = ["accuracy", "neg_log_loss"]


class Told(RegressorMixin, BaseEstimator):
    """Predicts what it is told to."""

    def __init__(self, predictions):
        self.predictions = predictions

    def __sklearn_is_fitted__(self):
        return True

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self.predictions


class ToldClassifier(ClassifierMixin, Told):
    def __init__(self, predictions, probabilities=None, classes=None):
        super().__init__(predictions)
        self.probabilities, self.classes = probabilities, classes

    @property
    def classes_(self):
        return self.classes

    def predict_proba(self, X):
        return self.probabilities


class Lenient(Told):
    def score(self, X, y):
        return 1.0


def asked(scorer, estimator, X, y):
    """Return what the scorer says, or what it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return scorer(estimator, X, y)
        except ValueError as error:
            return error


NUMBERS = st.floats(-1e6, 1e6, width=32)


@given(data=st.data(), n=st.integers(1, 40), outputs=st.integers(1, 3), whole=st.booleans())
@pytest.mark.parametrize("name", OF_NUMBERS)
def test_of_numbers(name, data, n, outputs, whole):
    shape = n if outputs == 1 else (n, outputs)
    y = data.draw(
        arrays(np.int64, shape, elements=st.integers(-5, 5)) if whole else arrays(np.float64, shape, elements=NUMBERS)
    )
    predictions = data.draw(arrays(np.float64, shape, elements=st.one_of(NUMBERS, st.just(np.nan), st.just(np.inf))))
    scorer, model, X = get_scorer(name), Told(predictions), np.zeros((n, 1))
    found = directly(scorer, model, X, y)
    plain = np.isfinite(predictions).all()
    covered = name != "r2" or (n > 1 and (np.ptp(y.reshape(n, -1), axis=0) > 0).all())
    if found is None:
        assert not (plain and covered)
    else:
        assert plain
        assert found == asked(scorer, model, X, y)


@given(
    data=st.data(),
    n=st.integers(1, 30),
    labels=st.sampled_from([[0, 1], [3, 5, 9], ["a", "b"], ["x", "yy", "zzz", "w"]]),
)
@pytest.mark.parametrize("name", OF_CLASSES)
def test_of_classes(name, data, n, labels):
    classes = np.sort(np.array(labels))
    y, predictions = (
        classes[data.draw(arrays(np.int64, n, elements=st.integers(0, len(labels) - 1)))] for _ in range(2)
    )
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    p = data.draw(arrays(np.float64, (n, len(labels)), elements=st.floats(0, 1, width=32))) + 1e-9
    p = (p / p.sum(axis=1, keepdims=True)).astype(dtype)
    scorer, model, X = get_scorer(name), ToldClassifier(predictions, p, classes), np.zeros((n, 1))
    found = directly(scorer, model, X, y)
    if found is None:
        assert name == "neg_log_loss"
        assert len(np.unique(y)) < len(labels)
    else:
        assert found == asked(scorer, model, X, y)


@pytest.mark.parametrize("wrapped", [False, True])
def test_of_networks(wrapped):
    X, y = load_diabetes(return_X_y=True)
    model = BPRegressor(hidden_layer_sizes=(8,), max_iter=20, tol=0, n_iter_no_change=99, random_state=0)
    model = TransformedTargetRegressor(model, func=np.log, inverse_func=np.exp) if wrapped else model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    several = check_scoring(model, OF_NUMBERS)
    assert directly(several, model, X, y) == several(model, X, y)
    own = check_scoring(model, None)
    assert directly(own, model, X, y) == own(model, X, y)


@pytest.mark.parametrize("classes", [2, 3])
def test_of_classifying_networks(classes):
    X, y = load_iris(return_X_y=True)
    X, y = X[y < classes], y[y < classes]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = BPClassifier(hidden_layer_sizes=(8,), max_iter=20, random_state=0).fit(X, y)
    several = check_scoring(model, OF_CLASSES)
    assert directly(several, model, X, y) == several(model, X, y)
    own = check_scoring(model, None)
    assert directly(own, model, X, y) == own(model, X, y)


@pytest.mark.parametrize(
    "scorer",
    [
        get_scorer("neg_max_error"),
        make_scorer(mean_squared_error, greater_is_better=False, multioutput="raw_values"),
        make_scorer(log_loss),
        lambda estimator, X, y: 0.5,
        check_scoring(Told(None), ["r2", "neg_max_error"]),
    ],
)
def test_another_scorer_is_asked_itself(scorer):
    y = np.arange(5.0)
    assert directly(scorer, Told(y), np.zeros((5, 1)), y) is None


LABELS = np.array([[0, 1], [1, 1], [1, 0]])
UNLIKE = {  # metric, targets, predictions
    "several labels": ("accuracy", LABELS, LABELS[[1, 1, 2]]),
    "labels as numbers": ("accuracy", np.array([0, 1, 1]), np.array([0.0, 1.0, 0.0])),
    "numbers as labels": ("accuracy", np.array([0.0, 1.0, 1.0]), np.array([0, 1, 0])),
    "single precision": ("neg_mean_squared_error", np.arange(3.0), np.array([0.1, 0.2, 0.3], dtype=np.float32)),
    "another shape": ("neg_mean_squared_error", np.arange(3.0), np.array([[0.1], [0.2], [0.3]])),
    "not finite": ("r2", np.arange(3.0), np.array([0.1, np.nan, 0.3])),
    "one row": ("r2", np.arange(1.0), np.array([0.1])),
    "a constant output": ("r2", np.array([[1.0, 2.0], [1.0, 3.0]]), np.array([[1.0, 2.0], [1.0, 2.5]])),
}


@pytest.mark.parametrize(("name", "y", "predictions"), UNLIKE.values(), ids=UNLIKE)
def test_what_is_unlike_the_usual_is_left_to_the_scorer(name, y, predictions):
    assert directly(get_scorer(name), ToldClassifier(predictions), np.zeros((len(y), 1)), y) is None


def test_predictions_are_asked_for_once():
    asked = []

    class Counted(Told):
        def predict(self, X):
            asked.append(len(X))
            return self.predictions

    y, model = np.arange(5.0), Counted(np.arange(5.0))
    found = directly(check_scoring(model, OF_NUMBERS), model, np.zeros((5, 1)), y)
    assert list(found) == OF_NUMBERS
    assert asked == [5]


def test_a_score_of_its_own_is_asked_itself():
    y, model = np.arange(5.0), Lenient(np.arange(5.0))
    assert directly(check_scoring(model, None), model, np.zeros((5, 1)), y) is None
    assert directly(get_scorer("r2"), model, np.zeros((5, 1)), y) == 1


def test_each_metric_is_that_of_a_scorer():
    assert {get_scorer(name)._score_func for name in OF_NUMBERS + OF_CLASSES} == set(METRICS)
