"""Whether an exported model predicts the same as the original, and its inputs for rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bpmodel.export.composition import first_step
from bpmodel.export.model import MATRIX
from bpmodel.preprocessing import TablePreprocessor
from bpmodel.preprocessing.values import KINDS

if TYPE_CHECKING:
    from onnx import ModelProto

TOLERANCE = 1e-5
"""Largest `difference` from the original with which an exported model counts as the same."""


def inputs(model: ModelProto, estimator: Any, X: Any) -> dict[str, NDArray]:
    """Return rows as the inputs of an exported model.

    Numbers, durations and truth values that a table holds as texts are read as the model's `TablePreprocessor` reads them.

    Parameters
    ----------
    model : onnx.ModelProto
        From `to_onnx`.
    estimator : estimator
        The same model in Python.
    X : DataFrame or array-like of shape (n, n_features)

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from bpmodel import BPRegressor
    >>> from bpmodel.export import to_onnx
    >>> from bpmodel.preprocessing import TablePreprocessor
    >>> table = pd.DataFrame({"area": ["50 m", "70 m", None], "town": ["Ulm", None, "Bonn"]})
    >>> fitted = make_pipeline(TablePreprocessor(), BPRegressor(solver="lbfgs")).fit(table, [1.0, 2.0, 4.0])
    >>> {name: values.ravel().tolist() for name, values in inputs(to_onnx(fitted), fitted, table).items()}
    {'area': [50.0, 70.0, nan], 'town': ['Ulm', '', 'Bonn']}
    """
    from onnx import TensorProto, helper

    estimator = getattr(estimator, "best_estimator_", estimator)
    first = first_step(estimator)
    kinds: dict[str, str] = {}
    formats: dict[str, Any] = {}
    if isinstance(first, TablePreprocessor):
        kinds = {column: kind for kind, columns in first.kinds_.items() for column in columns}
        formats = first.formats_
    if hasattr(X, "__arrow_c_stream__") and not isinstance(X, pd.DataFrame):
        X = pd.DataFrame.from_arrow(X)
    made = {}
    for one in model.graph.input:
        kind = one.type.tensor_type.elem_type
        if one.name == MATRIX and not (isinstance(X, pd.DataFrame) and MATRIX in X.columns):
            made[one.name] = np.asarray(X, dtype=helper.tensor_dtype_to_np_dtype(kind))
            continue
        column = _column(X, one.name)
        if kind == TensorProto.STRING:
            texts = KINDS["category"].read(column, {})
            values = np.where(column.isna().to_numpy(), "", texts).astype(object)
        else:
            read = KINDS[kinds.get(one.name, "number")].read
            values = read(column, formats.get(one.name, {})).astype(helper.tensor_dtype_to_np_dtype(kind))
        made[one.name] = values[:, None]
    return made


def _column(X: Any, name: str) -> pd.Series:
    """Return a column by its name, or by its position if columns have none: ``x0`` is the first."""
    if not isinstance(X, pd.DataFrame):
        return pd.Series(np.asarray(X)[:, int(name.removeprefix("x"))])
    return X[name] if name in X.columns else X.iloc[:, int(name.removeprefix("x"))]


def run(model: ModelProto, rows: dict[str, NDArray]) -> dict[str, NDArray]:
    """Return the outputs of an exported model by name.

    Raises
    ------
    ImportError
        Without the library onnxruntime.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, rows), strict=True))


def disagreement(model: ModelProto, estimator: Any, X: Any) -> float:
    """Return the largest difference between the predictions of an exported model and those of the original.

    The difference of numbers is relative to the number or, if that is larger, to the median size of all of them; that of
    probabilities is absolute. A row whose class differs counts as 1, unless the original is undecided to within `TOLERANCE`.

    Parameters
    ----------
    model, estimator, X
        As for `inputs`.

    Raises
    ------
    ImportError
        Without the library onnxruntime.
    """
    found = run(model, inputs(model, estimator, X))
    predicted = np.asarray(estimator.predict(X))
    if predicted.shape != found["predict"].shape:
        return np.inf
    if "predict_proba" not in found:
        return difference(predicted, found["predict"])
    p = np.asarray(estimator.predict_proba(X), dtype=np.float64)
    if predicted.ndim > 1:
        doubtful = np.abs(p - 0.5) <= TOLERANCE
    else:
        best = np.sort(np.c_[np.zeros(len(p)), p], axis=1)
        doubtful = best[:, -1] - best[:, -2] <= TOLERANCE
    wrong = (predicted != found["predict"]) & ~doubtful
    return float(max(wrong.any(), np.max(np.abs(p - found["predict_proba"]), initial=0.0)))


def difference(one: ArrayLike, other: ArrayLike) -> float:
    """Return the largest difference of numbers, relative to the number or, if that is larger, to the median size.

    >>> round(difference([100.0, 200.0, 1.0], [100.0, 200.1, 1.1]), 6)
    0.001
    """
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if np.array_equal(a, b, equal_nan=True):
        return 0.0
    size = np.maximum(np.abs(a), np.median(np.abs(a), axis=0))
    return float(np.max(np.abs(a - b) / np.where(size > 0, size, 1.0)))
