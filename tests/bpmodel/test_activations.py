"""Every activation against its NumPy formula, its slope against finite differences, and the exponential they rest on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpmodel.activations import ACTIVATIONS
from bpmodel.compiled import exp, kernel

FORMULAS = {
    "identity": lambda z: z,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
}
DTYPES = {"float32": np.float32, "float64": np.float64}
POINTS = np.linspace(-20, 20, 801) + 0.0125  # no point is the kink of relu

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)


@kernel
def exponential(x):
    return exp(x)


def over(function, values, dtype):
    return np.array([function(dtype(v)) for v in values], dtype=np.float64)


def test_every_row_has_a_formula_here():
    assert set(FORMULAS) == set(ACTIVATIONS)


@every_dtype
@every_activation
def test_value_is_the_formula(name, dtype):
    expected = FORMULAS[name](POINTS.astype(dtype).astype(np.float64))
    tolerance = 3e-7 if dtype is np.float32 else 1e-15
    np.testing.assert_allclose(over(ACTIVATIONS[name].value, POINTS, dtype), expected, rtol=tolerance, atol=tolerance)


@every_dtype
@every_activation
def test_slope_is_the_derivative(name, dtype):
    step = 1e-6
    formula, row = FORMULAS[name], ACTIVATIONS[name]
    expected = (formula(POINTS + step) - formula(POINTS - step)) / (2 * step)
    slope = over(row.slope, over(row.value, POINTS, dtype), dtype)
    np.testing.assert_allclose(slope, expected, rtol=1e-8, atol=1e-6 if dtype is np.float32 else 1e-9)


@every_dtype
@pytest.mark.parametrize(("name", "peak"), [("tanh", 1.0), ("logistic", 0.25)])
def test_slope_peaks_at_zero_and_vanishes_far_out(name, peak, dtype):
    row = ACTIVATIONS[name]
    slope = over(row.slope, over(row.value, [0.0, *POINTS, -50.0, 50.0], dtype), dtype)
    assert slope[0] == peak
    assert slope[1:].max() < peak
    assert slope[1:].min() >= 0
    assert slope[-2:].max() < 1e-20


@every_dtype
@every_activation
def test_nan_is_not_hidden(name, dtype):
    assert np.isnan(ACTIVATIONS[name].value(dtype(np.nan)))


@every_dtype
@pytest.mark.parametrize(("name", "low", "high"), [("tanh", -1, 1), ("logistic", 0, 1), ("relu", 0, np.inf)])
def test_limits(name, low, high, dtype):
    at_limits = over(ACTIVATIONS[name].value, [-np.inf, np.inf], dtype)
    np.testing.assert_allclose(at_limits, [low, high], atol=1e-37)


@settings(max_examples=300, deadline=None)
@given(st.floats(-87, 88, width=32))
def test_exp_in_single_precision(x):
    exact = np.exp(np.float64(x))
    assert abs(exponential(np.float32(x)) - exact) < 3e-7 * exact


def test_exp_on_a_grid_over_its_whole_range():
    x = np.linspace(-87, 88, 100_001, dtype=np.float32)
    exact = np.exp(x.astype(np.float64))
    assert np.max(np.abs(over(exponential, x, np.float32) / exact - 1)) < 3e-7


def test_exp_beyond_its_range():
    assert np.isnan(exponential(np.float32(np.nan)))
    assert exponential(np.float32(0)) == 1
    for x in (-87.33, -1e4, -np.inf):
        assert 0 < exponential(np.float32(x)) < 2e-38
    for x in (88.37, 1e4, np.inf):
        assert 1e38 < exponential(np.float32(x)) < np.inf


def test_exp_in_double_precision_is_the_library_call():
    np.testing.assert_allclose(over(exponential, POINTS, np.float64), np.exp(POINTS), rtol=1e-15)


def test_exp_outside_a_kernel_says_what_to_use():
    with pytest.raises(TypeError, match=r"numpy\.exp"):
        exp(1.0)
