"""Finite numbers whose sums or squares are not finite: computed in two steps, or refused by name; never a warning of NumPy."""

import numpy as np
import pytest

from bpmodel import BPClassifier, BPEnsembleRegressor, BPRegressor, preflight, sharpness
from bpmodel.functions import scaling
from bpmodel.functions.losses import LOSSES
from bpmodel.network.parameters import held
from bpmodel.preprocessing import RangeScaler, SmoothClipScaler, TargetTransformer

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(30, 2))
Y = X[:, 0] + 0.1
MOST = np.finfo(np.float64).max
FARTHEST = np.where(X > 0, MOST, -MOST)
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::bpmodel.DivergenceWarning"
)


def network(cls=BPRegressor, **options):
    return cls(**{"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0, "dtype": "float64"} | options)


# ------------------------------------------------------------------------------------------------------ rows, targets


@pytest.mark.parametrize("kind", scaling.SCALINGS)
def test_rows_at_both_ends_of_double_precision(kind):
    """The sum by which scikit-learn looks for infinity warned: infinity minus infinity."""
    model = network(scale_input=kind)
    model.fit(FARTHEST, Y)
    assert kind == "none" or model.verdict_.status == "ok", model.verdict_
    if model.verdict_.status == "ok":
        assert np.isfinite(model.predict(FARTHEST)).all()
    assert str(model.diagnose())
    assert model._repr_html_()


@pytest.mark.parametrize("weighted", [False, True])
def test_robust_scaling_of_the_farthest_numbers(weighted):
    """Differences of them are infinite: rows became NaN, or all 0."""
    weight = np.linspace(1, 2, 30) if weighted else None
    for rows in (FARTHEST / 2, X / np.abs(X).max() * 8e307):
        found = scaling.apply(scaling.learn("robust", rows, weight), rows)
        expected = scaling.apply(scaling.learn("robust", rows / 2**900, weight), rows / 2**900)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    found = SmoothClipScaler().fit_transform(FARTHEST)
    assert np.isfinite(found).all()
    assert np.abs(found).max() > 1
    assert np.isfinite(RangeScaler().fit_transform(FARTHEST / 4)).all()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (([[10**400, 1]] * 30, Y), "Input X or y"),
        ((X, [10**400] * 30), "Input X or y"),
        ((X, Y, [10**400] * 30), "sample_weight"),
        ((X, Y, 10**400), "sample_weight"),
    ],
)
def test_whole_numbers_that_no_float_holds(arguments, name):
    """They ended in an OverflowError that named nothing."""
    with pytest.raises(ValueError, match=f"^{name} contains a whole number too large for float64: allowed are"):
        network().fit(*arguments)
    with pytest.raises(ValueError, match="contains a whole number too large"):
        network().fit(X, Y).predict([[10**400, 1]])


def test_a_score_of_targets_whose_squares_are_infinite():
    model, usual = (network(scale_target=True, max_iter=50).fit(X, Y * size) for size in (1e200, 1))
    assert model.score(X, Y * 1e200) == pytest.approx(usual.score(X, Y), abs=1e-6)
    assert usual.score(X, Y) == pytest.approx(1 - np.mean((usual.predict(X) - Y) ** 2) / np.var(Y))
    assert model.score(X, np.column_stack([Y])[:, 0] * -1e200) < 0
    ensemble = BPEnsembleRegressor(network(scale_target=True, max_iter=50), n_members=2, random_state=0)
    expected = ensemble.fit(X, Y).score(X, Y)
    assert ensemble.fit(X, Y * 1e200).score(X, Y * 1e200) == pytest.approx(expected, abs=1e-6)


def test_predictions_beyond_the_largest_number_end_there():
    """A network may be a few standard deviations of the target off: of a target of 1e308 they are infinite."""
    model = network(scale_target=True, hidden_layer_sizes=()).fit(X, np.where(Y > 0, MOST, -MOST))
    model.coefs_[0][:], model.intercepts_[0][:] = 0, 9
    assert (model.predict(X) == MOST).all()
    model.intercepts_[0][:] = np.nan
    assert np.isnan(model.predict(X)).all(), "numbers that are not finite are not made so"


def test_a_complex_weight_is_refused():
    """Its imaginary part was thrown away, with a warning of NumPy."""
    for weight in (1j, np.complex64(1j)):
        with pytest.raises((ValueError, TypeError), match=r"(?i)complex"):
            network().fit(X, Y, weight)


def test_a_mean_of_members_whose_sum_is_infinite():
    members = [network(hidden_layer_sizes=()).fit(X, Y) for _ in range(3)]
    for sign, member in zip((1, 1, -1), members, strict=True):
        member.coefs_[0][:], member.intercepts_[0][:] = 0, sign * MOST
    found = BPEnsembleRegressor.of(members).predict(X)
    np.testing.assert_allclose(found, MOST / 3)


def test_logarithms_of_probabilities_whose_outputs_are_infinitely_far_apart():
    model = network(BPClassifier, hidden_layer_sizes=()).fit(X, np.arange(30) % 3)
    model.coefs_[0][:] = 0
    model.intercepts_[0][:] = [MOST, 0, -MOST]
    assert np.isfinite(model.predict_log_proba(X)).all()
    np.testing.assert_array_equal(model.predict_log_proba(X)[:, 0], 0)


@pytest.mark.parametrize("loss", [name for name, row in LOSSES.items() if row.kind == "regression"])
def test_baselines_of_targets_whose_squares_are_infinite(loss):
    """OverflowError, or a warning of NumPy, where a variance was divided by a mean."""
    model = network(loss=loss).fit(X, np.abs(Y) * 1e200 + 1e200)
    assert model.baseline_loss_ == np.inf
    assert str(model.diagnose())


def test_targets_of_any_size_are_transformed_there_and_back():
    for size in (1e-300, 1.0, 1e306):
        transformer = TargetTransformer(target_transform="log").fit(X * size)
        np.testing.assert_allclose(transformer.inverse_transform(transformer.transform(X * size)), X * size, rtol=1e-9)


# ---------------------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize(("gain", "dtype"), [(1e39, "float32"), (1.7e308, "float64")])
def test_initial_weights_that_a_precision_does_not_hold(gain, dtype):
    """They became infinite, with a warning of NumPy."""
    with pytest.raises(ValueError, match=r"init_gain = .* makes an initial weight of .*; allowed are weights up to"):
        network(init_gain=gain, dtype=dtype, init="he_normal", hidden_layer_sizes=(50,)).fit(X, Y)
    network(init_gain=1e37, dtype="float32").fit(X, Y)


@pytest.mark.parametrize(
    "options",
    [
        {"epsilon": 1e300},
        {"epsilon": 1e-300},
        {"loss": "huber", "huber_delta": 1e300},
        {"loss": "huber", "huber_delta": 1e-300},
        {"beta_1": 1 - 1e-12, "solver": "adam"},
        {"beta_2": 1 - 1e-12, "solver": "adam"},
        {"rho": 1 - 1e-12, "solver": "rmsprop"},
        {"loss": "huber", "huber_delta": 1e300, "solver": "lbfgs"},
    ],
    ids=str,
)
def test_options_that_single_precision_does_not_hold(options):
    """A constant of 1e-300 became 0, a decay rate 1: such fits divided by zero."""
    model = network(dtype="float32", alpha=0.0, max_iter=1, **options).fit(X * np.array([1.0, 0.0]), Y)
    assert "non-finite" not in model.verdict_.reason
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_whole_numbers_of_eight_bits(dtype):
    """`max_iter=np.uint8(3)` was an OverflowError, where its product with a count was computed."""
    small = {
        "max_iter": np.uint8(3),
        "batch_size": np.uint8(30),
        "hidden_layer_sizes": np.array([40, 40], dtype=np.uint8),
    }
    model = network(dtype=dtype, **small).fit(X, Y)
    usual = network(dtype=dtype, max_iter=3, batch_size=30, hidden_layer_sizes=(40, 40)).fit(X, Y)
    np.testing.assert_array_equal(model.predict(X), usual.predict(X))


@pytest.mark.parametrize("dtype", [np.dtype(np.float32), np.dtype(np.float64)])
def test_the_nearest_number_of_a_precision(dtype):
    limits = np.finfo(dtype)
    for value, expected in (
        (1e300, min(1e300, float(limits.max))),
        (5e-324, float(limits.tiny)),
        (0.0, 0.0),
        (0.25, 0.25),
    ):
        assert held(value, dtype) == expected
        assert held(value, dtype).dtype == dtype


# ---------------------------------------------------------------------------------------------------------- weights


def test_validation_rows_without_weight():
    """A fold whose validation rows had all weight 0 was a ZeroDivisionError."""
    weight = (np.arange(30) < 20).astype(float)
    model = network()
    training = model.begin_fit(X, Y, weight, rows=np.arange(20), validation=np.arange(20, 30))
    training.advance(2)
    assert model.end_fit(training).verdict_.status == "ok"
    assert np.isnan(model.history_["validation_score"]).all()
    with pytest.raises(
        ValueError, match="sample_weight is 0 for all validation rows; early_stopping needs a positive one"
    ):
        network(early_stopping=True).begin_fit(
            X, Y, weight, rows=np.arange(20), validation=np.arange(20, 30), stop_on_validation=True
        )


@pytest.mark.parametrize("size", [5e-324, 1e-300, 1e300, MOST])
@pytest.mark.parametrize("solver", ["adam", "lbfgs", "lm"])
def test_weights_of_any_size(size, solver):
    for weight in (np.full(30, size), np.where(np.arange(30) < 15, size, 0.0), np.where(np.arange(30) < 15, size, 1.0)):
        model = network(solver=solver, early_stopping=solver == "adam").fit(X, Y, weight)
        assert model.verdict_.status == "ok", model.verdict_
        assert np.isfinite(model.predict(X)).all()


# --------------------------------------------------------------------------------------------------- before the fit


@pytest.mark.parametrize("size", [1e155, 1e300])
def test_what_is_told_before_a_fit(size):
    model = network(solver="sgd")
    assert "unscaled_input" in preflight(model, X * size, Y).codes
    assert "unscaled_target" in preflight(model, X, Y * size).codes
    assert sharpness(model, X * size, Y) == np.inf
