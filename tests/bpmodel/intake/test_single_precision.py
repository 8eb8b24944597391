"""Finite numbers that single precision does not hold are refused by name wherever they come in; double precision takes them."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from bpmodel import BPClassifier, BPEnsembleRegressor, BPRegressor
from bpmodel.preprocessing import TablePreprocessor
from bpmodel.preprocessing.options import NUMERIC
from bpmodel.preprocessing.values import LARGEST

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(80, 2))
Y = X[:, 0] - X[:, 1]
SINGLE = float(np.finfo(np.float32).max)
JUST_BELOW, JUST_ABOVE = SINGLE, SINGLE * (1 + 1e-6)
MESSAGE = r"^Input X contains a value too large for dtype\('float32'\): 1e\+39\. Scale it, or set dtype='float64'"


def network(cls=BPRegressor, **options):
    return cls(**{"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0, **options})


def far(value, rows=X):
    changed = rows.copy()
    changed[3, 1] = value
    return changed


@pytest.fixture(name="regressor", scope="module")
def fitted_regressor():
    return network().fit(X, Y)


@pytest.fixture(name="classifier", scope="module")
def fitted_classifier():
    return network(BPClassifier).fit(X, Y > 0)


CALLS = {
    "predict": lambda r, c, X: r.predict(X),
    "score": lambda r, c, X: r.score(X, Y),
    "predict a class": lambda r, c, X: c.predict(X),
    "predict_proba": lambda r, c, X: c.predict_proba(X),
    "predict_log_proba": lambda r, c, X: c.predict_log_proba(X),
    "fit": lambda r, c, X: network().fit(X, Y),
    "fit a classifier": lambda r, c, X: network(BPClassifier).fit(X, Y > 0),
    "fit lbfgs": lambda r, c, X: network(solver="lbfgs").fit(X, Y),
    "partial_fit": lambda r, c, X: network().partial_fit(X, Y),
    "an ensemble": lambda r, c, X: BPEnsembleRegressor(network(), n_members=2).fit(X, Y),
    "an ensemble's predict": lambda r, c, X: BPEnsembleRegressor.of([r, r]).predict(X),
}


@pytest.mark.parametrize("container", [np.asarray, csr_array, pd.DataFrame])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_inputs_beyond_single_precision_are_refused(regressor, classifier, call, container):
    """Predictions were NaN, and a class was predicted all the same, with a RuntimeWarning from NumPy alone."""
    with pytest.raises(ValueError, match=MESSAGE):
        call(regressor, classifier, container(far(-1e39)))


def test_the_limit_is_that_of_the_format(regressor):
    regressor.predict(far(JUST_BELOW))
    with pytest.raises(ValueError, match="too large"):
        regressor.predict(far(JUST_ABOVE))


def test_validation_rows_are_named():
    with pytest.raises(ValueError, match=r"^Input X_val contains a value too large"):
        network().fit(X, Y, X_val=far(1e39), y_val=Y)
    with pytest.raises(ValueError, match=r"^y_val contains a value too large"):
        network().fit(X, Y, X_val=X, y_val=Y * 1e39)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_targets_beyond_single_precision_are_refused(solver):
    with pytest.raises(ValueError, match=r"^y contains a value too large for dtype\('float32'\)"):
        network(solver=solver).fit(X, Y * 1e39)


@pytest.mark.parametrize("size", [1e-250, 1e-39, 1e39, 1e250])
@pytest.mark.parametrize("loss", ["squared_error", "gamma"])
def test_a_scaled_target_may_have_any_size(size, loss):
    y = np.exp(Y)
    model, usual = (network(scale_target=True, loss=loss, max_iter=9).fit(X, y * s) for s in (size, 1))
    np.testing.assert_allclose(model.predict(X) / size, usual.predict(X), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["standard", "minmax", "robust"])
def test_scaled_inputs_may_have_any_size(kind):
    model, usual = (network(scale_input=kind).fit(X * s, Y) for s in (1e100, 1))
    np.testing.assert_allclose(model.predict(X * 1e100), usual.predict(X), rtol=1e-4, atol=1e-5)
    ensemble = BPEnsembleRegressor(network(scale_input=kind), n_members=1, random_state=0)
    np.testing.assert_allclose(
        ensemble.fit(X * 1e100, Y).predict(X * 1e100), ensemble.fit(X, Y).predict(X), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("kind", ["standard", "minmax"])
def test_scaled_sparse_inputs_may_have_any_size(kind):
    rows = csr_array(np.where(np.abs(X) > 0.5, X, 0))
    model, usual = (network(scale_input=kind).fit(rows * s, Y) for s in (1e200, 1))
    np.testing.assert_allclose(model.predict(rows * 1e200), usual.predict(rows), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_inputs_that_scaling_makes_too_large_are_refused(dtype, container):
    model = network(scale_input="standard").fit(container((X * 1e-20).astype(dtype)), Y)
    with pytest.raises(ValueError, match="contains a value too large for"):
        model.predict(container(far(1e30).astype(dtype)))


def test_robust_scaling_takes_any_distance():
    """The square of 1e200 is infinite, and the outlier became 0."""
    model = network(scale_input="robust").fit(X, Y)
    np.testing.assert_allclose(model._scale(far(1e308))[3, 1], 3.0)
    np.testing.assert_allclose(model._scale(far(-1e200))[3, 1], -3.0)
    assert np.isfinite(model.predict(far(1e308))).all()


def test_double_precision_takes_them():
    model = network(dtype="float64").fit(far(1e39), Y * 1e39, X_val=far(1e39), y_val=Y)
    assert np.isfinite(model.predict(far(1e39))).all()


# ------------------------------------------------------------------------------------------------------- tables

TABLE = pd.DataFrame(X, columns=["a", "b"])


@pytest.mark.parametrize("numeric", NUMERIC)
def test_a_number_of_a_later_table_that_single_precision_does_not_hold_is_missing(numeric):
    preprocessor = TablePreprocessor(numeric=numeric).fit(TABLE)
    found = preprocessor.transform(pd.DataFrame(far(1e140), columns=["a", "b"]))
    assert np.isfinite(found).all()
    if numeric in ("standard", "minmax", "none"):
        expected = preprocessor.transform(pd.DataFrame(far(np.nan), columns=["a", "b"]))
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.delete(found, 3, axis=0), np.delete(preprocessor.transform(TABLE), 3, axis=0))


@pytest.mark.parametrize(("value", "missing"), [(LARGEST, False), (LARGEST * 1.01, True)])
def test_numbers_whose_square_is_not_finite_are_missing(value, missing):
    preprocessor = TablePreprocessor().fit(pd.DataFrame(far(-value), columns=["a", "b"]))
    assert ("b_missing" in preprocessor.get_feature_names_out()) == missing
    texts = TablePreprocessor().fit(pd.DataFrame({"b": [f"{value!r}", *map(repr, X[:, 0].tolist())]}))
    assert ("b_missing" in texts.get_feature_names_out()) == missing


@pytest.mark.parametrize("numeric", ["standard", "minmax", "robust"])
def test_a_column_may_have_any_size(numeric):
    found, usual = (TablePreprocessor(numeric=numeric).fit_transform(TABLE * s) for s in (1e100, 1))
    np.testing.assert_allclose(found, usual, rtol=1e-5, atol=1e-6)


def test_a_column_that_is_not_scaled_may_not():
    with pytest.raises(
        ValueError, match=r"column 'b' has values beyond single precision, such as 1e\+39; numeric='none'"
    ):
        TablePreprocessor(numeric="none").fit(pd.DataFrame(far(1e39), columns=["a", "b"]))


@pytest.mark.filterwarnings("ignore::bpmodel.DivergenceWarning")
@pytest.mark.parametrize("size", [1e150, 1e155, 1e300])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs", "scg", "lm"])
def test_targets_whose_squares_are_infinite_bug(solver, size):
    """The diagnosis of the fit, or a step of a solver, ended in an OverflowError without a name."""
    model = network(solver=solver, dtype="float64").fit(X, Y * size)
    assert np.isfinite(model.predict(X)).all()
    if size > 1e154:
        assert (model.verdict_.status, model.diagnose().findings[0].code) == ("diverged", "unscaled_target")
        assert network(solver=solver, dtype="float64").fit(X, (Y + 9) * size).baseline_loss_ == np.inf


@pytest.mark.filterwarnings("ignore::bpmodel.DivergenceWarning")
@pytest.mark.parametrize("loss", ["huber", "quantile", "poisson", "gamma"])
@pytest.mark.parametrize(
    "options", [{}, {"early_stopping": True}, {"on_divergence": "ignore"}, {"on_divergence": "repair"}], ids=str
)
def test_targets_whose_squares_are_infinite_with_any_loss(loss, options):
    model = network(loss=loss, dtype="float64", **options).fit(X, (np.abs(Y) + 0.1) * 1e200)
    assert model.verdict_.status in ("ok", "diverged", "stalled")


def test_finite_numbers_with_an_infinite_sum_need_no_warning():
    model = network(scale_input="minmax").fit(X, Y)
    rows = np.full((2, 2), 2e38, dtype=np.float32) * np.array([[1], [-1]], dtype=np.float32)
    assert np.isfinite(model.predict(rows[:1])).all()
