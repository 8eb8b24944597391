"""What a fit takes is counted before it begins."""

import numpy as np
import pytest

from bpmodel import BPClassifier, BPRegressor
from bpmodel.network import sizes
from bpmodel.network.fit import new_history
from bpmodel.network.parameters import build

X, Y = np.random.default_rng(0).normal(size=(30, 3)), np.arange(30.0)


@pytest.mark.parametrize("normalization", ["none", "layer"])
@pytest.mark.parametrize("units", [[3, 1], [3, 7, 2], [3, 7, 5, 2]])
def test_the_parameters_are_those_of_the_network(units, normalization):
    network = build(
        units, ["relu"] * (len(units) - 2), "squared_error", np.dtype(np.float32), normalization=normalization
    )
    found = sizes.demand(units, 4, slots=2, normalized=normalization != "none")
    assert found.parameters == network.parameters.size
    assert found.weights == 4 * (sizes.COPIES + 2) * network.parameters.size


def test_the_curves_are_those_of_a_fit():
    curves = new_history(50, 3)
    assert sizes.demand([3, 7, 5, 2], 4, epochs=50).history == sum(curve.nbytes for curve in curves)


REFUSED = {
    "two wide layers": (
        {"hidden_layer_sizes": (10**6, 10**6)},
        r"hidden_layer_sizes = \[1000000, 1000000\]: a fit of a network with 1,000,006,000,001 weights and biases would take "
        r"[\d,.]+ GB of memory; allowed are [\d,.]+ GB, which this process can have",
    ),
    "many layers": ({"hidden_layer_sizes": [10**5] * 1000}, r"hidden_layer_sizes = \[100000, .*weights and biases"),
    "an array": ({"hidden_layer_sizes": np.array([10**6, 10**6])}, r"hidden_layer_sizes = \[1000000, 1000000\]"),
    "a full-batch solver": ({"hidden_layer_sizes": (10**6, 10**6), "solver": "lbfgs"}, "weights and biases"),
    "curves of many layers": (
        {"hidden_layer_sizes": [2] * 1000, "max_iter": 10**7},
        r"max_iter = 10000000: a fit with the curves of all epochs would take [\d,.]+ GB of memory",
    ),
}


@pytest.mark.parametrize("kind", [BPRegressor, BPClassifier])
@pytest.mark.parametrize("name", REFUSED)
def test_a_fit_that_memory_does_not_hold_is_refused_with_the_count(kind, name):
    """The process was killed without a message."""
    options, told = REFUSED[name]
    with pytest.raises(ValueError, match=told):
        kind(**options).fit(X, Y > 14 if kind is BPClassifier else Y)


def test_partial_fit_counts_too():
    with pytest.raises(ValueError, match="weights and biases"):
        BPRegressor(hidden_layer_sizes=(10**6, 10**6)).partial_fit(X, Y)


def test_just_what_there_is_is_allowed(monkeypatch):
    found = sizes.demand([3, 7, 1], 8, slots=2, batch=30, epochs=2)
    network = BPRegressor(hidden_layer_sizes=(7,), max_iter=2, tol=0, n_iter_no_change=5)
    for less, told in ((0, None), (1, "batch_size = .auto.: a fit with the outputs of all units")):
        monkeypatch.setattr(sizes, "memory", lambda less=less: found.total - less)
        if told is None:
            with pytest.warns(UserWarning, match="Maximum iterations"):
                network.fit(X, Y)
        else:
            with pytest.raises(ValueError, match=told):
                network.fit(X, Y)


@pytest.mark.parametrize(("batch", "total"), [(1000, 4 * 1000 * 3007), (1, None)])
def test_wide_layers_and_large_batches_are_counted_together(monkeypatch, batch, total):
    wide = sizes.demand([3, 1000, 1], 4, batch=batch)
    monkeypatch.setattr(sizes, "memory", lambda: wide.total - 1)
    told = {name: name for name in ("weights", "outputs", "history")}
    with pytest.raises(ValueError, match="outputs of all units" if total else "weights and biases"):
        sizes.check(wide, lambda: told)
