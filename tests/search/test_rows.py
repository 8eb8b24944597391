"""Rows of every kind of table, against scikit-learn's private functions of the same purpose."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.sparse import coo_array, csr_array, issparse
from sklearn.svm import SVC
from sklearn.utils import _safe_indexing
from sklearn.utils.metaestimators import _safe_split

from search.rows import feature_names, params_of, split, take

ROWS = np.array([3, 0, 0, 2])
TABLE = pd.DataFrame({"a": [1.5, 2.5, 3.5, 4.5], "b": list("wxyz")}, index=[7, 7, 8, 9])
KINDS = {
    "array": np.arange(8.0).reshape(4, 2),
    "vector": np.array(list("abcd")),
    "list": [[1, 2], [3], [], [4]],
    "tuple": ("a", "b", "c", "d"),
    "sparse array": csr_array(np.eye(4)),
    "table": TABLE,
    "column": TABLE["b"],
    "extension column": TABLE["b"].astype("category"),
    "arrow table": pa.Table.from_pandas(TABLE.reset_index(drop=True)),
    "arrow column": pa.chunked_array([[1, 2], [3, 4]]),
}


def plain(rows):
    return rows.to_pylist() if hasattr(rows, "to_pylist") else rows.toarray() if issparse(rows) else rows


@pytest.mark.parametrize("X", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("rows", [ROWS, np.array([], dtype=int)], ids=["some", "none"])
def test_rows_are_what_scikit_learn_takes(X, rows):
    ours, theirs = take(X, rows), _safe_indexing(X, rows)
    assert type(ours) is type(theirs)
    if isinstance(ours, pd.DataFrame | pd.Series):
        assert ours.equals(theirs)
    np.testing.assert_array_equal(np.asarray(plain(ours), dtype=object), np.asarray(plain(theirs), dtype=object))


def test_rows_of_a_table_are_a_copy():
    part = take(TABLE, np.array([0, 1]))
    part["a"] = 0.0
    assert TABLE["a"].tolist() == [1.5, 2.5, 3.5, 4.5]


@pytest.mark.parametrize("kernel", ["rbf", "precomputed"])
def test_a_kernel_matrix_is_cut_on_both_sides(kernel):
    X, y, model = np.arange(16.0).reshape(4, 4), np.array([0, 1, 0, 1]), SVC(kernel=kernel)
    rows, train = np.array([1, 3]), np.array([0, 2, 1])
    for ours, theirs in zip(split(model, X, y, rows, train), _safe_split(model, X, y, rows, train), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert split(model, X, None, rows, train)[1] is None


def test_arguments_with_a_value_for_each_row_are_cut():
    params = {
        "list": [1, 2, 3, 4],
        "column": TABLE["a"],
        "sparse": coo_array(np.eye(4)),
        "text of four": "abcd",
        "bytes of four": b"abcd",
        "dict of four": dict.fromkeys("abcd"),
        "short": [1, 2],
        "number": 4,
        "array without rows": np.array(4.0),
        "none": None,
    }
    found = params_of(KINDS["array"], params, np.array([2, 1]))
    assert found["list"] == [3, 2]
    assert found["column"].tolist() == [3.5, 2.5]
    assert found["sparse"].toarray().tolist() == [[0, 0, 1, 0], [0, 1, 0, 0]]
    assert all(found[name] is params[name] for name in list(params)[3:])
    assert list(params_of([[1]] * 4, params, np.array([0]))["list"]) == [1]


def test_feature_names():
    assert feature_names(TABLE).tolist() == ["a", "b"]
    assert feature_names(KINDS["array"]) is None
    assert feature_names(["no", "table"]) is None
    assert feature_names(TABLE.set_axis([0, 1], axis=1)) is None
    with pytest.raises(TypeError, match="string names"):
        feature_names(TABLE.set_axis(["a", 1], axis=1))
