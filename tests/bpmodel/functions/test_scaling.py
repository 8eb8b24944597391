"""What the network sees in place of its inputs is what scikit-learn's scalers make of them, in every place."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from bpmodel import BPClassifier, BPRegressor
from bpmodel.functions.scaling import SCALINGS, apply, learn

BOUND = 3.0  # of "robust" (Holzmueller et al., 2024)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(name="X")
def rows():
    random = np.random.default_rng(0)
    columns = random.normal(size=(200, 5)) * [1, 100, 1e-3, 1, 1] + [0, 5, 0, 1e4, 0]
    columns[:, 4] = 7.0  # constant
    return columns


def by_hand(kind, X):
    if kind == "none":
        return X
    if kind == "standard":
        return StandardScaler().fit_transform(X)
    if kind == "minmax":
        return np.where(np.ptp(X, axis=0) > 0, MinMaxScaler((-1, 1)).fit_transform(X), 0)
    Z = RobustScaler().fit_transform(X)
    return Z / np.sqrt(1 + (Z / BOUND) ** 2)


@pytest.mark.parametrize("kind", SCALINGS)
def test_the_same_as_scalers(X, kind):
    assert_allclose(apply(learn(kind, X), X), by_hand(kind, X), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", SCALINGS)
@pytest.mark.parametrize("cls", [BPRegressor, BPClassifier])
def test_an_estimator_that_scales_is_one_behind_a_scaler(X, kind, cls):
    y = X[:, 1] if cls is BPRegressor else (X[:, 1] > 0).astype(int)
    Z = by_hand(kind, X)
    options = {"dtype": "float64", "max_iter": 20, "random_state": 0}
    inside = cls(scale_input=kind, **options).fit(X, y, X_val=X[:50], y_val=y[:50])
    outside = cls(**options).fit(Z, y, X_val=Z[:50], y_val=y[:50])
    assert_allclose(inside.history_["loss"], outside.history_["loss"], rtol=1e-6)
    assert_allclose(inside.history_["validation_loss"], outside.history_["validation_loss"], rtol=1e-6)
    assert_allclose(inside.predict(X[:7]), outside.predict(Z[:7]), rtol=1e-6)


def test_only_the_rows_of_the_fold_are_measured(X):
    rows = np.arange(100)
    model = BPRegressor(scale_input="standard", max_iter=3, dtype="float64", random_state=0)
    training = model.begin_fit(X, X[:, 0], rows=rows)
    training.advance(3)
    other = BPRegressor(scale_input="standard", max_iter=3, dtype="float64", random_state=0).fit(X[rows], X[rows, 0])
    assert_allclose(model.end_fit(training).predict(X), other.predict(X), rtol=1e-12)


def test_sparse_columns_are_divided_and_stay_sparse():
    X = (
        np.random.default_rng(0).normal(size=(50, 4))
        * [1, 10, 100, 1000]
        * (np.random.default_rng(1).random((50, 4)) < 0.3)
    )
    made = apply(learn("standard", csr_array(X)), csr_array(X))
    assert_allclose(made.toarray(), X / X.std(axis=0), rtol=1e-7)
    with pytest.raises(ValueError, match="scale_input='robust' needs dense rows; X is sparse"):
        BPRegressor(scale_input="robust").fit(csr_array(X), X[:, 0])


def test_robust_inputs_are_bounded():
    X = np.random.default_rng(0).standard_cauchy((500, 2))
    assert np.abs(apply(learn("robust", X), X)).max() <= BOUND
    mostly_zero = np.zeros((100, 1))
    mostly_zero[:10, 0] = np.linspace(1, 10, 10)
    assert_allclose(learn("robust", mostly_zero).scale, MaxAbsScaler().fit(mostly_zero).scale_ / 2)


def test_partial_fit_keeps_the_first_scales(X):
    model = BPRegressor(scale_input="standard", random_state=0).partial_fit(X, X[:, 0])
    before = model._scaling
    model.partial_fit(X + 1, X[:, 0])
    assert_array_equal(model._scaling["scale"], before["scale"])


@pytest.mark.parametrize(("dense", "limit"), [(True, 1e-12), (False, 1e-7)])
@pytest.mark.parametrize("share", [0.7, 1.5])
def test_a_column_that_varies_by_rounding_alone_is_constant(dense, limit, share):
    """Sparse columns have their variance from a mean of squares, which keeps half of the digits."""
    column = 1 + share * limit * np.resize([[1.0], [-1.0]], (40, 1))
    scale = learn("standard", column if dense else csr_array(column)).scale
    assert_allclose(scale, share * limit if share > 1 else 1.0, rtol=0.05)
