"""A model on a table with known targets, without a store."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression

from search.errors import StudyError
from search.holdout import documents, pictures, words
from search.holdout.evaluation import Scored, evaluate, sentences
from search.prediction import seen
from search.prediction.predictor import Model, Predictor, beside
from search.tables.reading import Table, UnreadableError, cut
from search.terminal.output import as_json

X = pd.DataFrame({"a": np.arange(30.0), "b": np.cos(np.arange(30))})
Y = 3 * X.a + X.b
LINEAR = LinearRegression().fit(X, Y)
CLASSES = np.where(X.b > 0, "up", "down")
LOGISTIC = LogisticRegression().fit(X, CLASSES)


def run(model, frame, study=None, **more):
    return evaluate(Model(model, {"target": "y", **(study or {})}), cut(Table(frame), 7), resamples=20, **more)


def test_rows_are_counted_from_one_and_the_worst_come_first():
    found = run(LINEAR, X.assign(y=Y + np.where(X.a == 12, 5.0, 0.0)))
    assert found.worst(1)[0][0] == 13
    assert found.rows.tolist() == list(range(1, 31))
    assert found.residuals.max() == pytest.approx(5)
    assert found.correlation == pytest.approx(np.corrcoef(found.sample.truth, found.sample.predicted)[0, 1])
    assert [scored.scoring for scored in found.scores] == [
        "neg_root_mean_squared_error",
        "neg_mean_absolute_error",
        "neg_median_absolute_error",
        "neg_mean_absolute_percentage_error",
        "r2",
    ]


def test_a_constant_prediction_has_no_correlation():
    assert np.isnan(run(LINEAR, X.assign(a=1.0, b=1.0, y=Y)).correlation)


def test_classes_are_found_by_their_text_and_others_left_out():
    truth = pd.Series(CLASSES, dtype=object)
    truth[[0, 1, 2]] = [None, "sideways", " up "]
    found = run(LOGISTIC, X.assign(y=truth), {"scoring": ["accuracy"], "positive": "down"})
    assert len(found.sample) == 28
    assert found.notes == [
        "1 row without a target left out",
        "1 row left out: 'sideways' in row 2 is no class of the model ('down', 'up')",
    ]
    assert found.sample.positive == 0
    assert found.rows[0] == 3
    numbers = LogisticRegression().fit(X, CLASSES == "up")
    assert len(run(numbers, X.assign(y=np.where(CLASSES == "up", "yes", "no"))).sample) == 30


@pytest.mark.parametrize(
    ("frame", "study", "more", "told"),
    [
        (X, {}, {}, "there is no column 'y', the target; there are 'a', 'b'"),
        (X.assign(z=Y), {"target": None}, {}, "--target is missing"),
        (X.assign(y=np.nan), {}, {}, "none of 30 rows has a target that can"),
        (X.assign(y="x"), {}, {}, "none of 30 rows has a target, such as 'x',"),
    ],
)
def test_a_table_that_cannot_be_compared_is_an_error(frame, study, more, told):
    with pytest.raises((StudyError, UnreadableError), match=told):
        run(LINEAR, frame, study, **more)


def test_a_model_of_several_targets_is_an_error():
    with pytest.raises(StudyError, match="the model predicts 2 targets"):
        run(LinearRegression().fit(X, np.column_stack([Y, Y])), X.assign(y=Y))


SCORES = [
    ("r2", 0.5, 0.7, None, "is worse than cross-validation promised: 0.5 (0.4 to 0.6) instead of 0.7"),
    ("r2", 0.5, 0.61, None, "is worse than"),
    ("r2", 0.5, 0.6, None, "is in line with cross-validation, 0.6"),
    ("r2", 0.5, 0.4, None, "is in line with cross-validation, 0.4"),
    ("r2", 0.5, 0.39, None, "is better than"),
    ("neg_max_error", 0.5, 0.39, None, "is worse than"),
    ("neg_max_error", 0.5, 0.61, None, "is better than"),
    ("r2", 0.5, None, 0.6, "It is not distinguishable from that of the dummy predictor, 0.6"),
    ("r2", 0.5, None, 0.61, "It is worse than that of the dummy predictor, 0.61"),
    ("neg_max_error", 0.5, None, 0.39, "It is worse than"),
]


@pytest.mark.parametrize(("scoring", "value", "promised", "dummy", "told"), SCORES)
def test_what_a_score_means(scoring, value, promised, dummy, told):
    (said,) = sentences([Scored(scoring, value, 0.4, 0.6, dummy, promised)], "score")
    assert told in said


def test_nothing_is_said_where_nothing_is_known():
    assert sentences([Scored("r2", 0.5, 0.4, 0.6, 0.39)], "score") == []
    assert sentences([Scored("r2", 0.5, float("nan"), float("nan"), 0.7, 0.9)], "score") == []


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (slice(0, 30), "all 30 rows have the features of a training row; this is no test"),
        (slice(0, 5), "5 of 10 rows have the features of a training row"),
        (slice(0, 6), "6 of 10 rows have the features of a training row; the scores are likely to be too good"),
        (slice(0, 0), ""),
    ],
)
def test_rows_of_the_training_are_noticed(rows, told):
    known = X[rows]
    frame = known if len(known) == 30 else pd.concat([known, X[: 10 - len(known)] + 0.25])
    found = run(LINEAR, frame.assign(y=1.0), {"seen": seen.sketch(LINEAR, X)})
    assert found.notes == ([f"the model was trained on rows like these: {told}"] if told else [])


def test_of_many_training_rows_a_sample_is_kept(monkeypatch):
    monkeypatch.setattr(seen, "KEPT", 100)
    many = np.random.default_rng(0).normal(size=(2000, 2))
    sketch = seen.sketch(LINEAR, many)
    assert not sketch["complete"]
    assert len(sketch["hashes"]) < 1100
    known, looked_up = seen.share(LINEAR, np.vstack([many[:1000], many[:1000] + 1]), sketch)
    assert 0.4 < known / looked_up < 0.6
    assert 60 < looked_up < 140
    assert seen.share(LINEAR, -many * [[0.0, 1.0]], sketch)[0] == 0
    assert seen.share(LINEAR, np.array([[-0.0, 1.0]]), seen.sketch(LINEAR, np.array([[0.0, 1.0]]))) == (1, 1)


def test_reports_pictures_and_documents_of_both_tasks():
    names = [f"class {i}" for i in range(14)]
    many = DummyClassifier(strategy="uniform", random_state=0).fit(np.zeros((28, 2)), names * 2)
    tables = {
        "numbers": run(LINEAR, X.assign(y=Y + 1)),
        "two": run(LOGISTIC, X.assign(y=CLASSES)),
        "many": run(many, X.assign(y=(names * 3)[:30])),
    }
    known = SimpleNamespace(version=SimpleNamespace(name="n", number=1))
    for found in tables.values():
        assert words.report(found) is not None
        assert as_json(documents.evaluated(known, "y", found))
        assert pictures.picture(found, "y").axes[0].get_xlabel() == "predicted y"
    assert len(pictures.picture(tables["two"], "y").axes[0].texts) == 4
    assert len(pictures.picture(tables["many"], "y").axes[0].texts) == 0
    assert words.MOST_CLASSES == pictures.MOST_WRITTEN < 14


# --------------------------------------------------------------------------------------------------------- the predictor


def test_pipelines_of_other_kinds_get_their_columns_by_name_or_by_place():
    by_place = LinearRegression().fit(X.to_numpy(), Y)
    frame = X[["b", "a"]].assign(more="x")
    (_, predicted), *_ = Predictor(Model(LINEAR, {}), cut(Table(frame), 100))
    np.testing.assert_allclose(predicted["predicted"], Y)
    (_, predicted), *_ = Predictor(Model(by_place, {"target": "y"}), cut(Table(X.assign(y=0.0)), 100))
    np.testing.assert_allclose(predicted["predicted_y"], Y)
    for model, table, told in [
        (LINEAR, X.rename(columns={"a": "A"}), r"it has no column 'a' \(did you mean A\?\)"),
        (by_place, frame, "it has 3 columns; the model needs 2"),
        (by_place, frame.drop(columns="a"), "the model needs numbers"),
        (LINEAR, X.astype({"a": str}).replace("3.0", "x"), "the model cannot predict these rows: could not convert"),
    ]:
        with pytest.raises(UnreadableError, match=told):
            list(Predictor(Model(model, {}), cut(Table(table), 100)))


def test_probabilities_have_a_column_for_each_class():
    (frame, predicted), *_ = Predictor(Model(LOGISTIC, {"target": "y"}), cut(Table(X), 100), probabilities=True)
    assert list(predicted) == ["predicted_y", "probability_down", "probability_up"]
    np.testing.assert_allclose(predicted.iloc[:, 1:], LOGISTIC.predict_proba(X))
    assert list(beside(frame.assign(predicted_y=0), predicted)) == [
        "a",
        "b",
        "predicted_y",
        "predicted_y.1",
        *list(predicted)[1:],
    ]
    with pytest.raises(StudyError, match="the model is no classifier"):
        Predictor(Model(LINEAR, {}), cut(Table(X), 100), probabilities=True)


def test_a_table_without_rows_has_predictions_without_rows():
    (_, predicted), *_ = Predictor(Model(LOGISTIC, {}), cut(Table(X[:0]), 100), probabilities=True)
    assert (len(predicted), list(predicted)) == (0, ["predicted", "probability_down", "probability_up"])


SERIES = pd.DataFrame({"hour": [3, 1, 2, 5, 4], "load": [30.0, 10.0, 20.0, 50.0, 40.0]})
FORECAST = {"target": "load", "time": "hour", "lags": 2, "horizon": 1}


def test_a_forecast_looks_back_in_time_and_stands_beside_its_row():
    rows = pd.DataFrame({"load_lag_1": [20.0, 30.0, 40.0], "load_lag_2": [10.0, 20.0, 30.0]})
    model = Model(LinearRegression().fit(rows, [30.0, 40.0, 50.0]), FORECAST)
    predicting = Predictor(model, cut(Table(SERIES), 100))
    ((_, predicted),) = predicting
    np.testing.assert_allclose(predicted["predicted_load"], [40, np.nan, 30, 60, 50])
    assert predicting.notes == ["1 row has no forecast: the model looks further back than the table does"]
    found = evaluate(model, cut(Table(SERIES), 100), resamples=10)
    assert found.sample.truth.tolist() == [40, 30, 50]
    later = Model(model.pipeline, FORECAST | {"horizon": 2})
    assert evaluate(later, cut(Table(SERIES), 100), resamples=10).sample.truth.tolist() == [50, 40]
    assert found.notes[-1] == "1 row without a target left out"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (SERIES.drop(columns="load"), "it has no column 'load'; a forecast needs the past of the series"),
        (SERIES.drop(columns="hour"), "it has no column 'hour'"),
        (SERIES.assign(hour=1), "column 'hour' has the same value twice"),
        (SERIES.assign(hour=[1, 2, None, 4, 5]), "column 'hour' has a missing value"),
    ],
)
def test_a_series_that_cannot_be_forecast_is_an_error(table, told):
    model = Model(LINEAR, FORECAST)
    with pytest.raises(UnreadableError, match=told):
        list(Predictor(model, cut(Table(table), 100)))


def test_cells_that_stand_for_missing_are_no_targets():
    frame = X.assign(y=np.where(X.a == 4, "n/a", CLASSES))
    written = cut(Table(frame), 7)._replace(written=True, missing=frozenset(["n/a"]))
    found = evaluate(Model(LOGISTIC, {"target": "y", "scoring": ["accuracy"]}), written, resamples=20)
    assert (len(found.sample), found.notes) == (29, ["1 row without a target left out"])


def test_what_cross_validation_promised_stands_beside_the_metric_of_that_name():
    study = {"scoring": ["accuracy", "f1"]}
    promised = {"score": 0.8, "score_std": 0.1, "score.f1": 0.7}
    found = run(LOGISTIC, X.assign(y=CLASSES), study, cross_validation=promised)
    told = {scored.scoring: (scored.promised, scored.spread) for scored in found.scores}
    assert (told["accuracy"], told["f1"], told["neg_log_loss"]) == ((0.8, 0.1), (0.7, None), (None, None))
    errors = run(
        LINEAR, X.assign(y=Y), {"scoring": ["neg_max_error"]}, cross_validation={"score": -4.0, "score_std": 1.0}
    )
    assert (errors.scores[0].promised, errors.scores[0].spread) == (4.0, 1.0)
