"""The evaluation of a model on a table with known targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bpmodel.names.short import listed
from bpmodel.preprocessing import values
from bpmodel.preprocessing.texts.marks import Hints, clean, is_missing
from search import classes
from search.errors import StudyError
from search.formatting import number as said_as
from search.holdout import bootstrap, metrics
from search.holdout.sample import Sample
from search.prediction.columns import with_decimal
from search.prediction.predictor import PROBABILITY, Model, Predictor
from search.spelling import did_you_mean
from search.tables.reading import Pieces, UnreadableError, number
from search.tables.typed import typed

ROW = "row"
"""Index of the rows: their numbers in the table, from 1."""

WORST = 5
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
MANY_SEEN = 0.5
"""Share of training rows among those of a test from which its scores say little."""


@dataclass(frozen=True)
class Scored:
    """The value of a metric, as people say it: an error has no sign.

    Attributes
    ----------
    scoring : str
    value, low, high : float
        With the confidence interval of `bootstrap`.
    dummy : float, optional
        Of the dummy predictor on the same rows.
    promised, spread : float, optional
        Mean and standard deviation over the folds of the study's cross-validation.
    """

    scoring: str
    value: float
    low: float
    high: float
    dummy: float | None = None
    promised: float | None = None
    spread: float | None = None

    @property
    def lower_is_better(self) -> bool:
        return self.scoring.startswith("neg_")


@dataclass(frozen=True)
class Evaluation:
    """A model on a table.

    Attributes
    ----------
    sample : Sample
        The rows with a target; its index by row number is `rows`.
    rows : ndarray of int
        Numbers of the rows in the table, from 1.
    scores : list of Scored
        The metric of the study first.
    notes : list of str
        What is to be said of the rows, a sentence each.
    """

    sample: Sample
    rows: NDArray[np.integer]
    scores: list[Scored]
    notes: list[str] = field(default_factory=list)

    @property
    def residuals(self) -> NDArray[np.float64]:
        """Target minus prediction, of a regression."""
        return np.asarray(self.sample.truth - self.sample.predicted, dtype=np.float64)

    def worst(self, most: int = WORST) -> list[tuple[int, float, float]]:
        """Return row number, target and prediction of the rows with the largest errors."""
        places = np.argsort(-np.abs(self.residuals), kind="stable")[:most]
        return [(int(self.rows[i]), float(self.sample.truth[i]), float(self.sample.predicted[i])) for i in places]

    @property
    def correlation(self) -> float:
        """Correlation of target and prediction; NaN if one of them is constant."""
        truth, predicted = self.sample.truth, self.sample.predicted
        if len(truth) < 2 or np.ptp(truth) == 0 or np.ptp(predicted) == 0:
            return float("nan")
        return float(np.corrcoef(truth, predicted)[0, 1])


def evaluate(
    model: Model,
    pieces: Pieces,
    target: str | None = None,
    cross_validation: Mapping[str, float] | None = None,
    resamples: int = bootstrap.RESAMPLES,
) -> Evaluation:
    """Predict the rows of a table and compare with the target there.

    Parameters
    ----------
    model : Model
    pieces : Pieces
    target : str, optional
        The column of the target; by default the study's.
    cross_validation : mapping, optional
        Metrics of the study's parent run: ``score``, ``score_std``, ``score.<scoring>``.
    resamples : int
        Of the bootstrap.

    Raises
    ------
    StudyError
        If the table has no such column or no row with a target, or a target that the model does not predict.
    """
    target = target or model.target
    if target is None:
        raise StudyError(
            "--target is missing: the model does not say what it predicts; name the column of the true values"
        )
    if target not in pieces.names:
        meant = did_you_mean(target, pieces.names)
        raise StudyError(f"there is no column {target!r}, the target{meant}; there are {listed(pieces.names, repr)}")
    probabilities = model.classifies and hasattr(model.pipeline, "predict_proba")
    predicting = Predictor(model, pieces, probabilities=probabilities, watch=True)
    truths, found = [], []
    for frame, predicted in predicting:
        truths.append(predicting.later(frame) if model.forecasts else frame[target])
        found.append(predicted)
    truth = pd.concat(truths, ignore_index=True)
    predicted = pd.concat(found, ignore_index=True)
    said = [*pieces.notes, *predicting.notes, *_seen(predicting)]
    if predicted.shape[1] != 1 and not model.classifies:
        raise StudyError(f"the model predicts {predicted.shape[1]} targets; evaluate is for one")
    sample, rows, more = (_of_classes if model.classifies else _of_numbers)(model, pieces, truth, predicted)
    study = model.study
    chosen = metrics.suitable(sample, study.get("scoring", ()))
    dummy = metrics.dummy(sample, study.get("dummy"), _places(sample.classes))
    scores = _scores(sample, chosen, dummy, cross_validation or {}, study.get("scoring", ()), resamples)
    return Evaluation(sample, rows, scores, [*said, *more])


def _seen(predicting: Predictor) -> list[str]:
    known, looked_up = predicting.known, predicting.looked_up
    if not known:
        return []
    rows = f"all {looked_up}" if known == looked_up else f"{known} of {looked_up}"
    what = f"{rows} rows that were looked up" if looked_up < predicting.rows else f"{rows} rows"
    sure = "; this is no test" if known == looked_up else ""
    much = "; the scores are likely to be too good" if not sure and known > MANY_SEEN * looked_up else ""
    return [f"the model was trained on rows like these: {what} have the features of a training row{sure}{much}"]


def _of_numbers(
    model: Model, pieces: Pieces, truth: pd.Series, predicted: pd.DataFrame
) -> tuple[Sample, NDArray[np.integer], list[str]]:
    """Return the rows whose target is a number and which have a prediction, their numbers, and what is left out."""
    given = _given(truth, pieces)
    reading = model.study.get("reading", {})
    known = typed(
        truth.where(given).to_frame(), Hints(pieces.decimal, reading.get("thousands"), reading.get("day_first"))
    )
    ((name, found),) = known.found.items()
    if found.kind in ("number", "duration"):
        numbers = known.frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        numbers = values.numbers(truth.where(given), with_decimal({}, pieces.decimal))
    made = predicted.iloc[:, 0].to_numpy(dtype=np.float64)
    kept = np.flatnonzero(np.isfinite(numbers) & np.isfinite(made))
    said = _left_out(given, truth, np.isfinite(numbers), "is no number")
    _check_some(kept, truth)
    return Sample(numbers[kept], made[kept]), kept + 1, said


def _of_classes(
    model: Model, pieces: Pieces, truth: pd.Series, predicted: pd.DataFrame
) -> tuple[Sample, NDArray[np.integer], list[str]]:
    """Return the rows whose target is a class of the model, their numbers, and what is left out."""
    known = model.pipeline.classes_.tolist()
    codes, levels = pd.factorize(truth.where(truth.notna()))
    found = [classes.find(known, level) for level in levels]
    places = np.array([known.index(label) if label is not None else -1 for label in found] + [-1])[codes]
    lost = [
        label is None and isinstance(level, str) and is_missing(clean(level))
        for label, level in zip(found, levels, strict=True)
    ]
    given = ~np.array([*lost, True])[codes]
    kept = np.flatnonzero(places >= 0)
    said = _left_out(given, truth, places >= 0, f"is no class of the model ({classes.names(known[:20])})")
    _check_some(kept, truth)
    columns = [name for name in predicted if str(name).startswith(f"{PROBABILITY}_")]
    own = {label: i for i, label in enumerate(known)}
    made = np.array([own[label] for label in predicted.iloc[kept, 0]])
    probabilities = predicted.iloc[kept][columns].to_numpy(dtype=np.float64) if columns else None
    return Sample(places[kept], made, probabilities, tuple(known), _positive(model, known)), kept + 1, said


def _positive(model: Model, known: list[Any]) -> int | None:
    """Return the place of the positive one of two classes."""
    if len(known) != 2:
        return None
    given = model.study.get("positive")
    chosen = classes.positive(known) if given is None else classes.find(known, given)
    return known.index(chosen)


def _given(truth: pd.Series, pieces: Pieces) -> NDArray[np.bool_]:
    given = truth.notna().to_numpy(dtype=bool)
    return given & ~truth.isin(pieces.missing).to_numpy(dtype=bool) if pieces.written else given


def _left_out(given: NDArray[np.bool_], truth: pd.Series, read: NDArray[np.bool_], why: str) -> list[str]:
    said, unread = [], np.flatnonzero(given & ~read)
    if missing := int((~given).sum()):
        said.append(f"{number(missing, 'row')} without a target left out")
    if len(unread):
        shown = f"{truth.iloc[unread[0]]!r} in row {unread[0] + 1} {why}"
        said.append(f"{number(len(unread), 'row')} left out: {shown}")
    return said


def _check_some(kept: NDArray[np.integer], truth: pd.Series) -> None:
    if not len(truth):
        raise UnreadableError("it has no rows")
    if not len(kept):
        given = truth.dropna()
        shown = f", such as {given.iloc[0]!r}," if len(given) else ""
        raise UnreadableError(
            f"none of {number(len(truth), 'row')} has a target{shown} that can be compared with a prediction"
        )


def _places(known: Sequence[Any]) -> dict[str, int]:
    return {classes.text(label): i for i, label in enumerate(known)}


def _scores(
    sample: Sample,
    chosen: Sequence[metrics.Metric],
    dummy: Sample | None,
    promised: Mapping[str, float],
    scoring: Sequence[str],
    resamples: int,
) -> list[Scored]:
    found = metrics.values(chosen, sample)
    limits = bootstrap.intervals(sample, lambda resample: metrics.values(chosen, resample), resamples)
    dummies = [None if dummy is None else metric.compute(dummy) for metric in chosen]
    scores = []
    for metric, value, (low, high), beside in zip(chosen, found, limits, dummies, strict=True):
        first = list(scoring[:1]) == [metric.scoring]
        sign = -1 if metric.scoring.startswith("neg_") else 1
        mean = promised.get("score" if first else f"score.{metric.scoring}")
        spread = promised.get("score_std") if first else None
        own = None if mean is None else sign * mean
        scores.append(Scored(metric.scoring, float(value), float(low), float(high), beside, own, spread))
    return scores


def sentences(scores: Sequence[Scored], name: str) -> list[str]:
    """Return what the first score means: beside cross-validation, and beside the dummy predictor.

    Examples
    --------
    >>> sentences([Scored("r2", 0.5, 0.4, 0.6, dummy=-0.01, promised=0.7)], "R2")
    ['The R2 is worse than cross-validation promised: 0.5 (0.4 to 0.6) instead of 0.7.']
    >>> sentences([Scored("neg_max_error", 5.0, 4.0, 6.0, dummy=5.5, promised=4.5)], "max error")
    ['The max error is in line with cross-validation, 4.5.', 'It is not distinguishable from that of the dummy predictor, 5.5.']
    >>> sentences([Scored("neg_max_error", 61600.5, 54000.0, 70000.0, dummy=None, promised=66640.4)], "max error")
    ['The max error is in line with cross-validation, 66,640.']
    """
    first = scores[0]
    sign = -1 if first.lower_is_better else 1
    said = []
    if first.promised is not None and np.isfinite(first.low):
        if first.low <= first.promised <= first.high:
            said.append(f"The {name} is in line with cross-validation, {said_as(first.promised)}.")
        else:
            word = "worse" if sign * first.value < sign * first.promised else "better"
            said.append(
                f"The {name} is {word} than cross-validation promised: {said_as(first.value)} "
                f"({said_as(first.low)} to {said_as(first.high)}) instead of {said_as(first.promised)}."
            )
    if first.dummy is not None and np.isfinite(first.low):
        if first.low <= first.dummy <= first.high:
            said.append(f"It is not distinguishable from that of the dummy predictor, {said_as(first.dummy)}.")
        elif sign * first.value < sign * first.dummy:
            said.append(f"It is worse than that of the dummy predictor, {said_as(first.dummy)}.")
    return said
