"""The transformer of a whole table: prepares each column according to its kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn import config_context
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from bpmodel.names.visible import visible
from bpmodel.option import documented
from bpmodel.preprocessing import by_columns
from bpmodel.preprocessing.columns import Found, describe
from bpmodel.preprocessing.constructors import TableConstructor
from bpmodel.preprocessing.dates import DateEncoder
from bpmodel.preprocessing.encodings import CATEGORICAL, NUMERIC
from bpmodel.preprocessing.options import COLUMNS, WRITTEN
from bpmodel.preprocessing.values import KINDS, MISSING, read


@documented((*COLUMNS, WRITTEN))
class TablePreprocessor(TableConstructor, TransformerMixin, BaseEstimator):
    """Prepare the columns of a table for a network.

    - Numbers: missing values are filled with the median, then the column is scaled or encoded.
    - Booleans: they become 0 and 1, filled with the more frequent one.
    - Dates: they become the days since the first date, and month, weekday and hour on a circle if these vary; then they are
      filled with the median and scaled.
    - Durations and times of day: they become seconds, which are treated as numbers.
    - Texts that are nearly all different: they are left out.
    - Everything else is a category.

    The kind of a column follows from its type and, for text or object columns, from its values: see
    `bpmodel.preprocessing.columns.describe`. Infinite numbers, and those beyond 1e150, count as missing; so do numbers of later
    tables that are too large for single precision once they are encoded. A table is a DataFrame of pandas, or any other
    that exports Arrow columns, such as one of Polars.

    Rows to transform may have their columns in any order and may have additional columns, which are ignored. They may have
    missing values where the fit had none, and new category levels. A value that cannot be read as its column's kind is missing.

    Attributes
    ----------
    kinds_ : dict of str to list of str
        The columns of each kind: "number", "truth", "date", "duration", "category" and "text".
    formats_ : dict of str to dict
        How the texts of a column are written, of columns that are read from texts.
    gaps_ : ndarray of int
        Indices, among the filled columns (ordered by kind), of those with an additional indicator column, which is 1 where the
        value is missing.
    encoders_ : dict of str to transformer
        The fitted transformer of each kind that occurs.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> import pandas as pd
    >>> from bpmodel.preprocessing import TablePreprocessor
    >>> table = pd.DataFrame({"area": [50.0, None, 100.0, 90.0], "town": ["Ulm", "Bonn", None, "Ulm"]})
    >>> preprocessor = TablePreprocessor().fit(table)
    >>> preprocessor.get_feature_names_out().tolist()
    ['area', 'town_Bonn', 'town_Ulm', 'town_missing', 'area_missing']
    >>> preprocessor.transform(table)[1, 1:].tolist()
    [1.0, 0.0, 0.0, 1.0]
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from the rows of X, of shape (rows, columns).

        Raises
        ------
        ValueError
            If X is not a table, column names are not unique, one of `categorical_columns` is missing, or a column has values
            that single precision does not hold and that `numeric` leaves as they are.
        """
        frame = self._described(X)
        if frame.size > by_columns.AT_ONCE:
            self._learn_in_parts(frame)
        else:
            self._learn_at_once(frame)
        return self

    def fit_rows(self, X: Any, rows: NDArray[np.integer]) -> Self:
        """Learn from the rows of X with these numbers, as `fit` does, without a copy of them all."""
        self._learn_in_parts(self._described(X, rows), rows)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> NDArray[np.float32]:
        """Learn from the rows of X and return them prepared, of shape (rows, n_features_out)."""
        frame = self._described(X)
        if frame.size > by_columns.AT_ONCE:
            self._learn_in_parts(frame)
            return self._prepared(frame)
        return self._joined(*self._learn_at_once(frame))

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Return the rows of X prepared, of shape (rows, n_features_out).

        Raises
        ------
        ValueError
            If a column of the fit is missing.
        """
        check_is_fitted(self)
        return self._prepared(self._frame(X, reset=False))

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Return a name for each output: the column's name, with a suffix if the column has several outputs."""
        check_is_fitted(self)
        OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        names = [encoder.get_feature_names_out(self.kinds_[name]) for name, encoder in self.encoders_.items()]
        filled = [column for name in self.encoders_ if KINDS[name].filled for column in self.kinds_[name]]
        return np.array([*np.concatenate(names), *(f"{filled[gap]}_{MISSING}" for gap in self.gaps_)], dtype=object)

    def _described(self, X: Any, rows: NDArray[np.integer] | None = None) -> pd.DataFrame:
        """Find out what each column of X is, by some rows or all; return X as a table."""
        self._check_options()
        frame = self._frame(X, reset=True)
        self.kinds_: dict[str, list[str]] = {}
        codes = set([] if self.categorical_columns is None else self.categorical_columns)
        if codes - set(frame.columns):
            absent = _listed(sorted(map(str, codes - set(frame.columns))))
            raise ValueError(f"categorical_columns names {absent}; the columns are {_listed(frame.columns)}")
        self.formats_: dict[str, dict[str, Any]] = {}
        for name, column in frame.items():
            found = Found("category") if name in codes else self._found(column if rows is None else column.take(rows))
            self.kinds_.setdefault(found.kind, []).append(str(name))
            if found.format:
                self.formats_[str(name)] = dict(found.format)
        if not any(KINDS[name].used for name in self.kinds_):
            raise ValueError(f"no column is left: {_listed(frame.columns)} are texts that are nearly all different")
        return frame

    def _learn_at_once(self, frame: pd.DataFrame) -> tuple[list[NDArray], NDArray[np.bool_]]:
        """Learn from a table; return its columns encoded, and the mask of missing values in the filled ones."""
        self.encoders_, encoded, missing = self._learn(frame, self.kinds_)
        self.gaps_ = np.flatnonzero(missing.any(axis=0) & self.missing_indicator)
        return encoded, missing

    def _learn(
        self, frame: pd.DataFrame, kinds: dict[str, list[str]]
    ) -> tuple[dict[str, Any], list[NDArray], NDArray[np.bool_]]:
        """Learn from columns of a table, by kind; return encoders, encoded columns, and the mask of missing values."""
        blocks = self._blocks(frame, kinds)
        encoders = {name: self._encoder(name) for name in blocks}
        encoded = self._encoded("fit_transform", blocks, encoders)
        self._remove_rounding(encoded, encoders)
        for name, far in self._far(blocks, encoded).items():
            column = kinds[name][int(far.any(axis=0).argmax())]
            raise ValueError(
                f"column {column!r} has values beyond single precision, such as {np.abs(blocks[name][far]).max():.3g}; "
                f"numeric={self.numeric!r} keeps them: use 'standard'"
            )
        return encoders, encoded, self._missing(blocks)

    def _learn_in_parts(self, frame: pd.DataFrame, rows: NDArray[np.integer] | None = None) -> None:
        """Learn from a few columns of a table at a time, of some rows or all, as far as each is learned from alone."""
        gaps: list[Any] = []
        n_rows = len(frame) if rows is None else len(rows)
        self.encoders_ = {}
        for name, columns in self.kinds_.items():
            if not KINDS[name].used:
                continue
            alone, parts = by_columns.takes(self._encoder(name)), []
            for some in by_columns.widths(n_rows, len(columns)) if alone else [slice(None)]:
                part = frame[columns[some]]
                part = part if rows is None else part.take(rows)
                encoders, _, missing = self._learn(part, {name: columns[some]})
                parts.append(encoders[name])
                gaps.append(missing.any(axis=0))
            self.encoders_[name] = by_columns.joined(parts)
        self.gaps_ = np.flatnonzero(np.concatenate(gaps) & self.missing_indicator)

    def _prepared(self, frame: pd.DataFrame) -> NDArray[np.float32]:
        """Return the rows of a table with the columns of the fit prepared, a few rows at a time."""
        return by_columns.in_pieces(lambda rows: self._prepared_piece(frame.iloc[rows]), *frame.shape)

    def _prepared_piece(self, frame: pd.DataFrame) -> NDArray[np.float32]:
        blocks = self._blocks(frame, self.kinds_)
        encoded = self._encoded("transform", blocks, self.encoders_)
        if far := self._far(blocks, encoded):
            blocks |= {name: np.where(cells, np.nan, blocks[name]) for name, cells in far.items()}
            encoded = self._encoded("transform", blocks, self.encoders_)
        return self._joined(encoded, self._missing(blocks))

    def _found(self, column: pd.Series) -> Found:
        """Return what a column is: as it was given, or as its values say."""
        known = dict((self.column_formats or {}).get(str(column.name), {}))
        return Found(known.pop("kind"), known) if known else describe(column)

    def _frame(self, X: Any, *, reset: bool) -> pd.DataFrame:
        """Return X as a table with the columns of the fit, in their order, under the names used for the output names."""
        one_column = len(getattr(X, "shape", (0, 0))) == 1  # a Series has an Arrow stream, too
        if hasattr(X, "__arrow_c_stream__") and not isinstance(X, pd.DataFrame) and not one_column:
            X = pd.DataFrame.from_arrow(X)
        if isinstance(X, pd.DataFrame):
            if not X.columns.is_unique:
                raise ValueError(f"X has duplicate column names: {_listed(X.columns[X.columns.duplicated()])}")
            if reset and not X.shape[1]:
                raise ValueError(f"Found a table with 0 feature(s) (shape={X.shape}) while a minimum of 1 is required.")
            frame = X = X if reset else self._in_order(X)
        else:
            frame = pd.DataFrame(check_array(X, dtype=None, ensure_all_finite=False, estimator=self))
        validate_data(self, X, skip_check_array=True, reset=reset)
        return frame.set_axis(OneToOneFeatureMixin.get_feature_names_out(self), axis=1)

    def _in_order(self, X: pd.DataFrame) -> pd.DataFrame:
        names = getattr(self, "feature_names_in_", X.columns)
        dated = isinstance(X.index, pd.DatetimeIndex)  # its dates may be a feature, as they are in a file of Parquet
        if dated and (X.index.name or "index") in set(names) - set(X.columns):
            X = X.reset_index()
        absent = [name for name in names if name not in X.columns]
        if absent:
            raise ValueError(f"X lacks columns that were present in fit: {_listed(absent)}")
        return X[list(names)]

    def _blocks(self, frame: pd.DataFrame, kinds: dict[str, list[str]]) -> dict[str, NDArray]:
        """Return the columns of each kind as an array of shape (rows, columns of the kind)."""
        return {name: read(frame[columns], name, self.formats_) for name, columns in kinds.items() if KINDS[name].used}

    def _missing(self, blocks: dict[str, NDArray]) -> NDArray[np.bool_]:
        """Return the mask of missing values in the filled columns, of shape (rows, filled columns)."""
        rows = len(next(iter(blocks.values())))
        gaps = [np.isnan(block) for name, block in blocks.items() if KINDS[name].filled]
        return np.hstack([np.empty((rows, 0), dtype=bool), *gaps])

    def _encoder(self, name: str) -> Any:
        median = SimpleImputer(strategy="median", keep_empty_features=True)
        if name in ("number", "duration"):
            return make_pipeline(median, NUMERIC[self.numeric].build(self))
        if name == "truth":
            return SimpleImputer(strategy="most_frequent", keep_empty_features=True)
        if name == "date":
            return make_pipeline(DateEncoder(), median, StandardScaler())
        return CATEGORICAL[self.categorical].build(self)

    def _encoded(self, method: str, blocks: dict[str, NDArray], encoders: dict[str, Any]) -> list[NDArray]:
        # the user's setting of the output is for the whole, not for parts
        with config_context(transform_output="default"), np.errstate(over="ignore"):
            if method == "transform":
                return [_without_gaps(encoders[name], block).transform(block) for name, block in blocks.items()]
            return [getattr(encoders[name], method)(block) for name, block in blocks.items()]

    def _remove_rounding(self, encoded: list[NDArray], encoders: dict[str, Any]) -> None:
        """Make constant columns 0: the mean of equal numbers differs from them by rounding, of 1e149 by 1e133."""
        for encoder, values in zip(encoders.values(), encoded, strict=True):
            scaler = encoder[-1] if isinstance(encoder, Pipeline) else None
            if isinstance(scaler, StandardScaler):
                left = np.where((values == values[0]).all(axis=0), values[0], 0.0)
                scaler.mean_ += left * scaler.scale_
                values -= left

    def _far(self, blocks: dict[str, NDArray], encoded: list[NDArray]) -> dict[str, NDArray[np.bool_]]:
        """Return, by kind, which numbers are encoded as numbers beyond single precision; kinds without any are left out."""
        largest = np.finfo(np.float32).max
        found = {}
        for (name, block), values in zip(blocks.items(), encoded, strict=True):
            one_to_one = KINDS[name].filled and values.shape == block.shape
            if one_to_one and max(values.max(initial=0), -values.min(initial=0)) > largest:
                found[name] = np.abs(values) > largest
        return found

    def _joined(self, encoded: list[NDArray], missing: NDArray[np.bool_]) -> NDArray[np.float32]:
        parts = [*encoded, missing[:, self.gaps_]]
        joined = np.empty((len(missing), sum(part.shape[1] for part in parts)), dtype=np.float32)
        return np.concatenate(parts, axis=1, out=joined, casting="same_kind")

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the state of a preprocessor that may have been saved before columns had formats."""
        fitted: dict[str, Any] = {"formats_": {}} if "kinds_" in state else {}
        super().__setstate__({"column_formats": None, **fitted, **state})

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _without_gaps(encoder: Any, block: NDArray) -> Any:
    """Return an encoder without its first step if that only fills gaps, and there are none: it makes a copy."""
    fills = isinstance(encoder, Pipeline) and isinstance(encoder[0], SimpleImputer)
    return encoder[1:] if fills and not np.isnan(block).any() else encoder


def _listed(names: Iterable[Any]) -> str:
    """Return names of columns in one line."""
    return ", ".join(map(visible, names))
