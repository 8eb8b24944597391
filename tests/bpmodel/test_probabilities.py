"""Probabilities have a column for each class, and logarithms that are finite where a probability rounds to 0."""

import numpy as np
import pytest
from scipy.special import log_expit, log_softmax

from bpmodel import BPClassifier, BPEnsembleClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(90, 2))
TARGETS = {
    "two classes": (X[:, 0] > 0).astype(int),
    "three classes": np.digitize(X[:, 0], [-0.5, 0.5]),
    "labels": np.c_[X[:, 0] > 0, X[:, 1] > 0].astype(int),
}


def network(**options):
    return BPClassifier(**{"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0, **options})


def certain(task, dtype, size):
    """A network whose outputs are z = size * x, or (0, size * x, -size * x) for three classes."""
    model = network(hidden_layer_sizes=(), dtype=dtype).fit(X, TARGETS[task])
    weights = {"two classes": [[1], [0]], "three classes": [[0, 1, -1], [0, 0, 0]], "labels": [[1, 0], [0, 1]]}[task]
    model.coefs_[0][:] = size * np.array(weights)
    model.intercepts_[0][:] = 0
    return model, X @ model.coefs_[0].astype(np.float64)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("task", TARGETS)
@pytest.mark.parametrize("size", [1.0, 1e4, 1e6])
def test_logarithms_of_probabilities_are_finite(task, dtype, size):
    """Of 300 rows, 99 had the logarithm -inf."""
    model, z = certain(task, dtype, size)
    if task == "three classes":
        expected = log_softmax(z, axis=1)
    else:
        expected = log_expit(np.hstack([-z, z]) if task == "two classes" else z)
    found, p = model.predict_log_proba(X), model.predict_proba(X)
    assert found.dtype == p.dtype
    plain = p > 2 * np.finfo(dtype).tiny
    assert plain.all() == (size == 1)
    np.testing.assert_array_equal(found[plain], np.log(p[plain]))
    np.testing.assert_allclose(found[~plain], expected[~plain], rtol=1e-5)
    np.testing.assert_allclose(found, expected, rtol=0.1, atol=0.1)
    ensemble = BPEnsembleClassifier.of([model, model])
    np.testing.assert_allclose(ensemble.predict_log_proba(X), found, rtol=1e-5, atol=1e-6)


def test_the_logarithm_of_a_mean_of_rounded_probabilities():
    sure, surer = (certain("two classes", "float64", size)[0] for size in (1e4, 2e4))
    found = BPEnsembleClassifier.of([sure, surer]).predict_log_proba([[1.0, 0.0]])
    np.testing.assert_allclose(found[0, 0], -1e4 - np.log(2))


@pytest.mark.parametrize("label", [0, 1, "only", True])
def test_one_class_has_one_column(label):
    """There were two columns, although `classes_` has one entry."""
    for model in (network(), BPEnsembleClassifier(network(), n_members=2)):
        model.fit(X, np.full(90, label))
        assert model.classes_.tolist() == [label]
        np.testing.assert_array_equal(model.predict_proba(X), np.ones((90, 1)))
        np.testing.assert_array_equal(model.predict_log_proba(X), np.zeros((90, 1)))
        assert (model.predict(X) == label).all()
