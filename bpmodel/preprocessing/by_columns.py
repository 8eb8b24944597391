"""Transformers fitted on a few columns at a time, for tables of which memory holds no further copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from bpmodel.preprocessing.piecewise import PiecewiseLinearEncoder
from bpmodel.preprocessing.quantile import NormalScores
from bpmodel.preprocessing.range_scaler import RangeScaler
from bpmodel.preprocessing.smooth_clip import SmoothClipScaler

AT_ONCE = 1_000_000
"""Cells that are worked on at once: 8 MB in double precision, of which a scaler makes several copies. Tables of fewer cells are
fitted and transformed as a whole."""

ROWS_AT_ONCE = AT_ONCE // 4
"""Cells of the rows that are transformed at once, of which more copies are made; for smaller parts it takes longer."""

LEARNED: dict[type, tuple[str, ...]] = {
    SimpleImputer: ("statistics_",),
    StandardScaler: ("mean_", "var_", "scale_"),
    MinMaxScaler: ("min_", "scale_", "data_min_", "data_max_", "data_range_"),
    MaxAbsScaler: ("scale_", "max_abs_"),
    RobustScaler: ("center_", "scale_"),
    RangeScaler: ("center_", "scale_"),
    SmoothClipScaler: ("center_", "scale_"),
    NormalScores: ("knots_",),
    PiecewiseLinearEncoder: ("bin_edges_", "mean_"),
}
"""Transformers that learn from each column alone, and what they learn: an entry for each column or output."""


def takes(transformer: Any) -> bool:
    """Return whether a transformer learns from each column alone, and transforms rows of `fit` as any others.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.pipeline import make_pipeline
    >>> takes(make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())), takes(SimpleImputer()), takes(PCA())
    (True, False, False)
    """
    if type(transformer) is Pipeline:
        return transformer.memory is None and all(takes(step) for _, step in transformer.steps)
    if type(transformer) is SimpleImputer:  # others leave columns out, or add some
        return bool(transformer.keep_empty_features and not transformer.add_indicator)
    if type(transformer) is FunctionTransformer:
        return transformer.func is None
    return type(transformer) in LEARNED


def widths(rows: int, columns: int) -> Iterator[slice]:
    """Yield the columns that are fitted at once: at least one.

    Examples
    --------
    >>> list(widths(250_000, 10))
    [slice(0, 4, None), slice(4, 8, None), slice(8, 10, None)]
    >>> list(widths(10_000_000, 2)), list(widths(10, 3))
    ([slice(0, 1, None), slice(1, 2, None)], [slice(0, 3, None)])
    """
    width = max(AT_ONCE // max(rows, 1), 1)
    yield from (slice(start, min(start + width, columns)) for start in range(0, columns, width))


def in_pieces(
    transform: Callable[[slice], NDArray], rows: int, columns: int, out: NDArray | None = None
) -> NDArray[Any]:
    """Return the rows that a function transforms a few at a time.

    Parameters
    ----------
    transform : callable
        Returns the transformed rows of a slice.
    rows, columns : int
        Of the table before it is transformed.
    out : ndarray of shape (rows, outputs), optional
        Takes the result.

    Examples
    --------
    >>> X = np.eye(3)
    >>> in_pieces(lambda rows: 2 * X[rows], 3, 3).tolist()
    [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]]
    """
    size = max(ROWS_AT_ONCE // max(columns, 1), 1)
    if rows * columns <= AT_ONCE and out is None:
        return transform(slice(0, rows))
    for start in range(0, rows, size):
        part = slice(start, min(start + size, rows))
        found = transform(part)
        if out is None:
            out = np.empty((rows, *found.shape[1:]), dtype=found.dtype)
        out[part] = found
    assert out is not None
    return out


def joined(parts: Sequence[Any]) -> Any:
    """Return one transformer for the columns of several, each of which was fitted on some of them.

    Examples
    --------
    >>> X = np.array([[1.0, 2.0, 4.0], [3.0, 6.0, 0.0]])
    >>> parts = [StandardScaler().fit(X[:, :2]), StandardScaler().fit(X[:, 2:])]
    >>> bool((joined(parts).transform(X) == StandardScaler().fit_transform(X)).all())
    True
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    if isinstance(first, Pipeline):
        whole = clone(first)
        steps = zip(*(part.steps for part in parts), strict=True)
        whole.steps = [(same[0][0], joined([step for _, step in same])) for same in steps]
        return whole
    for name in LEARNED.get(type(first), ()):
        setattr(first, name, _together([getattr(part, name) for part in parts]))
    if any(np.ndim(getattr(part, "n_samples_seen_", 0)) for part in parts):  # one has missing values
        counts = [np.broadcast_to(part.n_samples_seen_, part.n_features_in_) for part in parts]
        first.n_samples_seen_ = np.concatenate(counts)
    if hasattr(first, "n_features_in_"):
        first.n_features_in_ = sum(part.n_features_in_ for part in parts)
    return first


def _together(values: list[Any]) -> Any:
    if values[0] is None:  # such as the variance, where it is not asked for
        return None
    return np.concatenate(values) if isinstance(values[0], np.ndarray) else [one for some in values for one in some]
