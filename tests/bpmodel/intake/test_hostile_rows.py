"""Rows that scikit-learn lets pass and compiled code would read beyond, masked values, and errors of several lines."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import bsr_array, coo_array, csc_array, csr_array, csr_matrix

from bpmodel import BPClassifier, BPEnsembleRegressor, BPRegressor
from bpmodel.intake.rows import row_numbers
from search import BPSearchCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 200
ROWS = np.random.default_rng(0).normal(size=(N, 3))
TARGET = ROWS[:, 0]
MASK = np.arange(N) == 7


def network():
    return BPRegressor(hidden_layer_sizes=(8,), max_iter=3, random_state=0)


def compressed(kind, indices, indptr, blocks=False):
    """Return a matrix whose arrays were set one by one, which is how SciPy comes to check nothing."""
    made = kind((N, 3))
    made.data = np.ones((len(indices), 1, 1) if blocks else len(indices))
    made.indices, made.indptr = np.asarray(indices, np.int32), np.asarray(indptr, np.int32)
    return made


def coordinates(row, column):
    made = coo_array((np.ones(2), ([0, 1], [0, 1])), shape=(N, 3))
    made.coords = (np.array([0, row]), np.array([0, column]))
    return made


def listed():
    made = csr_array((N, 3)).tolil()
    made.rows[0], made.data[0] = [10**6], [1.0]
    return made


EVERY = np.arange(N + 1)
BROKEN = {
    "column beyond": lambda: compressed(csr_array, np.full(N, 10**6), EVERY),
    "column of a csr_matrix": lambda: csr_matrix((np.ones(N), np.full(N, 10**6), EVERY), shape=(N, 3)),
    "column below 0": lambda: compressed(csr_array, np.full(N, -(10**6)), EVERY),
    "ends beyond": lambda: compressed(csr_array, np.zeros(N), np.r_[0, np.full(N, 10**7)]),
    "ends that go back": lambda: compressed(csr_array, np.zeros(N), np.r_[0, np.full(N - 1, 10**7), N]),
    "rows of columns": lambda: compressed(csc_array, np.full(3, 10**7), np.arange(4)),
    "blocks": lambda: compressed(bsr_array, np.full(N, 10**6), EVERY, blocks=True),
    "coordinates beyond": lambda: coordinates(10**7, 1),
    "coordinates below 0": lambda: coordinates(1, -(10**7)),
    "lists": listed,
}


@pytest.mark.parametrize("make", BROKEN.values(), ids=BROKEN)
def test_sparse_rows_with_indices_outside_ended_the_process_bug(make):
    fitted = network().fit(ROWS, TARGET)
    told = r"^X is a broken (csr|csc|bsr|coo|lil) matrix: [^\n]*$"
    with pytest.raises(ValueError, match=told):
        network().fit(make(), TARGET)
    with pytest.raises(ValueError, match=told):
        fitted.predict(make())
    with pytest.raises(ValueError, match=told):
        network().fit(ROWS, TARGET, X_val=make(), y_val=TARGET)
    with pytest.raises(ValueError, match=told):
        BPEnsembleRegressor(network(), n_members=2).fit(make(), TARGET)
    with pytest.raises(ValueError, match=told):
        BPSearchCV(network(), {"alpha": [0.1, 1.0]}, n_trials=2, cv=2).fit(make(), TARGET)


def test_sparse_rows_of_any_kind_are_rows():
    dense = network().fit(ROWS, TARGET).predict(ROWS)
    for kind in ("csr", "csc", "coo", "lil", "dok", "bsr"):
        rows = csr_array(ROWS).asformat(kind)
        np.testing.assert_allclose(network().fit(rows, TARGET).predict(rows), dense, rtol=1e-3, atol=1e-4)


MASKED = {
    "X": lambda model, masked: model.fit(masked(ROWS), TARGET),
    "y": lambda model, masked: model.fit(ROWS, masked(TARGET)),
    "sample_weight": lambda model, masked: model.fit(ROWS, TARGET, masked(np.ones(N))),
    "y_val": lambda model, masked: model.fit(ROWS, TARGET, X_val=ROWS, y_val=masked(TARGET)),
}


@pytest.mark.parametrize(("name", "fit"), MASKED.items(), ids=MASKED)
def test_what_stands_behind_a_mask_was_learned_bug(name, fit):
    def masked(values):
        return np.ma.masked_array(np.where(np.isin(values, values[7]), 1e6, values), mask=np.isin(values, values[7]))

    first = 0 if name == "sample_weight" else 7
    with pytest.raises(ValueError, match=f"^{name} has masked values, the first in row {first}: fill them"):
        fit(network(), masked)
    fit(network(), np.ma.masked_array)  # a mask that hides nothing


def test_a_search_learns_nothing_behind_a_mask_either():
    search = BPSearchCV(network(), {"alpha": [0.1, 1.0]}, n_trials=2, cv=2)
    with pytest.raises(ValueError, match=r"^y has masked values, the first in row 7"):
        search.fit(ROWS, np.ma.masked_array(TARGET, mask=MASK))
    with pytest.raises(ValueError, match=r"^X has masked values, the first in row 7"):
        search.fit(np.ma.masked_array(ROWS, mask=np.c_[MASK, MASK, MASK]), TARGET)


NAMED = pd.DataFrame(ROWS, columns=["a", "b", "c"])
TOLD = {
    "missing": (
        lambda: network().fit(np.where(ROWS > 2, np.nan, ROWS), TARGET),
        "^Input X contains NaN. BPRegressor does",
    ),
    "one dimension": (
        lambda: network().fit(TARGET, TARGET),
        "^Expected 2D array, got 1D array instead: array=.*Reshape",
    ),
    "a row": (lambda: network().fit(ROWS, TARGET).predict(ROWS[0]), "^Expected 2D array, got 1D array instead: array="),
    "columns": (
        lambda: network().fit(NAMED, TARGET).predict(NAMED.rename(columns={"a": "new\x1b[2J\nline"})),
        r"^The feature names should match .* unseen at fit time: - new\\u001b\[2J line Feature names seen .*: - a$",
    ),
    "ensemble": (
        lambda: BPEnsembleRegressor(network()).fit(np.where(ROWS > 2, np.nan, ROWS), TARGET),
        "^Input X contains NaN. BPEnsembleRegressor does",
    ),
    "classes": (lambda: BPClassifier().fit(ROWS * np.nan, TARGET > 0), "^Input X contains NaN. BPClassifier does not"),
}


@pytest.mark.parametrize(("call", "told"), TOLD.values(), ids=TOLD)
def test_errors_had_several_lines_bug(call, told):
    with pytest.raises(ValueError, match=told) as caught:
        call()
    assert "\n" not in str(caught.value)


LIES = {
    "beyond": ([0, N], f"rows: there is no row {N}; allowed are the numbers of {N} rows, -{N} to {N - 1}"),
    "far beyond": ([0, 2**32], f"rows: there is no row {2**32}"),
    "below": ([-N - 1], f"rows: there is no row -{N + 1}"),
    "fractions": ([0.7, 1.2], "rows is an array of float64 of shape (2,)"),
    "a mask of other rows": ([True] * 30, "rows is an array of bool of shape (30,)"),
    "texts": (["1", "2"], "rows is an array of <U1 of shape (2,)"),
    "two dimensions": ([[0, 1]], "rows is an array of int64 of shape (1, 2)"),
    "none": ([], "rows has no rows"),
}


@pytest.mark.parametrize(("rows", "told"), LIES.values(), ids=LIES)
def test_numbers_of_no_rows_are_named(rows, told):
    with pytest.raises(ValueError, match="^" + re.escape(told)):
        network().begin_fit(ROWS, TARGET, rows=rows)


def test_a_mask_was_taken_for_the_rows_0_and_1_bug():
    training = network().begin_fit(ROWS, TARGET, rows=~MASK, validation=MASK)
    assert sorted(training.rows.numbers.tolist()) == np.flatnonzero(~MASK).tolist()
    assert training.validation.numbers.tolist() == [7]


def test_numbers_of_the_right_type_are_not_copied():
    rows = np.arange(5, dtype=np.int32)
    assert row_numbers(rows, 5, "rows") is rows
