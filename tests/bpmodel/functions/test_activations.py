"""Every activation is finite, differentiable as it says, the same in both precisions; those that exist today have a formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erf, expit, log_ndtr, ndtr

from bpmodel.compiler.arithmetic import exp, like, log1p_unit, normal_cdf
from bpmodel.compiler.kernels import kernel
from bpmodel.functions.activations import ACTIVATIONS
from bpmodel.functions.initializers import INITIALIZERS

FORMULAS = {
    "identity": lambda z: z,
    "logistic": expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.maximum(0.01 * z, z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "selu": lambda z: 1.0507009873554805 * np.where(z > 0, z, 1.6732632423543772 * np.expm1(np.minimum(z, 0))),
    "gelu": lambda z: 0.5 * z * (1 + erf(z / np.sqrt(2))),
    "silu": lambda z: z * expit(z),
    "mish": lambda z: z * np.tanh(np.logaddexp(0, z)),
    "softplus": lambda z: np.logaddexp(0, z),
}
LIMITS = {
    "tanh": (-1, 1),
    "logistic": (0, 1),
    "relu": (0, np.inf),
    "elu": (-1, np.inf),
    "selu": (-1.0507009873554805 * 1.6732632423543772, np.inf),
    "softplus": (0, np.inf),
}
DTYPES = {"float32": np.float32, "float64": np.float64}
POINTS = np.linspace(-20, 20, 401).astype(np.float32).astype(np.float64) + 0.015625  # none is a kink at zero

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)


@kernel
def exponential(x):
    return exp(x)


@kernel
def log_of_one_plus(x):
    return log1p_unit(x)


@kernel
def normal_distribution(x):
    return normal_cdf(x)


def over(function, values, dtype):
    return np.array([function(dtype(v)) for v in values], dtype=np.float64)


def slopes(row, points, dtype):
    """As the backward pass asks for them: from the output alone where the row says that this is enough."""
    outputs = [dtype(row.value(dtype(z))) for z in points]
    inputs = outputs if row.from_output else [dtype(z) for z in points]
    return np.array([row.slope(a, z) for a, z in zip(outputs, inputs, strict=True)], dtype=np.float64)


def test_every_activation_has_a_formula():
    assert set(FORMULAS) == set(ACTIVATIONS)


@every_dtype
@pytest.mark.parametrize("name", FORMULAS)
def test_value_is_the_formula(name, dtype):
    values = over(ACTIVATIONS[name].value, POINTS, dtype)
    tolerance = {"rtol": 3e-7, "atol": 2e-6} if dtype is np.float32 else {"rtol": 1e-14, "atol": 1e-15}
    np.testing.assert_allclose(values, FORMULAS[name](POINTS), **tolerance)


@every_activation
def test_slope_is_the_derivative(name):
    step, row = 1e-5, ACTIVATIONS[name]
    above, below = (over(row.value, POINTS + sign * step, np.float64) for sign in (1, -1))
    np.testing.assert_allclose(slopes(row, POINTS, np.float64), (above - below) / (2 * step), rtol=1e-8, atol=1e-9)


@every_activation
def test_single_precision_agrees_with_double(name):
    row = ACTIVATIONS[name]
    single, double = (
        (over(row.value, POINTS, dtype), slopes(row, POINTS, dtype)) for dtype in (np.float32, np.float64)
    )
    np.testing.assert_allclose(single, double, rtol=1e-6, atol=3e-6)


@every_dtype
@every_activation
def test_finite_far_out_and_nan_is_not_hidden(name, dtype):
    row = ACTIVATIONS[name]
    far = [-50.0, 50.0]
    assert np.isfinite(over(row.value, far, dtype)).all()
    assert np.isfinite(slopes(row, far, dtype)).all()
    assert np.isnan(row.value(dtype(np.nan)))


@every_dtype
@pytest.mark.parametrize(("name", "peak"), [("tanh", 1.0), ("logistic", 0.25)])
def test_slope_peaks_at_zero_and_vanishes_far_out(name, peak, dtype):
    slope = slopes(ACTIVATIONS[name], [0.0, *POINTS, -50.0, 50.0], dtype)
    assert slope[0] == peak
    assert slope[1:].max() < peak
    assert slope[1:].min() >= 0
    assert slope[-2:].max() < 1e-20


@every_dtype
@pytest.mark.parametrize(("name", "low", "high"), [(name, *limits) for name, limits in LIMITS.items()])
def test_limits(name, low, high, dtype):
    at_limits = over(ACTIVATIONS[name].value, [-1e30, 1e30], dtype)
    high = float(dtype(1e30)) * (1.0507009873554805 if name == "selu" else 1) if high == np.inf else high
    np.testing.assert_allclose(at_limits, [low, high], rtol=1e-6, atol=1e-37)


def test_selu_keeps_mean_and_variance():
    """Its two numbers are the fixed point (0, 1) of both, by numerical integration."""
    z = np.linspace(-12, 12, 100_001)
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    a = FORMULAS["selu"](z)
    np.testing.assert_allclose([np.trapezoid(a * density, z), np.trapezoid(a * a * density, z)], [0, 1], atol=1e-6)


@every_activation
def test_the_row_is_complete(name):
    row = ACTIVATIONS[name]
    assert row.name == name
    assert row.meaning
    assert row.init in INITIALIZERS


# ------------------------------------------------------------------------------------- the functions they rest on


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


@pytest.mark.parametrize(("x", "taken"), [(-87.32, -87.32), (-87.4, -87.33), (88.36, 88.36), (88.4, 88.37)])
def test_exp_is_exact_up_to_where_it_is_held(x, taken):
    np.testing.assert_allclose(exponential(np.float32(x)), np.exp(np.float64(np.float32(taken))), rtol=3e-6)


def test_exp_in_double_precision_is_the_library_call():
    np.testing.assert_allclose(over(exponential, POINTS, np.float64), np.exp(POINTS), rtol=1e-15)


@every_dtype
def test_log1p_on_the_unit_interval(dtype):
    u = np.linspace(0, 1, 10_001).astype(dtype)
    exact = np.log1p(u.astype(np.float64))
    np.testing.assert_allclose(over(log_of_one_plus, u, dtype), exact, rtol=5e-7 if dtype is np.float32 else 1e-15)


@every_dtype
def test_normal_distribution_function(dtype):
    x = np.linspace(-9, 9, 10_001).astype(dtype)
    exact = ndtr(x.astype(np.float64))
    np.testing.assert_allclose(over(normal_distribution, x, dtype), exact, atol=2e-7 if dtype is np.float32 else 1e-15)
    assert np.isnan(normal_distribution(dtype(np.nan)))


def test_normal_distribution_function_far_below_in_double_precision():
    x = np.linspace(-30, -5, 101)
    np.testing.assert_allclose(np.log(over(normal_distribution, x, np.float64)), log_ndtr(x), rtol=1e-13)


OUTSIDE = {
    "exp": (exp, (1.0,), r"numpy\.exp"),
    "log1p_unit": (log1p_unit, (1.0,), r"numpy\.log1p"),
    "normal_cdf": (normal_cdf, (1.0,), r"scipy\.special\.ndtr"),
    "like": (like, (1.0, 2.0), "inside a kernel"),
}


@pytest.mark.parametrize(("function", "arguments", "message"), OUTSIDE.values(), ids=OUTSIDE)
def test_outside_a_kernel_it_says_what_to_use(function, arguments, message):
    with pytest.raises(TypeError, match=message):
        function(*arguments)
