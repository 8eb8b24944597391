"""Predictions for a table: a frame for each piece of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier

from bpmodel.names.short import listed
from bpmodel.preprocessing.texts.marks import Hints
from search import classes
from search.cv import forecasting
from search.errors import StudyError
from search.prediction import columns, seen, stored
from search.prediction.columns import Columns, Reader
from search.spelling import did_you_mean
from search.tables.reading import Pieces, UnreadableError, unique
from search.tables.typed import typed

PREDICTED, PROBABILITY = "predicted", "probability"


@dataclass(frozen=True)
class Model:
    """A model and what is known of its study.

    Attributes
    ----------
    pipeline : estimator
    study : mapping
        What `search.study.facts` stored; may be empty.

    Raises
    ------
    StudyError
        If that is damaged.
    """

    pipeline: Any
    study: Mapping[str, Any]

    def __post_init__(self) -> None:
        stored.check(self.study)

    @property
    def columns(self) -> Columns | None:
        """What the pipeline expects of a table, if that is known."""
        return columns.expected(self.pipeline)

    @property
    def target(self) -> str | None:
        """Name of the target's column."""
        return self.study.get("target")

    @property
    def classifies(self) -> bool:
        return bool(is_classifier(self.pipeline))

    @property
    def forecasts(self) -> bool:
        """Whether it predicts a series from its own past."""
        return bool(self.study.get("lags"))

    @property
    def whole(self) -> bool:
        """Whether it needs the whole table at once: a forecast looks back over pieces, and other pipelines need types."""
        return self.forecasts or self.columns is None

    def names(self, n_outputs: int = 1) -> list[str]:
        """Return the names of the columns of predictions.

        >>> Model(None, {"target": "price"}).names(), Model(None, {}).names(2)
        (['predicted_price'], ['predicted_1', 'predicted_2'])
        """
        name = f"{PREDICTED}_{self.target}" if self.target else PREDICTED
        return [name] if n_outputs == 1 else [f"{name}_{i}" for i in range(1, n_outputs + 1)]


class Predictor:
    """Predicts the pieces of a table.

    Parameters
    ----------
    model : Model
    pieces : Pieces
    probabilities : bool, default=False
        Whether a column for each class is added, with its probability.
    watch : bool, default=False
        Whether rows are counted that the model was trained on.

    Attributes
    ----------
    rows : int
        How many rows have been predicted.
    known, looked_up : int
        Rows that have the features of a training row, and of how many rows that is known.
    unpredicted : int
        Rows of a series that have too little history for a forecast.

    Raises
    ------
    StudyError
        If the model has no probabilities.
    UnreadableError
        If the table lacks what the model needs.
    """

    def __init__(self, model: Model, pieces: Pieces, *, probabilities: bool = False, watch: bool = False) -> None:
        if probabilities and not hasattr(model.pipeline, "predict_proba"):
            kind = "a classifier without" if model.classifies else "no classifier and has no"
            raise StudyError(f"--probabilities: the model is {kind} probabilities")
        self._model, self._pieces, self._probabilities = model, pieces, probabilities
        self.rows = self.unpredicted = self.known = self.looked_up = 0
        self._seen = model.study.get("seen") if watch else None
        self._columns = model.columns
        if self._columns is not None and model.forecasts:
            pieces = pieces._replace(
                names=[*self._columns.kinds], written=False
            )  # its columns are made from the series
        self._reader = Reader(self._columns, pieces) if self._columns is not None else None

    def __iter__(self) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
        """Yield the pieces and their predictions, which have the same index."""
        for frame in self._pieces.frames:
            predicted = self._forecasts(frame) if self._model.forecasts else self._predicted(self._rows(frame))
            self.rows += len(frame)
            yield frame, predicted

    @property
    def notes(self) -> list[str]:
        """What is noticed in the rows so far, a sentence each."""
        said = []
        if self._reader is not None and self._columns is not None:
            said += columns.notes(self._columns, self._reader.noticed, self._pieces.names)
        if self.unpredicted:
            has = "1 row has" if self.unpredicted == 1 else f"{self.unpredicted} rows have"
            said.append(f"{has} no forecast: the model looks further back than the table does")
        return said

    def _rows(self, frame: pd.DataFrame) -> Any:
        """Return what the pipeline predicts from."""
        if self._reader is not None:
            return self._reader.read(frame)
        names = getattr(self._model.pipeline, "feature_names_in_", None)
        if names is not None:
            absent = [str(name) for name in names if name not in frame.columns]
            if absent:
                raise UnreadableError(
                    f"it has no column {absent[0]!r}{did_you_mean(absent[0], frame.columns)}, which the model needs; "
                    f"its columns are {listed(frame.columns, repr)}"
                )
            return frame[list(names)]
        if self._model.target in frame.columns:
            frame = frame.drop(columns=str(self._model.target))
        wanted = getattr(self._model.pipeline, "n_features_in_", frame.shape[1])
        if frame.shape[1] != wanted:
            raise UnreadableError(
                f"it has {frame.shape[1]} columns; the model needs {wanted}, in the order of its rows"
            )
        try:
            return frame.to_numpy(dtype=np.float64, na_value=np.nan)
        except (ValueError, TypeError) as error:
            raise UnreadableError(f"the model needs numbers: {error}") from None

    def _predicted(self, X: Any) -> pd.DataFrame:
        index = X.index if isinstance(X, pd.DataFrame) else None
        if len(X) == 0:
            names = [*self._model.names(), *(self._of_classes() if self._probabilities else ())]
            return pd.DataFrame({name: np.empty(0) for name in names}, index=index)
        if self._seen is not None:
            known, looked_up = seen.share(self._model.pipeline, X, self._seen)
            self.known, self.looked_up = self.known + known, self.looked_up + looked_up
        try:
            found = np.asarray(self._model.pipeline.predict(X))
        except (ValueError, TypeError) as error:
            if self._reader is not None:  # it made X as it must be
                raise
            raise UnreadableError(f"the model cannot predict these rows: {' '.join(str(error).split())}") from None
        outputs = found.reshape(len(found), -1)
        names = self._model.names(outputs.shape[1])
        made = {name: outputs[:, i] for i, name in enumerate(names)}
        if self._probabilities:
            probabilities = np.asarray(self._model.pipeline.predict_proba(X))
            made |= {name: probabilities[:, i] for i, name in enumerate(self._of_classes())}
        return pd.DataFrame(made, index=index)

    def _of_classes(self) -> list[str]:
        """Return the names of the columns of probabilities."""
        return [f"{PROBABILITY}_{classes.text(label)}" for label in self._model.pipeline.classes_]

    def _forecasts(self, series: pd.DataFrame) -> pd.DataFrame:
        """Return the forecasts made at each step of a series, in the order of its rows."""
        known = self._in_order(series)
        study = self._model.study
        rows = forecasting.features(known, str(self._model.target), study["lags"], study.get("exogenous", ()))
        made = self._predicted(rows if self._reader is None else self._reader.read(rows))
        self.unpredicted += len(series) - len(rows)
        return made.reindex(series.index)

    def later(self, series: pd.DataFrame) -> pd.Series:
        """Return the value that is forecast at each step of a series, in the order of its rows; missing where it is not known."""
        known = self._in_order(series)[str(self._model.target)]
        return known.shift(-self._model.study.get("horizon", 1)).reindex(series.index)

    def _in_order(self, series: pd.DataFrame) -> pd.DataFrame:
        """Return a series in order of time, without the time, its columns under the types of their values."""
        study = self._model.study
        target, time = str(self._model.target), study.get("time")
        needed = [target, *study.get("exogenous", ()), *([time] if time else [])]
        for name in needed:
            if name not in series.columns:
                raise UnreadableError(
                    f"it has no column {name!r}{did_you_mean(name, series.columns)}; a forecast needs the past of the series"
                )
        reading = study.get("reading", {})
        hints = Hints(self._pieces.decimal, reading.get("thousands"), reading.get("day_first"))
        known = typed(series, hints).frame
        if time:
            if known[time].isna().any() or known[time].duplicated().any():
                what = "a missing value" if known[time].isna().any() else "the same value twice"
                raise UnreadableError(f"column {time!r} has {what}; a series has one row for each time")
            known = known.sort_values(time, kind="stable").drop(columns=time)
        return known


def beside(frame: pd.DataFrame, predicted: pd.DataFrame) -> pd.DataFrame:
    """Return a piece with its predictions as last columns; one that has the name of an input gets a number.

    >>> beside(pd.DataFrame({"predicted": [1]}), pd.DataFrame({"predicted": [2]}))
       predicted  predicted.1
    0          1            2
    """
    names, _ = unique([*map(str, frame.columns), *predicted.columns])
    return pd.concat([frame, predicted], axis=1).set_axis(names, axis=1)


def ignored(pieces: Pieces, model: Model) -> Sequence[str]:
    """Return a sentence if the table has the column that is predicted, which is no input."""
    if model.forecasts or model.target is None or model.target not in pieces.names:
        return []
    return [f"the target {model.target!r} is in the table; it is not looked at"]
