"""A weight of k means k equal rows, in single precision too; scikit-learn's own check has few rows, hence double precision."""

import numpy as np
import pytest

from bpmodel import BPRegressor
from bpmodel.intake.weights import with_classes

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

MODES = {
    "regression": {},
    "scaled regression": {"scale_target": True},
    "binary": {},
    "multiclass": {},
    "multilabel": {},
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_weights_are_repetitions(problems, mode, solver):
    """`scale_target` once took mean and deviation over all rows alike, so even a row of weight zero counted."""
    X, y, cls, _ = problems[mode.removeprefix("scaled ")]
    weight = np.random.default_rng(0).integers(0, 4, len(X))
    if cls is BPRegressor:
        y = np.where(weight > 0, y, 1e4)
    model = cls(solver=solver, batch_size=1000, max_iter=20, random_state=0, **MODES[mode])
    method = "predict" if cls is BPRegressor else "predict_proba"
    with pytest.warns(UserWarning, match="clipped"):
        weighted = getattr(model.fit(X, y, weight), method)(X)
    with pytest.warns(UserWarning, match="clipped"):
        repeated = getattr(model.fit(np.repeat(X, weight, axis=0), np.repeat(y, weight, axis=0)), method)(X)
    np.testing.assert_allclose(weighted, repeated, rtol=1e-4, atol=1e-4)


def test_a_batch_without_weight_is_no_step(problems):
    X, y, cls, _ = problems["regression"]
    weight = np.repeat([1.0, 0.0], [40, 80])
    model = cls(batch_size=40, shuffle=False, max_iter=5, random_state=0, alpha=0, dtype="float32")
    np.testing.assert_array_equal(model.fit(X, y, weight).predict(X), model.fit(X[:40], y[:40]).predict(X))


def test_no_weight_at_all_is_the_callers_mistake(problems):
    X, y, cls, _ = problems["regression"]
    with pytest.raises(ValueError, match="non-zero"):
        cls().fit(X, y, np.zeros(len(X)))


@pytest.mark.parametrize("weight", [[1e-300, 1.0, 1.0], [1e300, 1e-300, 1e-300]])
@pytest.mark.parametrize("factors", [{0: 1e308, 1: 1e-308, 2: 0}, {0: 1e-308, 1: 1e308, 2: 1.0}])
def test_extreme_weights_of_rows_times_those_of_classes_are_finite(weight, factors):
    """The mean of the classes' weights may be as small as the weight of the only row that has one: its inverse was infinite."""
    found = with_classes(factors, np.arange(3), np.array(weight), np.arange(3))
    assert np.isfinite(found).all()
    assert found.any()
