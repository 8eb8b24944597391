"""A registered pipeline as MLflow serves it: rows of any form in, predictions out. A copy of this file travels with each model.

It must therefore run beside the model alone, and imports nothing of this project.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from numbers import Number
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

COLUMNS_FILE = "columns.json"
"""The file in a model's folder that holds the columns of its table."""

PROBABILITIES = "probabilities"
"""The parameter that asks for class probabilities."""

NAMES_IN_AN_ERROR = 10

EMPTY = frozenset(
    ["", "NA", "N/A", "n/a", "#NA", "#N/A", "#N/A N/A", "<NA>", "nan", "NaN", "-nan", "-NaN", "null", "NULL", "None"]
)
"""Texts that `pandas.read_csv` takes for a missing value."""


class ServedPipeline:
    """A fitted pipeline that takes rows of any form.

    Parameters
    ----------
    pipeline : estimator
        Has `predict`; has `predict_proba` if it gives probabilities.
    columns : sequence of dict
        The columns of the table that it was fitted on, as `inputs.columns` returns them; empty if it was fitted
        on an array.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> table = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [0.0, 1.0, 0.0]})
    >>> columns = [{"name": "a", "kind": "number", "required": True}, {"name": "b", "kind": "number", "required": True}]
    >>> model = ServedPipeline(LinearRegression().fit(table, [1.0, 2.0, 3.0]), columns)
    >>> model.predict([{"b": 0, "a": 2}]).round(6).tolist()
    [2.0]
    """

    def __init__(self, pipeline: Any, columns: Sequence[Mapping[str, Any]]) -> None:
        self.pipeline = pipeline
        self.columns = list(columns)
        self._names = [column["name"] for column in self.columns]

    def get_raw_model(self) -> Any:
        """Return the pipeline itself."""
        return self.pipeline

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Return predictions, an array of shape (rows,) or (rows, outputs), or probabilities, a DataFrame (rows, classes).

        Parameters
        ----------
        model_input : DataFrame, Series, dict, list, array, sparse matrix, or an object that exports Arrow columns
            See `rows`.
        params : dict, optional
            ``{"probabilities": True}`` asks for class probabilities.

        Raises
        ------
        ValueError
            If a parameter is unknown, the model has no probabilities, or the rows are not those of its table.
        """
        with_probabilities = self._asked(params or {})
        X = self.rows(model_input)
        return self._probabilities(X) if with_probabilities else self.pipeline.predict(X)

    def rows(self, model_input: Any) -> Any:
        """Return rows as the pipeline takes them: a DataFrame with the columns of its table, or an array.

        Columns may have any order, and additional ones are left out. A column that is absent is missing values if it is not
        required. Rows without names have their values in the order of the columns. What reading a CSV file has made of texts,
        such as 1 of a code ``01``, is made a text again if the column has that level. Where a category, truth value or
        number is missing, it is missing as it was in fit, None or NaN, which encoders of scikit-learn tell apart.

        Raises
        ------
        ValueError
            If the rows have another number of values, or lack required columns.
        """
        if not self._names:
            return _array(model_input, getattr(self.pipeline, "n_features_in_", None))
        frame = _in_order(_frame(model_input, self._names), self.columns)
        changed = {
            column["name"]: RESTORE[column["kind"]](frame[column["name"]], column)
            for column in self.columns
            if column["kind"] in RESTORE
        }
        return frame.assign(**changed) if changed else frame

    def _asked(self, params: Mapping[str, Any]) -> bool:
        """Return whether the parameters ask for probabilities."""
        unknown = sorted(map(str, set(params) - {PROBABILITIES}))
        if unknown:
            raise refusal(f"params has {', '.join(map(repr, unknown))}; allowed is {PROBABILITIES}")
        asked = params.get(PROBABILITIES, False)
        if not isinstance(asked, bool | np.bool_):
            raise refusal(f"params: {PROBABILITIES} = {asked!r}; allowed are true and false")
        if asked and not hasattr(self.pipeline, "predict_proba"):
            raise refusal(f"params: {PROBABILITIES} = true, but this model has none; allowed is false")
        return bool(asked)

    def _probabilities(self, X: Any) -> pd.DataFrame:
        found: Any = self.pipeline.predict_proba(X)
        classes: Any = getattr(self.pipeline, "classes_", None)
        if isinstance(found, list):  # several outputs, each with classes of its own
            names = [f"{output}: {label}" for output, labels in enumerate(classes) for label in labels]
            return pd.DataFrame(np.hstack(found), columns=names)
        labels = classes if classes is not None and len(classes) == found.shape[1] else range(found.shape[1])
        return pd.DataFrame(found, columns=[str(label) for label in labels])


def refusal(told: str) -> ValueError:
    """Return the error for rows or parameters that a model does not take.

    It is an error of MLflow's, too: its server answers such an error with the text, and any other with a stack trace.
    """
    from mlflow.exceptions import MlflowException  # late, because it takes seconds

    class RefusedError(MlflowException, ValueError):
        pass

    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in told)  # names of columns may hold anything
    error: ValueError = RefusedError.invalid_parameter_value(shown)
    return error


def _load_pyfunc(path: str) -> ServedPipeline:
    """Load a model from its folder; MLflow calls this."""
    import skops.io
    from mlflow.models import Model

    folder = Path(path)
    saved = Model.load(str(folder)).flavors["sklearn"]
    pipeline = skops.io.load(folder / saved["pickled_model"], trusted=saved["skops_trusted_types"])
    return ServedPipeline(pipeline, json.loads((folder / COLUMNS_FILE).read_text(encoding="utf-8")))


# ------------------------------------------------------------------------------------------------------- rows of any form


def _frame(rows: Any, names: list[str]) -> pd.DataFrame:
    """Return rows of any form as a table; those without names get `names`."""
    if isinstance(rows, pd.Series):
        rows = rows.to_dict() if set(names) & set(rows.index) else rows.to_frame(rows.name or names[0])
    if isinstance(rows, pd.DataFrame):
        unnamed = isinstance(rows.columns, pd.RangeIndex) and rows.shape[1] == len(names)
        return rows.set_axis(names, axis=1) if unnamed else rows
    if hasattr(rows, "__arrow_c_stream__"):
        return pd.DataFrame.from_arrow(rows)
    if isinstance(rows, Mapping):
        cells = {name: _cells(value) for name, value in rows.items()}
        return pd.DataFrame([cells] if all(np.ndim(value) == 0 for value in cells.values()) else cells)
    if hasattr(rows, "toarray"):
        rows = rows.toarray()
    if isinstance(rows, np.ndarray):
        if rows.dtype.names:
            return pd.DataFrame(rows)
        rows = rows.tolist() if rows.dtype == object or rows.ndim < 2 else rows
    if np.ndim(rows) == 0 and not isinstance(rows, list | tuple):
        rows = [rows]
    if isinstance(rows, list | tuple) and len(rows) and all(isinstance(row, Mapping) for row in rows):
        return pd.DataFrame.from_records([{name: _cells(value) for name, value in row.items()} for row in rows])
    return _positional(rows, names)


def _cells(values: Any) -> Any:
    """Return the values of a column, or one value, as pandas infers the best type from."""
    if not isinstance(values, np.ndarray):
        return values
    values = values.ravel() if values.ndim == 2 and values.shape[1] == 1 else values
    if values.dtype != object and values.ndim > 0:
        return values
    found = values.tolist()  # MLflow wraps each null of `instances` in an array
    return [_cells(value) for value in found] if isinstance(found, list) else found


def _positional(rows: Any, names: list[str]) -> pd.DataFrame:
    """Return rows whose values have the order of the columns as a table; one row may stand alone."""
    if isinstance(rows, list | tuple) and not any(isinstance(row, list | tuple | np.ndarray) for row in rows):
        rows = [[value] for value in rows] if len(names) == 1 else [rows] if len(rows) else []
    widths = {len(row) for row in rows}
    if widths - {len(names)}:
        raise refusal(f"a row has {min(widths - {len(names)})} values; the model has {_listed(names)}")
    return pd.DataFrame(rows if isinstance(rows, np.ndarray) else [list(row) for row in rows], columns=names)


def _array(rows: Any, width: int | None) -> Any:
    """Return rows of any form as a two-dimensional array, or as the sparse matrix that they are."""
    if isinstance(rows, pd.Series):
        rows = rows.to_numpy()
    elif hasattr(rows, "__arrow_c_stream__") and not isinstance(rows, pd.DataFrame):
        rows = pd.DataFrame.from_arrow(rows)
    elif isinstance(rows, Mapping):
        rows = pd.DataFrame([rows] if all(np.ndim(value) == 0 for value in rows.values()) else dict(rows))
    elif isinstance(rows, list | tuple) and len(rows) and all(isinstance(row, Mapping) for row in rows):
        rows = pd.DataFrame.from_records(rows)
    elif hasattr(rows, "toarray"):
        return rows
    found = rows.to_numpy(dtype=_common(rows)) if isinstance(rows, pd.DataFrame) else np.asarray(rows)
    if width is None and (found.ndim < 2 or found.shape[1] == 1) and all(isinstance(t, str) for t in found.flat):
        return found.ravel()  # a vectorizer takes one text a row
    if found.dtype == object or found.dtype.kind in "US":
        try:
            found = found.astype(np.float64)
        except (TypeError, ValueError):  # texts that the pipeline reads itself, or rejects
            found = found.astype(object)
    if found.ndim < 2:
        found = found.reshape(1, -1) if width is None or found.size == width else found.reshape(-1, 1)
    return found


def _common(frame: pd.DataFrame) -> Any:
    """Return the type of an array that holds the columns of a table."""
    if all(isinstance(dtype, np.dtype) for dtype in frame.dtypes):
        return None
    return np.float64 if all(map(pd.api.types.is_numeric_dtype, frame.dtypes)) else object


def _in_order(frame: pd.DataFrame, columns: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the columns of the model, in its order; those that are absent, but not required, are missing values."""
    names = [column["name"] for column in columns]
    if set(frame.index.names) - {None} & (set(names) - set(frame.columns)):
        frame = frame.reset_index()
    there = set(frame.columns)
    twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]} & set(names))
    if twice:
        raise refusal(f"the rows have several columns of the same name: {', '.join(twice)}")
    if not there & set(names):
        raise refusal(f"the rows have no column of the model, which has {_listed(names)}")
    absent = [column["name"] for column in columns if column["required"] and column["name"] not in there]
    if absent:
        raise refusal(f"the rows lack {_listed(absent)}; a value may be missing, but the column must be there")
    return frame[[name for name in names if name in there]].reindex(columns=names)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_IN_AN_ERROR} more" if len(names) > NAMES_IN_AN_ERROR else ""
    return f"the column{'s' if len(names) > 1 else ''} {', '.join(names[:NAMES_IN_AN_ERROR])}{more}"


# ----------------------------------------------------------------------------------------------- what reading has changed


def may_change(level: str) -> bool:
    """Return whether `pandas.read_csv` may read a text as something else.

    >>> [level for level in ("01", "1e3", "TRUE", "NA", "Ulm") if may_change(level)]
    ['01', '1e3', 'TRUE', 'NA']
    """
    return level in EMPTY or level.casefold() in ("true", "false") or _number(level) is not None


def _restored(values: pd.Series, column: Mapping[str, Any]) -> pd.Series:
    """Return a column of categories that were texts as texts, where reading a file has made something else of them."""
    if not column["texts"]:
        return _as_in_fit(values, column)
    levels = column["levels"]
    if not pd.api.types.is_string_dtype(values.dtype):
        values = _as_texts(values, levels)
    empty = EMPTY & set(levels)
    if len(empty) == 1 and not column["missing"] and values.isna().any():
        values = values.astype(object).where(values.notna(), next(iter(empty)))
    return _as_in_fit(values, column)


def _as_in_fit(values: pd.Series, column: Mapping[str, Any]) -> pd.Series:
    """Return a column whose missing values are None if they were in fit, else NaN; one without gaps as it is."""
    missing = values.isna().to_numpy(dtype=bool)
    if not missing.any():
        return values
    cells = values.to_numpy(dtype=object, copy=True)
    cells[missing] = None if column.get("null") else np.nan
    return pd.Series(cells, index=values.index, name=values.name, dtype=object)


def _numbers(values: pd.Series, column: Mapping[str, Any]) -> pd.Series:
    """Return a column of numbers whose missing values are those of the fit; a null of JSON makes objects of it."""
    return _as_in_fit(values, column) if values.dtype == object or column.get("null") else values


def _seconds(values: pd.Series, column: Mapping[str, Any]) -> pd.Series:
    """Return a column of durations as numbers if all are written as plain numbers, as they are in an array of texts."""
    if not pd.api.types.is_string_dtype(values.dtype):
        return values
    numbers = pd.to_numeric(values, errors="coerce")
    return numbers if numbers.notna().equals(values.notna()) else values


RESTORE = {"category": _restored, "truth": _as_in_fit, "number": _numbers, "duration": _seconds}
"""What undoes the changes of reading, for columns of each kind that needs it."""


def _as_texts(values: pd.Series, levels: Sequence[str]) -> pd.Series:
    """Return the levels that numbers and truth values stand for; other values stay as they are."""
    codes, different = pd.factorize(values.astype(object))
    if len(different) and not any(map(_is_number, different)):
        return values
    numbers, words = _unique(levels, _number), _unique(levels, str.casefold)

    def text(value: Any) -> Any:
        if not _is_number(value):
            return value
        whole = isinstance(value, float | np.floating) and float(value).is_integer()
        same = str(int(value)) if whole else str(value)
        found = words.get(same.casefold()) if isinstance(value, bool | np.bool_) else numbers.get(_number(value))
        return same if found is None else found

    texts = np.array([*map(text, different), np.nan], dtype=object)
    return pd.Series(texts[codes], index=values.index, name=values.name)


def _unique(levels: Sequence[str], key: Any) -> dict[Any, str]:
    """Return the levels by a key, without those that share it."""
    found: dict[Any, list[str]] = {}
    for level in levels:
        found.setdefault(key(level), []).append(level)
    return {value: same[0] for value, same in found.items() if value is not None and len(same) == 1}


def _is_number(value: Any) -> bool:
    return isinstance(value, Number | np.bool_)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
