"""How a fit is prepared: weights of rows, rows set aside, means of targets, and the settings that follow from options."""

import tracemalloc
import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array

from bpmodel import BPClassifier, BPRegressor, preparation
from bpmodel.full_batch.training import BLOCK_ROWS
from bpmodel.functions.optimizers import OPTIMIZERS
from bpmodel.functions.schedules import SCHEDULES
from bpmodel.intake.settings import full_batch, minibatch
from bpmodel.preparation import precision, row_weights

# ------------------------------------------------------------------------------------------------- weights of rows


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        (None, []),
        (2, [2.0, 2.0, 2.0]),
        (0.5, [0.5, 0.5, 0.5]),
        ([0, 1, 0], [0.0, 1.0, 0.0]),
        (np.array([1, 2, 3], dtype=np.float32), [1.0, 2.0, 3.0]),
    ],
    ids=str,
)
def test_a_weight_for_each_row(weight, expected):
    found = row_weights(weight, 3)
    assert found.tolist() == expected
    assert found.dtype == (np.float32 if getattr(weight, "dtype", None) == np.float32 else np.float64)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1.0, 2.0], r"sample_weight.shape == \(2,\), expected \(3,\)"),
        ([1.0, 2.0, 3.0, 4.0], r"sample_weight.shape == \(4,\), expected \(3,\)"),
        (np.ones((3, 1)), r"sample_weight.shape == \(3, 1\), expected \(3,\)"),
        ([0.0, 0.0, 0.0], "at least one non-zero number"),
        (0, "at least one non-zero number"),
        ([1.0, np.nan, 1.0], "sample_weight contains NaN"),
    ],
    ids=str,
)
def test_weights_that_are_none(weight, message):
    with pytest.raises(ValueError, match=message):
        row_weights(weight, 3)


# ------------------------------------------------------------------------------------------------- rows


def rows(n, outputs=1):
    random = np.random.default_rng(0)
    y = random.normal(size=(n, outputs))
    return random.normal(size=(n, 3)), y[:, 0] if outputs == 1 else y


@pytest.mark.parametrize(("n", "enough"), [(10, False), (11, True)])
def test_at_least_two_rows_are_set_aside(n, enough):
    """A tenth of them, rounded up."""
    model = BPRegressor(early_stopping=True, validation_fraction=0.1, random_state=0)
    if not enough:
        with pytest.raises(ValueError, match="The validation set is too small"):
            model.begin_fit(*rows(n))
    else:
        training = model.begin_fit(*rows(n))
        assert (len(training.rows.order), len(training.validation.order)) == (9, 2)


def test_classes_are_set_aside_in_equal_shares():
    y = np.repeat([0, 1], [80, 20])
    model = BPClassifier(early_stopping=True, validation_fraction=0.2, random_state=0)
    training = model.begin_fit(rows(100)[0], y)
    assert sorted(y[training.validation.numbers]) == [0] * 16 + [1] * 4


def test_several_outputs_are_set_aside_at_random():
    """Rows of several labels, most of them unlike all others, cannot be shared out equally."""
    y = np.array([[i >> bit & 1 for bit in range(5)] for i in range(32)])
    training = BPClassifier(early_stopping=True, random_state=0).begin_fit(rows(32)[0], y)
    assert len(training.validation.order) == 4


@pytest.mark.parametrize(("noise", "refused"), [(0.0, False), (0.01, True)])
def test_noise_needs_dense_rows(noise, refused):
    X, y = rows(20)
    model = BPRegressor(input_noise=noise)
    if refused:
        with pytest.raises(ValueError, match=r"input_noise=0\.01 needs dense rows; X is sparse"):
            model.begin_fit(csr_array(X), y)
    else:
        model.begin_fit(csr_array(X), y)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((5, 0), r"hidden_layer_sizes must be > 0, got \[5, 0\]"),
        ((5, -1), r"hidden_layer_sizes must be > 0, got \[5, -1\]"),
        ((5, True), r"hidden_layer_sizes must be whole numbers, got \[5, True\]"),
        ((5, 2.0), r"hidden_layer_sizes must be whole numbers, got \[5, 2\.0\]"),
    ],
    ids=str,
)
def test_layers_have_whole_numbers_of_units(sizes, message):
    with pytest.raises(ValueError, match=message):
        BPRegressor(hidden_layer_sizes=sizes).begin_fit(*rows(20))


def test_the_dummy_predictor_of_rows_with_weights():
    """Weights 1 and 3 of the targets 2 and 6: mean 5, mean square 28; half of the variance 3 is its loss."""
    model = BPRegressor().begin_fit(np.zeros((2, 1)), [2.0, 6.0], [1.0, 3.0])
    assert model.baseline == pytest.approx(1.5)


def test_the_dummy_predictor_of_all_parts_so_far():
    """Of 2 and then of 2, 4 and 6: variances 0 and 8/3."""
    model = BPRegressor()
    assert model.begin_fit(np.zeros((1, 1)), [2.0], incremental=True).baseline == pytest.approx(0.0)
    assert model.begin_fit(np.zeros((2, 1)), [4.0, 6.0], incremental=True).baseline == pytest.approx(4 / 3)
    assert model.begin_fit(np.zeros((2, 1)), [4.0, 6.0]).baseline == pytest.approx(0.5)


# ------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("dtype", "n_rows", "incremental", "expected"),
    [
        ("auto", 64, False, "float64"),
        ("auto", 65, False, "float32"),
        ("auto", 64, True, "float32"),
        ("float64", 65, True, "float64"),
        ("float32", 64, False, "float32"),
    ],
)
def test_precision(dtype, n_rows, incremental, expected):
    assert precision(dtype, n_rows, incremental=incremental) == np.dtype(expected)


def settings(n_rows=1000, incremental=False, **options):
    return minibatch(BPRegressor(**options), np.dtype(np.float32), n_rows, 2.5, incremental=incremental)


@pytest.mark.parametrize(
    ("solver", "given", "n_rows", "used"),
    [
        ("adam", "auto", 199, 199),
        ("adam", "auto", 200, 200),
        ("adam", "auto", 201, 200),
        ("rprop", "auto", 1000, 1000),
        ("rprop", 32, 1000, 32),
        ("adam", 1000, 1000, 1000),
    ],
)
def test_batch_size(solver, given, n_rows, used):
    assert settings(n_rows, solver=solver, batch_size=given).batch_size == used


def test_a_batch_larger_than_the_rows_is_cut_with_a_warning():
    with pytest.warns(UserWarning, match="It is going to be clipped"):
        assert settings(31, batch_size=32).batch_size == 31


@pytest.mark.parametrize("solver", OPTIMIZERS)
@pytest.mark.parametrize("given", [None, 0.0, 0.25])
def test_weight_decay_is_the_rules_own_unless_it_is_given(solver, given):
    own = 0.01 if solver == "adamw" else 0.0
    assert settings(solver=solver, weight_decay=given).weight_decay == (own if given is None else given)


@pytest.mark.parametrize(("solver", "used"), [("sgd", "invscaling"), ("adam", "constant")])
def test_schedules_of_sgd_are_constant_elsewhere(solver, used):
    assert settings(solver=solver, learning_rate="invscaling").schedule == SCHEDULES.code(used)
    assert settings(solver=solver, learning_rate="cosine").schedule == SCHEDULES.code("cosine")


@pytest.mark.parametrize(
    ("on_divergence", "watch", "repairing"), [("ignore", False, False), ("stop", True, False), ("repair", True, True)]
)
def test_what_is_watched(on_divergence, watch, repairing):
    found = settings(on_divergence=on_divergence)
    assert (found.watch, found.repairing) == (watch, repairing)
    assert full_batch(BPRegressor(on_divergence=on_divergence), 10).watch is watch


@pytest.mark.parametrize(("incremental", "steady_rows", "probing"), [(False, 1, True), (True, 200, False)])
def test_parts_are_judged_as_two_hundred_rows_and_not_probed(incremental, steady_rows, probing):
    found = settings(incremental=incremental)
    assert (found.steady_rows, found.probing, found.baseline) == (steady_rows, probing, 2.5)


@pytest.mark.parametrize(("given", "used"), [(None, 0.0), (3.0, 3.0)])
def test_no_limit_of_the_norm_is_zero(given, used):
    assert settings(max_norm=given).max_norm == used


@pytest.mark.parametrize(
    ("n_rows", "used"), [(BLOCK_ROWS, BLOCK_ROWS), (BLOCK_ROWS - 1, BLOCK_ROWS - 1), (10**6, BLOCK_ROWS)]
)
def test_full_batches_go_in_blocks(n_rows, used):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert full_batch(BPRegressor(solver="lbfgs"), n_rows).batch_size == used


@pytest.mark.parametrize(("share", "most"), [(1.0, 22), (0.5, 18)])
def test_a_fit_begins_with_few_bytes_for_each_row(share, most):
    """Of a row, its number, its place in the order and its target are kept: 12 bytes. 44 were needed to begin."""
    n = 400_000
    X = np.random.default_rng(0).standard_normal((n, 2), dtype=np.float32)
    model = BPRegressor(hidden_layer_sizes=(4,), batch_size=1000, scale_target=True)
    model.begin_fit(X[:1000], X[:1000, 0])  # imports
    some = np.arange(round(share * n), dtype=np.int32)
    rows = {} if share == 1 else {"rows": some, "validation": np.arange(len(some), n, dtype=np.int32)}
    y = X[:, 0].copy()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    begun = model.begin_fit(X, y, **rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(begun.rows.order) == len(some)
    assert 12 * share < (peak - before) / n < most
    np.testing.assert_array_equal(y, X[:, 0])  # nothing of it was changed


def test_the_means_of_many_targets_are_those_of_all(monkeypatch):
    X = np.random.default_rng(0).standard_normal((1000, 2))
    y, weight = np.stack([X[:, 0], X[:, 1] * 2 + 1], axis=1), np.linspace(0.5, 1, 1000)
    moments = []
    for at_once in (10_000, 300):
        monkeypatch.setattr(preparation, "AT_ONCE", at_once)
        model = BPRegressor(hidden_layer_sizes=(4,))
        model.begin_fit(X, y, weight)
        moments.append(model._moments)
    np.testing.assert_allclose(*moments, rtol=1e-6)
    means = moments[1][1:] / moments[1][0]
    np.testing.assert_allclose(means, [weight @ y / weight.sum(), weight @ y**2 / weight.sum()], rtol=1e-5)
