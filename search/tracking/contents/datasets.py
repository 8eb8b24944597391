"""What MLflow is told of a study's data: a name, where it is, a digest, its columns and their types, and no cell of it.

The texts are those of `mlflow.data.from_pandas` and `mlflow.data.from_numpy`, so that MLflow shows and reads them
as its own. They are made without MLflow, which takes seconds to import.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

LONGEST_NAME, LONGEST_SOURCE, LONGEST_SCHEMA = 500, 60_000, 1_000_000
"""Characters of these texts; MLflow takes 500, 65,535 and 1,048,575."""

LISTED_COLUMNS = 1000
"""Columns that a schema lists, the first ones and the targets; of wider tables, the profile counts all."""

CONTEXT = {"mlflow.data.context": "training"}
"""The tag of an input by which MLflow's UI says what it was used for."""

TYPES = {
    "boolean": "boolean",
    "integer": "long",
    "floating": "double",
    "mixed-integer-float": "double",
    "decimal": "double",
    "bytes": "binary",
    "string": "string",
    "empty": "string",
    "date": "datetime",
    "datetime": "datetime",
    "datetime64": "datetime",
}
"""MLflow's type for each of what pandas infers of objects; any other is `OTHER`."""

OTHER = "any"


@dataclass(frozen=True)
class DataEntry:
    """The entry of a table in MLflow.

    Attributes
    ----------
    name : str
    digest : str
        Short text that tells these rows from others.
    source_type, source : str
        A kind that MLflow knows (``local``, ``code``), and where the rows come from, in JSON.
    schema, profile : str
        Columns with their types, and number of rows, in JSON.
    """

    name: str
    digest: str
    source_type: str
    source: str
    schema: str
    profile: str


def of_table(name: str, digest: str, source: Mapping[str, str], X: pd.DataFrame, y: Any, target: str) -> DataEntry:
    """Return the entry of a table whose columns have names.

    Parameters
    ----------
    name, digest : str
    source : mapping
        One of `local` and `other`.
    X : DataFrame of shape (n, columns)
    y : array of shape (n,) or (n, outputs), or None
    target : str
        Name of the target; of several outputs, each has its number.

    Examples
    --------
    >>> entry = of_table("a.csv", "12ab", local("data/a.csv"), pd.DataFrame({"area": [30.5, None]}), np.array([1, 2]), "price")
    >>> json.loads(entry.schema)["mlflow_colspec"][0]
    {'type': 'double', 'name': 'area', 'required': False}
    >>> entry.source_type, entry.source, entry.profile
    ('local', '{"uri": "data/a.csv"}', '{"num_rows": 2, "num_elements": 4}')
    """
    targets = _targets(y, target)
    shown = max(LISTED_COLUMNS - len(targets), 0)
    listed = [_column(str(label), X.iloc[:, i]) for i, label in enumerate(X.columns[:shown])]
    outputs = [_column(label, values) for label, values in targets.items()]
    n_columns = X.shape[1] + len(targets)
    schema = _schema(listed, outputs[:LISTED_COLUMNS])
    profile = {"num_rows": len(X), "num_elements": len(X) * n_columns}
    if len(schema) < n_columns:
        profile["num_columns"] = n_columns
    return _entry(name, digest, source, {"mlflow_colspec": schema}, profile)


def of_arrays(name: str, digest: str, source: Mapping[str, str], X: Any, y: Any) -> DataEntry:
    """Return the entry of rows without names of columns: arrays, sparse ones, lists of texts. Arguments are those of `of_table`.

    >>> entry = of_arrays("data", "12ab", other("my.py"), np.zeros((5, 2)), None)
    >>> json.loads(json.loads(entry.schema)["mlflow_tensorspec"]["features"])
    [{'type': 'tensor', 'tensor-spec': {'dtype': 'float64', 'shape': [-1, 2]}}]
    """
    features = X if issparse(X) else _array(X)
    profile: dict[str, Any] = {"features_shape": list(features.shape), "features_size": int(np.prod(features.shape))}
    schema = {"features": _tensor(features), "targets": None}
    if y is not None:
        targets = _array(y)
        profile |= {"targets_shape": list(targets.shape), "targets_size": int(targets.size)}
        schema["targets"] = _tensor(targets)
    return _entry(name, digest, source, {"mlflow_tensorspec": schema}, profile)


def of_rows(X: Any, y: Any, name: str = "data", where: str = "a program") -> DataEntry:
    """Return the entry of what an estimator is fitted on: a table or anything else that has rows."""
    source = other(where)
    if isinstance(X, pd.DataFrame) and all(isinstance(label, str) for label in X.columns):
        return of_table(name, digest_of(X, y), source, X, y, str(getattr(y, "name", None) or "target"))
    return of_arrays(name, digest_of(X, y), source, X, y)


def local(path: str) -> dict[str, str]:
    """Return the source of a file."""
    return {"type": "local", "source": json.dumps({"uri": path[:LONGEST_SOURCE]})}


def other(where: str) -> dict[str, str]:
    """Return the source of rows that are in no file: a database without its password, a data set of scikit-learn, a program."""
    return {"type": "code", "source": json.dumps({"tags": {"mlflow.source.name": where[:LONGEST_SOURCE]}})}


def digest_of(X: Any, y: Any) -> str:
    """Return a hash of all values, column names and types.

    Examples
    --------
    >>> X = pd.DataFrame({"a": [1.0, 2.0]})
    >>> digest_of(X, [0, 1]) == digest_of(X.copy(), np.array([0, 1])), digest_of(X, [0, 1]) == digest_of(X, [1, 0])
    (True, False)
    """
    digest = hashlib.sha256()
    for part in _hashed(X):
        digest.update(part)
    if y is not None:
        for part in _hashed(_array(y)):
            digest.update(part)
    return digest.hexdigest()[:16]


def _hashed(values: Any) -> Iterable[bytes]:
    if isinstance(values, pd.DataFrame):
        yield repr(list(zip(values.columns, values.dtypes.astype(str), strict=True))).encode()
        yield _cells(values)
    elif issparse(values):
        rows = csr_array(values)
        yield repr((rows.shape, str(rows.dtype))).encode()
        yield from (np.ascontiguousarray(part).tobytes() for part in (rows.data, rows.indices, rows.indptr))
    else:
        array = _array(values)
        yield repr((array.shape, str(array.dtype))).encode()
        plain = array.dtype.kind in "biufcmM"
        yield np.ascontiguousarray(array).tobytes() if plain else _cells(pd.DataFrame(array.reshape(len(array), -1)))


def _array(values: Any) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError:  # rows of different lengths, which some pipelines take
        rows = np.empty(len(values), dtype=object)
        rows[:] = list(values)
        return rows


def _cells(table: pd.DataFrame) -> bytes:
    try:
        hashes = pd.util.hash_pandas_object(table, index=False)
    except TypeError:  # cells that have no hash, such as lists
        hashes = pd.util.hash_pandas_object(table.map(repr), index=False)
    return hashes.to_numpy().tobytes()


def _entry(name: str, digest: str, source: Mapping[str, str], schema: object, profile: object) -> DataEntry:
    return DataEntry(
        (name or "data")[:LONGEST_NAME],
        digest,
        source["type"],
        source["source"],
        json.dumps(schema),
        json.dumps(profile),
    )


def _targets(y: Any, target: str) -> dict[str, pd.Series]:
    if y is None:
        return {}
    if isinstance(y, pd.DataFrame):
        return {str(label): y.iloc[:, i] for i, label in enumerate(y.columns)}
    values = np.asarray(y)
    if values.ndim == 1:
        return {target: pd.Series(values)}
    return {f"{target} {i}": pd.Series(column) for i, column in enumerate(values.reshape(len(values), -1).T)}


def _column(name: str, values: pd.Series) -> dict[str, Any]:
    return {"type": _type(values), "name": name, "required": not values.isna().any()}


def _type(values: pd.Series) -> str:
    """Return MLflow's name for the type of a column."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.cat.categories.to_series()
    kind, size = values.dtype.kind, getattr(values.dtype, "itemsize", 8)
    if kind in "iu":
        return "integer" if size < 4 or (kind, size) == ("i", 4) else "long"
    if kind == "f":
        return "float" if size <= 4 else "double"
    return TYPES.get(pd.api.types.infer_dtype(values, skipna=True), OTHER)


def _schema(columns: Sequence[dict[str, Any]], targets: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the columns that fit into a schema, the targets after them."""
    room = LONGEST_SCHEMA - sum(len(json.dumps(each)) + len(", ") for each in targets)
    ends = accumulate(len(json.dumps(each)) + len(", ") for each in columns)
    return [*(each for each, end in zip(columns, ends, strict=True) if end <= room), *targets]


def _tensor(values: NDArray[Any]) -> str:
    dtype = str(values.dtype) if values.dtype.kind not in "OUS" else "str"
    shape = [-1, *values.shape[1:]]
    return json.dumps([{"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}}])
