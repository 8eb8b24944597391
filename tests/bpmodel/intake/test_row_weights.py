"""Weights of any size give the same fit; a weight of 0 is no row, and one of k is k rows, for scales and classes, too."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from bpmodel import BPClassifier, BPEnsembleRegressor, BPRegressor
from bpmodel.functions.scaling import SCALINGS, learn, quantiles
from bpmodel.intake.weights import MOST, rows_that_count, sized, with_classes

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SIZES = [1e-320, 1e-40, 1e-30, 1e-12, 1e12, 1e30, 1e40, 1e300]
SOLVERS = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05},
    "several steps": {"batch_size": 20},
    "float64": {"dtype": "float64"},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "scales": {"scale_input": "standard", "scale_target": True},
    **{solver: {"solver": solver} for solver in ("lbfgs", "scg", "lm", "lm_bayesian")},
}
ROWS = np.random.default_rng(0)
X = ROWS.normal(size=(90, 3))
Y = np.tanh(X @ [1.0, -1.0, 0.5])
WEIGHT = ROWS.uniform(0, 2, 90)


def network(cls=BPRegressor, **options):
    return cls(**{"hidden_layer_sizes": (4,), "activation": "tanh", "max_iter": 6, "random_state": 0, **options})


# ------------------------------------------------------------------------------------------------------- their size


@pytest.mark.parametrize("options", SOLVERS.values(), ids=SOLVERS)
def test_the_size_of_weights_does_not_matter(options):
    """Inverse variances in SI units are 1e-30 or 1e40: such fits ended "ok" without having learned anything, or diverged."""
    weight = WEIGHT / WEIGHT.mean()
    expected = network(**options).fit(X, Y, weight)
    assert expected.verdict_.status == "ok"
    for size in SIZES:
        found = network(**options).fit(X, Y, weight * size)
        assert found.verdict_.status == "ok"
        # a number of 1e-320 has three digits
        np.testing.assert_allclose(
            found.predict(X), expected.predict(X), rtol=1e-5, atol=1e-5 if size > 1e-300 else 1e-2
        )


@pytest.mark.parametrize("size", SIZES)
def test_equal_weights_of_any_size_are_none(size):
    options = {"alpha": 0.0, "dtype": "float64"}
    equal, none = network(**options).fit(X, Y, size), network(**options).fit(X, Y)
    np.testing.assert_allclose(equal.predict(X), none.predict(X), rtol=1e-9)


def test_in_parts_each_call_has_a_size_of_its_own():
    """The documentation says so: a step is a weighted mean of its rows."""
    small, large = network(dtype="float64"), network(dtype="float64")
    for rows, size in ((slice(0, 45), 1e-30), (slice(45, 90), 1e-3)):
        weight = WEIGHT[rows] / WEIGHT[rows].mean()
        small.partial_fit(X[rows], Y[rows], weight * size)
        large.partial_fit(X[rows], Y[rows], weight)
    np.testing.assert_allclose(small.predict(X), large.predict(X), rtol=1e-9)


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_the_size_of_weights_does_not_matter_to_an_ensemble(size):
    one, other = (
        BPEnsembleRegressor(network(alpha=0), n_members=2, random_state=0).fit(X, Y, w) for w in (WEIGHT, WEIGHT * size)
    )
    np.testing.assert_allclose(one.predict(X), other.predict(X), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_the_size_of_class_weights_does_not_matter(size):
    y = (Y > 0.3).astype(int)
    one, other = (
        network(BPClassifier, class_weight={0: s, 1: 3 * s}, alpha=0, dtype="float64").fit(X, y) for s in (1, size)
    )
    np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X), rtol=1e-7)


@pytest.mark.parametrize(
    ("mean", "expected"), [(0.5, 1.0), (0.999, 1.0), (1.0, 1.0), (7.0, 7.0), (MOST, MOST), (1.001 * MOST, 1.0)]
)
def test_weights_that_are_no_numbers_of_rows_are_divided_by_their_mean(mean, expected):
    weight = np.array([0.5, 1.5]) * mean
    found = sized(weight, weight)
    np.testing.assert_allclose(found, np.array([0.5, 1.5]) * expected)
    assert (found is weight) == (mean == expected), "others are left as they are, to the last bit"


def test_penalties_count_rows():
    """Whole numbers are numbers of rows; shares of 1 are none."""
    strong = {"alpha": 10.0, "dtype": "float64", "batch_size": 90}
    few, many = network(**strong).fit(X, Y), network(**strong).fit(X, Y, np.full(90, 5.0))
    shares = network(**strong).fit(X, Y, np.full(90, 1 / 90))
    assert np.abs(few.coefs_[0]).sum() < np.abs(many.coefs_[0]).sum()
    np.testing.assert_allclose(shares.coefs_[0], few.coefs_[0], rtol=1e-12)


# ------------------------------------------------------------------------------------------------------- zero


ZEROS = np.where(np.arange(90) % 3 == 0, 0.0, 1.0)
MODES = {
    **{kind: {"scale_input": kind} for kind in SCALINGS},
    "scaled target": {"scale_target": True},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "lbfgs": {"solver": "lbfgs"},
    "single precision": {"dtype": "float32"},
}


@pytest.mark.parametrize("options", MODES.values(), ids=MODES)
def test_a_row_of_weight_0_is_not_there(options):
    """Rows of weight 0 took part in scales, in the split and in the size of minibatches: predictions differed by up to 2.69."""
    kept = ZEROS > 0
    rows = np.where(kept[:, None], X, 1e6 * X)
    weighted = network(**options, batch_size=20).fit(rows, np.where(kept, Y, 1e3), ZEROS)
    without = network(**options, batch_size=20).fit(rows[kept], Y[kept])
    np.testing.assert_array_equal(weighted.predict(X), without.predict(X))


def test_a_row_of_a_class_of_weight_0_is_not_there():
    y = np.where(ZEROS > 0, Y > 0, 2).astype(int)
    weighted = network(BPClassifier, class_weight={0: 1, 1: 1, 2: 0}, scale_input="standard").fit(X, y)
    without = network(BPClassifier, scale_input="standard")
    training = without.begin_fit(X, y, rows=np.flatnonzero(ZEROS))
    training.advance(6)
    np.testing.assert_array_equal(weighted.predict_proba(X), without.end_fit(training).predict_proba(X))


def test_training_rows_without_weight_are_refused():
    with pytest.raises(ValueError, match="sample_weight is 0 for all training rows; at least one must be positive"):
        network().begin_fit(X, Y, ZEROS, rows=np.flatnonzero(ZEROS == 0))
    rows = np.arange(9)
    assert rows_that_count(np.ones(9), rows) is rows


# ------------------------------------------------------------------------------------------------------- repetition


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("kind", SCALINGS)
def test_scales_count_a_weight_of_k_as_k_rows(kind, sparse):
    rows = np.where(np.abs(X) > 0.5, X, 0)
    repeats = ROWS.integers(1, 5, 90)
    given = csr_array(rows) if sparse else rows
    if sparse and not SCALINGS[kind].takes_sparse:
        with pytest.raises(ValueError, match="needs dense rows; X is sparse"):
            learn(kind, given)
        return
    weighted = learn(kind, given, repeats.astype(float))
    repeated = learn(kind, csr_array(np.repeat(rows, repeats, axis=0)) if sparse else np.repeat(rows, repeats, axis=0))
    if kind == "none":
        assert weighted is repeated is None
        return
    np.testing.assert_allclose(weighted.shift, repeated.shift, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(weighted.scale, repeated.scale, rtol=1e-12)


def test_weighted_standard_scales_are_those_of_scikit_learn():
    theirs = StandardScaler().fit(X, sample_weight=WEIGHT)
    ours = learn("standard", X, WEIGHT)
    np.testing.assert_allclose(ours.shift, theirs.mean_, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(ours.scale, theirs.scale_, rtol=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5, 0.9, 1.0])
def test_weighted_quantiles_are_those_of_repeated_rows(share):
    repeats = ROWS.integers(1, 6, 90)
    expected = np.quantile(np.repeat(X, repeats, axis=0), [share], axis=0)
    np.testing.assert_allclose(quantiles(X, [share], repeats.astype(float)), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(quantiles(X, [share], np.ones(90)), quantiles(X, [share]), rtol=1e-12)


@pytest.mark.parametrize(
    "labels", [(Y > 0.3).astype(int), np.digitize(Y, [-0.5, 0.5]), np.c_[Y > 0, Y > 0.5].astype(int)]
)
def test_balanced_classes_have_equal_weight_whatever_their_rows_weigh(labels):
    """ "balanced" counted rows, not their weight: repeated rows differed from weights by 0.09 in probability."""
    repeats = ROWS.integers(0, 5, 90)
    balanced = network(BPClassifier, class_weight="balanced", dtype="float64", batch_size=1000)
    with pytest.warns(UserWarning, match="clipped"):
        weighted = clone(balanced).fit(X, labels, repeats)
    with pytest.warns(UserWarning, match="clipped"):
        repeated = clone(balanced).fit(np.repeat(X, repeats, axis=0), np.repeat(labels, repeats, axis=0))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-7)
    if labels.ndim == 1:
        weight = with_classes("balanced", labels, repeats.astype(float), np.arange(90))
        totals = np.bincount(labels, weights=weight)
        np.testing.assert_allclose(totals, repeats.sum() / len(totals))


def test_small_class_weights_count_a_weight_of_k_as_k_rows():
    """Their mean is that over the rows that a weight stands for."""
    y, repeats = (Y > 0.3).astype(int), ROWS.integers(1, 5, 90)
    model = network(BPClassifier, class_weight={0: 0.1, 1: 0.7}, alpha=1.0, dtype="float64", batch_size=400)
    with pytest.warns(UserWarning, match="clipped"):
        weighted = clone(model).fit(X, y, repeats)
    with pytest.warns(UserWarning, match="clipped"):
        repeated = clone(model).fit(np.repeat(X, repeats, axis=0), np.repeat(y, repeats))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-7)


def test_a_class_that_no_training_row_has_weighs_nothing():
    weight = with_classes("balanced", np.array([0, 0, 1, 2]), np.zeros(0), np.arange(3))
    np.testing.assert_allclose(weight, [0.75, 0.75, 1.5, 0.0])


# ------------------------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.where(np.arange(90) == 3, -1.0, 1.0), "sample_weight must be >= 0; row 3 has -1"),
        (-2, "sample_weight must be >= 0; row 0 has -2"),
        (np.where(np.arange(90) == 3, np.inf, 1.0), "sample_weight contains infinity"),
        (np.where(np.arange(90) == 3, np.nan, 1.0), "sample_weight contains NaN"),
        (np.zeros(90), "sample_weight must contain at least one non-zero number"),
        (["a"] * 90, "could not convert string"),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_weights_that_are_none_are_named(weight, message, method):
    with pytest.raises(ValueError, match=message):
        getattr(network(), method)(X, Y, weight)


@pytest.mark.parametrize("value", [-1, np.nan, np.inf, "heavy"])
def test_class_weights_that_are_none_are_named(value):
    with pytest.raises(ValueError, match=r"class_weight must be finite and >= 0; class 1 has"):
        network(BPClassifier, class_weight={0: 1, 1: value}).fit(X, (Y > 0).astype(int))


def test_class_weights_must_leave_a_row():
    with pytest.raises(ValueError, match="gives no training row a weight above 0"):
        network(BPClassifier, class_weight={0: 0, 1: 0}).fit(X, (Y > 0).astype(int))
