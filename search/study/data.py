"""Data sources: load what a study file names as a table of raw columns and a target."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import datasets

from bpmodel.names.hints import of_name
from bpmodel.names.short import listed, short
from bpmodel.preprocessing import values
from bpmodel.preprocessing.columns import kind
from bpmodel.preprocessing.texts.marks import Hints
from search.cv import forecasting
from search.cv.kinds import KINDS
from search.errors import StudyError
from search.study import extent
from search.study.study_file import Study
from search.tables import sources
from search.tables.missing import counted
from search.tables.reading import Asked, Table, UnreadableError, number
from search.tables.secrets import masked
from search.tables.typed import Typed, typed

SKLEARN_SETS = {
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
    "digits": datasets.load_digits,
    "iris": datasets.load_iris,
    "linnerud": datasets.load_linnerud,
    "wine": datasets.load_wine,
}


@dataclass(frozen=True)
class Dataset:
    """The raw data of a study.

    Attributes
    ----------
    X : DataFrame of shape (n, columns)
    y : array of shape (n,) or (n, outputs)
    labels : array of shape (n,) or None
        Group or fold of each row.
    origins, last_known : array of shape (n,) or None
        For forecasts: the step of the series at which each is made, and the latest target value known at that step.
    notes : tuple of str
        What was guessed or left out when the rows were read, a sentence each.
    formats : dict of str to dict
        How the columns of a file were written: `column_formats` of the `TablePreprocessor`.
    marks : tuple of str
        Texts of the target that count as missing.
    """

    X: pd.DataFrame
    y: NDArray[Any]
    name: str
    target: str
    labels: NDArray[Any] | None = None
    origins: NDArray[Any] | None = None
    last_known: NDArray[Any] | None = None
    notes: tuple[str, ...] = ()
    formats: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    marks: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Hash of all values, column names and types."""
        digest = hashlib.sha256(repr(list(zip(self.X.columns, self.X.dtypes.astype(str), strict=True))).encode())
        digest.update(pd.util.hash_pandas_object(self.X, index=False).to_numpy().tobytes())
        digest.update(pd.util.hash_pandas_object(pd.DataFrame(self.y), index=False).to_numpy().tobytes())
        return digest.hexdigest()[:16]

    def take(self, rows: NDArray[np.integer]) -> Dataset:
        """Return the dataset with these rows only."""
        X = self.X.iloc[rows].reset_index(drop=True)
        labels, origins, last_known = (
            None if values is None else values[rows] for values in (self.labels, self.origins, self.last_known)
        )
        return replace(self, X=X, y=self.y[rows], labels=labels, origins=origins, last_known=last_known)


def load(study: Study) -> Dataset:
    """Load the data of a study.

    Raises
    ------
    StudyError
        If the source or the target column does not exist, or the target cannot be learned.
    """
    source = study.data.source
    built_in = source.startswith("sklearn:")
    data = _from_sklearn(study, source.removeprefix("sklearn:")) if built_in else _from_table(study, source)
    data = _in_time_order(study, data)
    if study.data.missing_target == "drop" and not study.data.lags:  # of a series, `supervised` leaves such steps out
        data = _labeled(data, whole=study.data.task == "classification")
    if study.data.lags:
        data = _as_forecasts(study, data)
    data = _take_labels(study, data)
    _check_target(study, data)
    return data


def read_table(
    source: str,
    where: str,
    asked: Asked = Asked(),  # noqa: B008 - it cannot be changed
    least: int = 2,
    folder: Path = Path(),
) -> Table:
    """Read a file or a table of a database, with at least `least` columns; errors start with `where`."""
    shown = sources.shown(source, folder)
    named = shown if shown == where else f"{where}: {shown}"
    try:
        table = sources.read(source, folder, asked)
    except FileNotFoundError:
        raise StudyError(
            f"{where}: there is no file {shown}" if shown != where else f"there is no file {shown}"
        ) from None
    except MemoryError:
        raise StudyError(f"{named} does not fit into the memory; take a sample of its rows") from None
    except OSError as error:
        raise StudyError(f"{named} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise StudyError(f"{named} cannot be read as a table: {reason}") from None
    frame = table.frame
    if frame.empty or frame.shape[1] < least:
        raise StudyError(
            f"{named} has {len(frame)} rows and {frame.shape[1]} columns; it needs rows and at least "
            f"{least} column{'s' if least > 1 else ''}"
        )
    return table


def typed_columns(frame: pd.DataFrame, where: str, hints: Hints, kept: Collection[str] = ()) -> Typed:
    """Give the columns of a table their types; errors start with `where`."""
    try:
        return typed(frame, hints, kept)
    except UnreadableError as error:
        raise StudyError(f"{where}: {error}") from None


def split_target(table: Table, target: str, where: str) -> tuple[pd.DataFrame, pd.Series]:
    """Separate the target column from a table; errors start with `where`."""
    frame = table.frame
    if target in table.doubled:
        raise StudyError(f"{where} is the name of several columns; give each a name of its own")
    if target not in frame.columns:
        raise StudyError(
            f"{where} is not a column{of_name(target, frame.columns)}; the columns are {listed(frame.columns)}"
        )
    if frame[target].dtype == object and (binary := frame[target].map(lambda cell: isinstance(cell, bytes))).any():
        raise StudyError(
            f"{where} has bytes that are no text in row {int(binary.to_numpy().argmax()) + 1}; save it as text"
        )
    return frame.drop(columns=target), frame[target]


def _from_sklearn(study: Study, name: str) -> Dataset:
    if name not in SKLEARN_SETS:
        sources = ", ".join(f"sklearn:{known}" for known in SKLEARN_SETS)
        meant = of_name(name, SKLEARN_SETS)
        raise StudyError(
            f"{study.path}: [data] source = 'sklearn:{name}' is unknown{meant}; allowed are {sources}, or a file"
        )
    if study.data.target is not None:
        raise StudyError(
            f"{study.path}: [data] target = {study.data.target!r}; the data sets of scikit-learn have a built-in target"
        )
    bunch = SKLEARN_SETS[name](as_frame=True)
    return Dataset(bunch.data, bunch.target.to_numpy(), name, "target")


def _from_table(study: Study, source: str) -> Dataset:
    """Read the columns and the target from a file or a database, under the types that their values have."""
    where = f"{study.path}: [data] source = {masked(source)!r}"
    least = 1 if study.data.lags else 2  # a series may have only a target
    extent.check(study, where)
    table = read_table(source, where, study.data.asked, least, study.path.parent)
    frame, target = _without(table, study), study.data.target
    if target is None:
        raise StudyError(f"{study.path}: [data] target is missing; the columns are {listed(frame.columns)}")
    X, y = split_target(replace(table, frame=frame), target, f"{study.path}: [data] target = {target!r}")
    hints = study.data.hints(table.decimal)
    known = typed_columns(X, where, hints, _codes(study))
    y, notes = _target(study, y, hints)
    _check_sizes(study, y)
    notes = [*table.notes, *known.notes, *notes]
    name, marks = sources.name(source), tuple(table.marks)
    return Dataset(known.frame, y.to_numpy(), name, target, notes=tuple(notes), formats=known.formats, marks=marks)


def _codes(study: Study) -> set[str]:
    """Return the columns that are categories whatever their values look like."""
    named = study.preprocessing.get("categorical_columns") or ()
    return {*named} - {study.data.time}


def _target(study: Study, y: pd.Series, hints: Hints) -> tuple[pd.Series, list[str]]:
    """Return the target, of a regression as numbers, and what there is to say; labels of classes stay as they are."""
    plain = isinstance(y.dtype, np.dtype) and y.dtype.kind in "iuf"
    if plain or study.data.task == "classification":
        return y, []
    where = f"{study.path}: target {study.data.target!r}"
    known = typed_columns(y.to_frame(), where, hints)
    ((name, found),) = known.found.items()
    if found.kind not in ("number", "duration"):
        unread = np.flatnonzero(y.notna() & np.isnan(values.numbers(y, {})))
        shown = f": {str(y.iloc[unread[0]])!r} in row {unread[0] + 1} is no number" if len(unread) else ""
        raise StudyError(f"{where} is not numeric{shown}; [data] task = 'regression' needs numbers")
    return known.frame[name], known.notes


def _check_sizes(study: Study, y: pd.Series) -> None:
    """Check that the squares of a target of numbers are finite, and their sum, as every metric needs them."""
    if study.data.task == "regression":
        far = np.flatnonzero((y.abs() > values.LARGEST).to_numpy(dtype=bool, na_value=False))
        if len(far):
            value, rest = float(y.iloc[far[0]]), f" and in {number(len(far) - 1, 'other row')}" if len(far) > 1 else ""
            raise StudyError(
                f"{study.path}: target {study.data.target!r} has {value:g} in row {far[0] + 1}{rest}; allowed are numbers up to "
                f"{values.LARGEST:g}: correct these cells, or leave the rows out"
            )


def _without(table: Table, study: Study) -> pd.DataFrame:
    """Leave out the columns that [data] drop names, as far as they were read."""
    frame = table.frame
    where = f"{study.path}: [data] drop = {study.data.drop!r}"
    if absent := [name for name in study.data.drop if name not in frame.columns and name not in table.unread]:
        known = [*frame.columns, *table.unread]
        raise StudyError(
            f"{where}: {absent[0]!r} is not a column{of_name(absent[0], known)}; the columns are {listed(known)}"
        )
    for key in ("target", "time"):
        if getattr(study.data, key) in study.data.drop:
            raise StudyError(f"{where} leaves out the {key}")
    return frame.drop(columns=[name for name in study.data.drop if name in frame.columns])


def _labeled(data: Dataset, *, whole: bool) -> Dataset:
    """Leave out rows without a target, and say how many.

    Beside missing values, whole numbers were floats and truth values were objects: they get their own type back, whole numbers if
    `whole`.
    """
    missing = pd.isna(data.y) if data.y.ndim == 1 else pd.isna(data.y).any(axis=1)
    if not missing.any() or missing.all():
        return data
    note = f"{number(int(missing.sum()), 'row')} without a target left out{why_missing(data.marks)}"
    data = replace(data.take(np.flatnonzero(~missing)), notes=(*data.notes, note))
    y = pd.Series(data.y).infer_objects().to_numpy() if data.y.dtype == object else data.y
    if whole and y.dtype.kind == "f" and (y % 1 == 0).all() and np.abs(y).max() < 2**63:
        y = y.astype(np.int64)
    return replace(data, y=y)


def why_missing(marks: Sequence[str]) -> str:
    """Return what to add to a sentence on missing targets: which texts count as missing.

    >>> why_missing(["NA"]), why_missing([])
    (": 'NA' counts as missing ([data] na_values)", '')
    """
    return f": {counted(marks)}" if marks else ""


def _in_time_order(study: Study, data: Dataset) -> Dataset:
    """Sort rows by the column that [data] time names; dates written as text are converted to dates."""
    name = study.data.time
    if name is None:
        return data
    where = f"{study.path}: [data] time = {name!r}"
    _check_column(data, name, where)
    if not pd.api.types.is_numeric_dtype(data.X[name]) and not pd.api.types.is_datetime64_any_dtype(data.X[name]):
        texts = data.X[name].dropna()
        such = f", such as {texts[texts.map(_is_no_time)].iloc[0]!r}" if texts.map(_is_no_time).any() else ""
        raise StudyError(f"{where} has values that are neither numbers nor dates (2026-11-25){such}")
    order = np.argsort(_column(data, name, where).to_numpy(), kind="stable")
    return replace(data, X=data.X.iloc[order].reset_index(drop=True), y=data.y[order])


def _is_no_time(value: Any) -> bool:
    return kind(pd.Series([value], dtype=object)) not in ("number", "date", "duration")


def _as_forecasts(study: Study, data: Dataset) -> Dataset:
    """Convert a series, in order of time, to a table of forecasts."""
    keys, where = study.data, f"{study.path}: [data]"
    if keys.time is not None:
        if (twice := data.X[keys.time].duplicated()).any():
            first = data.X[keys.time][twice].iloc[0]
            raise StudyError(f"{where} time = {keys.time!r} has {first} twice; a series has one row for each time")
        data = replace(data, X=data.X.drop(columns=keys.time))  # no feature: training rows never contain later times
    for name in keys.exogenous:
        _check_column(data, name, f"{where} exogenous = {name!r}")
    series = data.X.assign(**{data.target: data.y})
    if why := forecasting.lacking(len(series), keys.lags, keys.horizon, 1 + len(keys.exogenous)):
        raise StudyError(f"{where} lags = {short(keys.lags)}, horizon = {keys.horizon} {why}")
    X, y = forecasting.supervised(series, data.target, keys.lags, keys.horizon, keys.exogenous)
    if not X.columns.is_unique:
        twice = ", ".join(X.columns[X.columns.duplicated()])
        raise StudyError(
            f"{where} lags = {keys.lags!r}, exogenous = {keys.exogenous!r} create duplicate column names: {twice}"
        )
    if X.empty:
        raise StudyError(
            f"{where} lags = {keys.lags!r}, horizon = {keys.horizon} leave none of {len(series)} rows: the series is too short"
        )
    last_known = series[data.target].ffill().loc[X.index].to_numpy()
    return replace(data, X=X.reset_index(drop=True), y=y.to_numpy(), origins=X.index.to_numpy(), last_known=last_known)


def _take_labels(study: Study, data: Dataset) -> Dataset:
    """Remove the column with the group or fold of each row from the features, and keep it as labels."""
    key, name = KINDS[study.scheme.kind].needs, study.scheme.column
    if key is None or name is None:
        return data
    labels = _column(data, name, f"{study.path}: [cv] {key} = {name!r}")
    X = data.X.drop(columns=name)
    if not X.shape[1]:
        raise StudyError(
            f"{study.path}: [cv] {key} = {name!r} is the only column besides the target; no feature is left"
        )
    return replace(data, X=X, labels=labels.to_numpy())


def _column(data: Dataset, name: str, where: str) -> pd.Series:
    """Return a column without missing values; errors start with `where`."""
    _check_column(data, name, where)
    if missing := int(data.X[name].isna().sum()):
        raise StudyError(f"{where} is missing in {missing} of {len(data.X)} rows; remove or fill these rows")
    return data.X[name]


def _check_column(data: Dataset, name: str, where: str) -> None:
    if name not in data.X.columns:
        meant = of_name(name, data.X.columns)
        raise StudyError(f"{where} is not a column besides the target{meant}; the columns are {listed(data.X.columns)}")


def _check_target(study: Study, data: Dataset) -> None:
    where = f"{study.path}: target {data.target!r}"
    missing = int(pd.isna(data.y).sum())
    if missing:
        why = why_missing(data.marks)
        raise StudyError(f"{where} is missing in {missing} of {len(data.y)} rows{why}; remove or fill these rows")
    if study.data.task == "regression":
        return
    if data.y.ndim > 1:
        raise StudyError(f"{where} has {data.y.shape[1]} columns; [data] task = 'classification' needs one")
    distinct = pd.unique(data.y)
    if len(distinct) < 2:
        raise StudyError(f"{where} has only one class, {distinct[0]!r}; classification needs at least two")
    if np.issubdtype(data.y.dtype, np.floating) and not (data.y % 1 == 0).all():
        raise StudyError(
            f"{where} has fractional values, such as {data.y[data.y % 1 != 0][0]}; use [data] task = 'regression'"
        )
