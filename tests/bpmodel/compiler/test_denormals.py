"""Denormal numbers are 0 while a network trains, and are what they were afterwards."""

import numpy as np
import pytest
from numba import njit

from bpmodel import BPRegressor
from bpmodel.compiler.denormals import HAS_MXCSR, flush_denormals, restore_denormals

TINY = np.float32(1e-30)


@njit
def product(a, b):
    return a * b


@njit
def flushed_product(a, b, out):
    before = flush_denormals()
    for i in range(out.size):
        out[i] = a[i] * b[i]
    restore_denormals(before)


@pytest.mark.skipif(not HAS_MXCSR, reason="this processor has no such register")
def test_denormals_are_zero_in_between_only():
    a, out = np.full(3, TINY), np.ones(3, np.float32)
    flushed_product(a, np.full(3, np.float32(1e-10)), out)
    np.testing.assert_array_equal(out, 0)
    assert product(TINY, np.float32(1e-10)) > 0
    assert TINY * np.float32(1e-10) > 0


@pytest.mark.skipif(not HAS_MXCSR, reason="this processor has no such register")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_predictions_take_denormals_for_zero():
    X = np.full((5, 1), 1e-10, dtype=np.float32)
    model = BPRegressor(hidden_layer_sizes=(), max_iter=1, dtype="float32").fit(X, np.zeros(5))
    model._parameters[:] = TINY, 0
    assert (model.coefs_[0] == TINY).all()
    np.testing.assert_array_equal(model.predict(X), 0)
    model._parameters[:] = 1, 0
    assert (model.predict(X) > 0).all()


@pytest.mark.skipif(not HAS_MXCSR, reason="this processor has no such register")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_weights_without_inputs_do_not_become_denormal():
    """A penalty shrinks them by a factor a step: without the flush they end at 4e-45."""
    rng = np.random.default_rng(0)
    X, y = np.hstack([rng.normal(size=(64, 3)), np.zeros((64, 3))]).astype(np.float32), rng.normal(size=64)
    model = BPRegressor(
        hidden_layer_sizes=(8,),
        solver="sgd",
        momentum=0,
        alpha=10.0,
        batch_size=8,
        learning_rate_init=0.1,
        max_iter=200,
        n_iter_no_change=200,
        dtype="float32",
        random_state=0,
    ).fit(X, y)
    tiny = np.finfo(np.float32).tiny
    weights = np.abs(model.coefs_[0])
    assert (weights[3:] < 1e-36).all()
    assert not ((weights > 0) & (weights < tiny)).any()
    assert TINY * np.float32(1e-10) > 0
