"""The steps before a network, fitted without copies of all rows: a few columns at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import validate_data

from bpmodel.preprocessing import TablePreprocessor, by_columns
from search.rows import take
from search.trials.nesting import FitData, fit_around, is_transparent

SKIPPED = ("passthrough", None)

Rows = NDArray[np.integer]


def steps(estimator: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the transformers of rows before a network, in their order, with their names as parameters.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from bpmodel import BPRegressor
    >>> list(steps(TransformedTargetRegressor(make_pipeline(StandardScaler(), BPRegressor()))))
    [('regressor__standardscaler', StandardScaler())]
    """
    if isinstance(estimator, Pipeline):
        yield from ((prefix + name, step) for name, step in estimator.steps[:-1])
        name, last = estimator.steps[-1]
        yield from steps(last, f"{prefix}{name}__")
    if isinstance(estimator, TransformedTargetRegressor):
        yield from steps(getattr(estimator, "regressor_", estimator.regressor), f"{prefix}regressor__")


def take_pieces(estimator: Any, X: Any, fit_params: Mapping[str, Any]) -> bool:
    """Return whether the steps before a network can be fitted a few columns at a time, and transform a few rows at a time.

    That changes nothing but the rounding of sums. Other steps may look at all rows at once, or treat rows of `fit` in another
    way; and arguments of `fit` may be meant for any step.
    """
    is_table = isinstance(X, np.ndarray | pd.DataFrame) and X.ndim == 2
    if fit_params or not is_table or not is_transparent(estimator):
        return False
    known = [step for _, step in steps(estimator) if step not in SKIPPED]
    return all(type(step) is TablePreprocessor or by_columns.takes(step) for step in known)


def fit(estimator: Any, X: Any, y: NDArray[Any], rows: Rows | None) -> tuple[Any, FitData]:
    """Fit the steps around a network on some rows, or all, as `nesting.fit_around` does; the data have no X.

    Parameters
    ----------
    estimator : estimator whose steps `take_pieces`
    X, y
        All rows.
    rows : ndarray of int, or None for all
    """
    before = list(steps(estimator))
    y = y if rows is None else y[rows]
    blind = np.broadcast_to(0.0, (len(y), 1))
    bare = clone(estimator).set_params(**{name: "passthrough" for name, _ in before})
    around, data = fit_around(bare, blind, y, {})
    fitted: list[Any] = []
    for _, step in before:
        if step not in SKIPPED:
            given, numbers = (X, rows) if not fitted else (_transformed(fitted, X, rows), None)
            step = _fitted(clone(step), given, numbers)
            fitted.append(step)
    _put(around, iter([step if step in SKIPPED else fitted.pop(0) for _, step in before]))
    return around, data._replace(X=None)


def _fitted(step: Any, X: Any, rows: Rows | None) -> Any:
    if isinstance(step, TablePreprocessor):
        return step.fit(X) if rows is None else step.fit_rows(X, rows)
    n_rows, n_columns = X.shape[0] if rows is None else len(rows), X.shape[1]
    whole = by_columns.joined(
        [clone(step).fit(_columns(X, rows, some)) for some in by_columns.widths(n_rows, n_columns)]
    )
    first = whole
    while isinstance(first, Pipeline):
        first = first.steps[0][1]
    validate_data(first, X, skip_check_array=True)  # it has seen no names
    return whole


def _columns(X: Any, rows: Rows | None, some: slice) -> Any:
    if hasattr(X, "iloc"):
        return X.iloc[:, some] if rows is None else X.iloc[:, some].take(rows)
    return X[:, some] if rows is None else X[rows, some]


def _transformed(fitted: list[Any], X: Any, rows: Rows | None) -> Any:
    def transform(part: slice) -> Any:
        found = _part(X, part) if rows is None else take(X, rows[part])
        for step in fitted:
            found = step.transform(found)
        return found

    return by_columns.in_pieces(transform, X.shape[0] if rows is None else len(rows), X.shape[1])


def _part(X: Any, part: slice) -> Any:
    return X.iloc[part] if hasattr(X, "iloc") else X[part]


def _put(around: Any, fitted: Iterator[Any]) -> None:
    """Put fitted steps into the place of those that pass rows through."""
    if isinstance(around, Pipeline):
        around.steps = [*((name, next(fitted)) for name, _ in around.steps[:-1]), around.steps[-1]]
        _put(around.steps[-1][1], fitted)
    if isinstance(around, TransformedTargetRegressor):
        _put(around.regressor_, fitted)
