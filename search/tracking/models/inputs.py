"""What the table of a model looks like: its columns, from all rows, and an example made of JSON types."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from bpmodel.preprocessing import TablePreprocessor
from bpmodel.preprocessing.columns import describe
from bpmodel.preprocessing.values import KINDS, labels
from search.profiling import made_up
from search.tracking.models.served_pipeline import may_change
from search.tracking.naming.markdown import plain

EXAMPLE_ROWS = 5
"""Rows of the input example."""

LISTED_LEVELS = 20
"""Levels of a category that are listed; of more, only those that reading a CSV file may change."""

LISTED_COLUMNS, LONGEST_TABLE = 40, 4000
"""Columns and characters of the table in a description. MLflow's databases hold 5000 characters of it."""

HEAD = "| column | kind | example | required |\n|---|---|---|---|"


def table_of(X: Any) -> pd.DataFrame | None:
    """Return the rows of X as a table if its columns have names; None for arrays, a Series and the like."""
    one_column = len(getattr(X, "shape", (0, 0))) == 1  # a Series has an Arrow stream, too
    if hasattr(X, "__arrow_c_stream__") and not isinstance(X, pd.DataFrame) and not one_column:
        X = pd.DataFrame.from_arrow(X)
    named = isinstance(X, pd.DataFrame) and all(isinstance(name, str) for name in X.columns)
    return X if named else None


def columns(model: Any, X: Any, *, own: bool = False) -> list[dict[str, Any]]:
    """Return what must be known of the columns of a model's table, in JSON types; empty if it was fitted on an array.

    Each has a ``name``, a ``kind`` (as in `bpmodel.preprocessing.columns.describe`), a ``format`` if it is read from texts, an
    ``example``, whether values are ``missing`` in some row, and whether it is ``required``: it is if the model uses it and no
    value was missing in fit. Categories have ``n_levels`` and ``levels``: all if they are few, else those that `pandas.read_csv`
    may change. ``texts`` says whether they were texts in the table, ``null`` that missing values were None in it and not NaN.

    Parameters
    ----------
    model : estimator
        Fitted on X. If a `TablePreprocessor` prepares its table, kinds and formats are those that it found.
    X : DataFrame or other table or array
        All rows of the fit.
    own : bool, default=False
        Whether an example is the first value of the column; by default it is made up.
    """
    table = table_of(X)
    if table is None:
        return []
    prepared = _preprocessor(model, list(table.columns))
    known = [_column(values, prepared) for _, values in table.items()]
    if not own and len(table):
        made = _made_up(table, known, 1)
        known = [column | {"example": as_json(made[column["name"]].iloc[0])} for column in known]
    return known


def _made_up(table: pd.DataFrame, known: Sequence[Mapping[str, Any]], n: int) -> pd.DataFrame:
    kinds = {column["name"]: column["kind"] for column in known}
    return made_up.rows(table, kinds, {column["name"]: column.get("format", {}) for column in known}, n)


def _column(values: pd.Series, prepared: TablePreprocessor | None) -> dict[str, Any]:
    name, kind, format = str(values.name), "other", {}
    if prepared is not None:
        kind = next(kind for kind, names in prepared.kinds_.items() if name in names)
        format = prepared.formats_.get(name, {})
    else:
        with suppress(TypeError, ValueError):  # lists and the like, which other pipelines may take
            kind, format, *_ = describe(values)
        if format or kind == "text":  # texts that only a `TablePreprocessor` would read
            kind, format = "category", {}
    known = values.notna().to_numpy(dtype=bool)
    if kind in KINDS and KINDS[kind].filled:
        known = known & ~np.isnan(KINDS[kind].read(values, format))
    there, missing = values[known], not known.all()
    used = kind not in KINDS or KINDS[kind].used or prepared is None
    found: dict[str, Any] = {"name": name, "kind": kind}
    if format:
        found["format"] = dict(format)
    found |= {"example": _first(there), "missing": bool(missing), "required": bool(used and known.all())}
    gaps = values[values.isna().to_numpy(dtype=bool)] if values.dtype == object else []
    if len(gaps) and all(gap is None for gap in gaps):
        found["null"] = True
    if kind == "category":
        different = there.drop_duplicates()
        levels = sorted(set(labels(different).tolist()))
        found["texts"] = any(isinstance(level, str) for level in different)
        found["n_levels"] = len(levels)
        found["levels"] = levels if len(levels) <= LISTED_LEVELS else [*filter(may_change, levels)]
    return found


def _preprocessor(model: Any, names: list[str]) -> TablePreprocessor | None:
    """Return the fitted preprocessor of a table with these columns that comes first in a model."""
    if isinstance(model, TablePreprocessor):
        return model if list(getattr(model, "feature_names_in_", [])) == names else None
    steps = [step for _, step in getattr(model, "steps", [])[:1]]
    inside = [getattr(model, name, None) for name in ("regressor_", "estimator_", "best_estimator_")]
    return next(
        (found for part in [*steps, *inside] if part is not None and (found := _preprocessor(part, names))), None
    )


def summary(known: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the columns for people: with the number of levels in place of long lists."""
    short = []
    for column in known:
        many = column.get("n_levels", 0) > LISTED_LEVELS
        left = {"texts", "null", "levels" if many else "n_levels"}
        short.append({name: value for name, value in column.items() if name not in left})
    return short


def markdown(known: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of the columns, for the description of a model; empty if there are none."""
    if not known:
        return ""
    lines = [HEAD]
    for column in known[:LISTED_COLUMNS]:
        shown = column["example"]
        shown = "" if shown is None else json.dumps(shown) if isinstance(shown, bool | float) else shown
        cells = [column["name"], column["kind"], shown, "yes" if column["required"] else "no"]
        line = "| " + " | ".join(map(plain, cells)) + " |"
        if sum(map(len, lines)) + len(lines) + len(line) > LONGEST_TABLE:
            break
        lines.append(line)
    left = len(known) - (len(lines) - 1)
    return "\n".join(lines) + (f"\n\nand {left} more columns, in columns.json of the model" if left else "")


def example(model: Any, X: Any) -> Any:
    """Return a few made-up rows of the form of X, in JSON types: nobody's data. Arguments are those of `columns`."""
    table = table_of(X)
    if table is not None and len(table):
        return _made_up(table, columns(model, X, own=True), EXAMPLE_ROWS)
    if table is not None or hasattr(X, "iloc") or not np.size(X[:1] if not issparse(X) else X.shape):
        return own_example(X)
    dense = X.toarray() if issparse(X) else np.asarray(X)
    if dense.ndim == 1:
        return np.array([made_up.TEXT])
    made = np.array([made_up.cells(values, EXAMPLE_ROWS) for values in dense.T], dtype=object).T
    return made if dense.dtype == object else made.astype(dense.dtype)


def own_example(X: Any) -> Any:
    """Return a few rows of X in JSON types, those without missing values if there are any.

    A table without such a row gives one row, made of the first value of each column.
    """
    table = table_of(X)
    if table is None:
        first = X.iloc[:EXAMPLE_ROWS] if hasattr(X, "iloc") else X[:EXAMPLE_ROWS]
        dense = first.toarray() if issparse(first) else np.asarray(first)
        if dense.ndim == 1:  # texts, which a vectorizer takes
            return np.array([as_json(cell) for cell in dense])
        return (
            dense
            if dense.dtype != object
            else np.array([[as_json(cell) for cell in row] for row in dense], dtype=object)
        )
    complete = table[table.notna().all(axis=1)].head(EXAMPLE_ROWS)
    if len(complete):
        return pd.DataFrame({name: _plain(values.tolist()) for name, values in complete.items()})
    return pd.DataFrame({name: _plain([_first(values[values.notna()])]) for name, values in table.items()})


def _plain(cells: list[Any]) -> pd.Series:
    return pd.Series([as_json(cell) for cell in cells], dtype=object).infer_objects()


def _first(values: pd.Series) -> Any:
    """Return the first value, in JSON types, that is not infinite; None if there is none."""
    return next((found for value in values if (found := as_json(value)) is not None), None)


def as_json(value: Any) -> Any:
    """Return a value in the JSON type from which a pipeline reads the same: dates as ISO texts, durations in seconds.

    >>> as_json(pd.Timedelta(minutes=90)), as_json(Decimal("1.5")), as_json(np.int8(3)), as_json(datetime.time(8, 30))
    (5400.0, 1.5, 3, '08:30:00')
    >>> as_json(pd.Timestamp("2024-02-29")), as_json(pd.Timestamp("2024-02-29 12:00"))
    ('2024-02-29', '2024-02-29T12:00:00')
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, datetime.timedelta | np.timedelta64):
        return None if pd.isna(value) else pd.Timedelta(value).total_seconds()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat().removesuffix("T00:00:00") if not pd.isna(value) else None
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real | Decimal):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return None if value is None or value is pd.NA else str(value)
