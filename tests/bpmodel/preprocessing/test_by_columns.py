"""Transformers that are fitted on a few columns at a time are those that are fitted on all at once."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from bpmodel.preprocessing import TablePreprocessor, by_columns
from bpmodel.preprocessing.encodings import CATEGORICAL, NUMERIC

ROWS = 60
KNOWN = {kind.__name__: kind for kind in by_columns.LEARNED}


def numbers(columns=5):
    return np.random.default_rng(0).normal(3, 2, size=(ROWS, columns))


@pytest.mark.parametrize("name", KNOWN)
def test_each_transformer_learns_from_each_column_alone(name, monkeypatch):
    kind = KNOWN[name]
    monkeypatch.setattr(by_columns, "AT_ONCE", 2 * ROWS)
    model = kind(keep_empty_features=True) if kind is SimpleImputer else kind()
    X = numbers()
    assert by_columns.takes(model)
    parts = [clone(model).fit(X[:, some]) for some in by_columns.widths(ROWS, 5)]
    assert len(parts) == 3
    whole, joined = clone(model).fit(X), by_columns.joined(parts)
    np.testing.assert_allclose(joined.transform(X), whole.transform(X), rtol=1e-12, atol=1e-12)
    assert joined.n_features_in_ == 5 if hasattr(whole, "n_features_in_") else True
    assert vars(joined).keys() == vars(whole).keys()


def test_counts_of_columns_with_missing_values_are_joined():
    X = numbers()
    X[0, 0] = np.nan
    joined = by_columns.joined([StandardScaler().fit(X[:, :3]), StandardScaler().fit(X[:, 3:])])
    assert joined.n_samples_seen_.tolist() == StandardScaler().fit(X).n_samples_seen_.tolist()


def test_what_nobody_asked_for_stays_none():
    X = numbers()
    parts = [StandardScaler(with_std=False).fit(X[:, :2]), StandardScaler(with_std=False).fit(X[:, 2:])]
    assert by_columns.joined(parts).scale_ is None


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (FunctionTransformer(), True),
        (FunctionTransformer(np.sort), False),
        (SimpleImputer(), False),
        (SimpleImputer(keep_empty_features=True, add_indicator=True), False),
        (make_pipeline(StandardScaler()), True),
        (make_pipeline(StandardScaler(), memory="cache"), False),
        (type("Mine", (StandardScaler,), {})(), False),
    ],
    ids=lambda given: type(given).__name__,
)
def test_only_transformers_of_the_table_are_taken(model, expected):
    assert by_columns.takes(model) is expected


def mixed():
    random = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "a": random.normal(size=ROWS),
            "gappy": np.where(np.arange(ROWS) % 7, random.lognormal(size=ROWS), np.nan),
            "b": random.normal(1e6, 1, size=ROWS).astype(np.float32),
            "same": 7.1,
            "whole": random.integers(0, 9, ROWS),
            "truth": random.choice([True, False, None], ROWS),
            "date": pd.date_range("2026-01-01", periods=ROWS, freq="9h"),
            "text": random.choice(["x", "y", None], ROWS),
        }
    )


OPTIONS = [*({"numeric": name} for name in NUMERIC), *({"categorical": name} for name in CATEGORICAL)]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("rows", [None, np.arange(0, ROWS, 2)], ids=["all rows", "some rows"])
def test_a_large_table_is_prepared_as_a_small_one(options, rows, monkeypatch):
    frame = mixed()
    taken = frame if rows is None else frame.take(rows)
    whole = TablePreprocessor(**options).fit(taken)
    expected, names = whole.transform(frame), whole.get_feature_names_out()
    monkeypatch.setattr(by_columns, "AT_ONCE", 40)
    parts = TablePreprocessor(**options)
    parts = parts.fit(frame) if rows is None else parts.fit_rows(frame, rows)
    np.testing.assert_allclose(parts.transform(frame), expected, rtol=1e-5, atol=1e-6)
    assert parts.get_feature_names_out().tolist() == names.tolist()
    assert parts.kinds_ == whole.kinds_
    if rows is None:
        np.testing.assert_array_equal(TablePreprocessor(**options).fit_transform(frame), parts.transform(frame))


@pytest.mark.parametrize(("cells", "in_parts"), [(ROWS * 8, False), (ROWS * 8 - 1, True)], ids=["as many", "one fewer"])
def test_tables_of_more_cells_are_learned_in_parts(cells, in_parts, monkeypatch):
    monkeypatch.setattr(by_columns, "AT_ONCE", cells)
    seen = []
    learn = TablePreprocessor._learn_in_parts
    monkeypatch.setattr(TablePreprocessor, "_learn_in_parts", lambda self, *a: (seen.append(1), learn(self, *a)))
    TablePreprocessor().fit(mixed())
    TablePreprocessor().fit_transform(mixed())
    assert bool(seen) is in_parts


def test_numbers_beyond_single_precision_are_refused_in_parts_too(monkeypatch):
    monkeypatch.setattr(by_columns, "AT_ONCE", 10)
    frame = pd.DataFrame(numbers(), columns=list("abcde")).assign(d=1e40)
    with pytest.raises(ValueError, match="column 'd' has values beyond single precision, such as 1e"):
        TablePreprocessor(numeric="none").fit(frame)


def test_pieces_of_rows_are_put_together():
    X = numbers(4)
    seen = []

    def double(rows):
        seen.append(rows)
        return 2 * X[rows]

    by_columns.in_pieces(double, 10, 4)
    assert seen == [slice(0, 10)]
    out = np.empty((ROWS, 4), dtype=np.float32)
    assert by_columns.in_pieces(double, ROWS, by_columns.AT_ONCE, out) is out
    assert len(seen) == 1 + ROWS
    np.testing.assert_allclose(out, 2 * X, rtol=1e-6)
