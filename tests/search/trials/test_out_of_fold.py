"""Predictions for rows that were not trained on: those that the scores of the trial are made of."""

import json

import joblib
import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer, root_mean_squared_error
from sklearn.model_selection import KFold, RepeatedKFold, TimeSeriesSplit

from bpmodel import BPEnsembleRegressor, BPRegressor
from search.cv import folds
from search.trials.evaluation import evaluate
from search.trials.out_of_fold import predictions, summary
from search.trials.out_of_fold.predictions import OutOfFold, predict
from search.trials.out_of_fold.summary import Summary
from search.trials.problem import Problem, Trial

THREE = KFold(3)
RMSE, ACCURACY = get_scorer("neg_root_mean_squared_error"), get_scorer("accuracy")


def by_fold(found: OutOfFold, measure) -> list[float]:
    return [
        measure(found.truth[found.folds == fold], found.predicted[found.folds == fold])
        for fold in np.unique(found.folds)
    ]


@pytest.fixture
def regression():
    random = np.random.default_rng(0)
    X = random.normal(size=(90, 3))
    return X, 1000 + 50 * X[:, 0] + random.normal(size=90)


def made(estimator, X, y, cv=THREE, scorer=RMSE, **more) -> Problem:
    return Problem(estimator, X, y, folds.from_splitter(cv, X, y), scorer, 3, **more)


@pytest.mark.parametrize("cv", [KFold(3), RepeatedKFold(n_splits=3, n_repeats=2, random_state=0), TimeSeriesSplit(3)])
@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"solver": "sgd", "learning_rate": "cosine"}])
def test_the_scores_are_those_of_the_trial(regression, cv, options):
    problem = made(BPRegressor(max_iter=30, scale_target=True, **options), *regression, cv)
    outcome = evaluate(problem, Trial(5, {"learning_rate_init": 0.05}))
    found = predict(problem, outcome)
    assert by_fold(found, root_mean_squared_error) == pytest.approx([-s for s in outcome.fold_scores], rel=1e-6)
    assert found.rows.tolist() == np.concatenate([rows for _, rows in problem.folds.splits]).tolist()
    assert np.array_equal(found.truth, regression[1][found.rows])


def test_folds_may_be_trained_at_the_same_time_with_any_backend(regression):
    problem = made(BPRegressor(max_iter=20, scale_target=True), *regression)
    outcome = evaluate(problem, Trial(0, {}))
    with joblib.parallel_config(backend="multiprocessing"):
        found = predict(problem, outcome, n_jobs=2)
    assert by_fold(found, root_mean_squared_error) == pytest.approx([-s for s in outcome.fold_scores], rel=1e-6)


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_predictions_of_a_pipeline_are_in_the_targets_own_units(make_problem, task):
    problem = make_problem(task, max_iter=20)
    outcome = evaluate(problem, Trial(1, {}))
    found = predict(problem, outcome)
    if task == "regression":
        assert by_fold(found, root_mean_squared_error) == pytest.approx([-s for s in outcome.fold_scores], rel=1e-6)
    else:
        own = found.probabilities[np.arange(len(found)), np.searchsorted(found.classes, found.truth)]
        losses = [np.log(own[found.folds == fold]).mean() for fold in range(3)]
        assert losses == pytest.approx(outcome.fold_scores, rel=1e-4)
        assert found.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)
        assert np.array_equal(found.classes[found.probabilities.argmax(axis=1)], found.predicted)


def test_other_estimators_are_fitted_once_more(regression):
    problem = made(Ridge(), *regression)
    outcome = evaluate(problem, Trial(0, {"alpha": 3.0}))
    assert by_fold(predict(problem, outcome), root_mean_squared_error) == pytest.approx(
        [-s for s in outcome.fold_scores]
    )


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_an_ensemble(regression):
    problem = made(BPEnsembleRegressor(BPRegressor(max_iter=5), n_members=2, random_state=0), *regression)
    outcome = evaluate(problem, Trial(0, {}))
    assert by_fold(predict(problem, outcome), root_mean_squared_error) == pytest.approx(
        [-s for s in outcome.fold_scores]
    )


def test_weights_of_the_rows_count(regression):
    X, y = regression
    problem = made(Ridge(), X, y, fit_params={"sample_weight": np.arange(1.0, 91.0)})
    outcome = evaluate(problem, Trial(0, {}))
    plain = predict(made(Ridge(), X, y), outcome)
    found = predict(problem, outcome)
    assert not np.allclose(found.predicted, plain.predicted, rtol=1e-9)
    assert by_fold(found, root_mean_squared_error) == pytest.approx([-s for s in outcome.fold_scores])


def test_several_outputs(regression):
    X, y = regression
    problem = made(BPRegressor(max_iter=10), X, np.column_stack([y, -2 * y]) / 1000)
    found = predict(problem, evaluate(problem, Trial(0, {})))
    assert found.predicted.shape == (90, 2)
    told = summary.summary(0, found)
    assert (told.n, told.n_outputs, len(told.outputs)) == (90, 2, 2)


def test_without_targets_or_predictions_there_is_nothing(regression):
    X, _ = regression
    problem = made(KMeans(2, n_init=1), X, None, scorer=lambda estimator, X: 0.0)
    assert predict(problem, evaluate(problem, Trial(0, {}))) is None


def test_a_class_that_a_fold_has_not_seen_has_a_column():
    X, y = np.arange(12.0)[:, None] / 12, np.array(["a", "b"] * 5 + ["c", "c"])
    problem = made(LogisticRegression(), X, y, KFold(6), ACCURACY)
    outcome = evaluate(problem, Trial(0, {}))
    found = predict(problem, outcome)
    assert found.probabilities.shape == (12, 3)
    assert found.classes.tolist() == ["a", "b", "c"]
    last = found.folds == 5
    assert (found.probabilities[last, 2] == 0).all()


def test_many_classes_have_no_probabilities(monkeypatch, make_problem):
    problem = make_problem("classification", max_iter=3)
    monkeypatch.setattr(predictions, "MOST_PROBABILITIES", 10)
    found = predict(problem, evaluate(problem, Trial(0, {})))
    assert found.probabilities is None
    assert summary.summary(0, found).curves == []


# ------------------------------------------------------------------------------------------------------- in bounded space


def of_classes(truth, predicted, classes, probabilities=None) -> OutOfFold:
    rows = np.arange(len(truth), dtype=np.int32)
    return OutOfFold(rows, rows * 0, np.array(truth), np.array(predicted), probabilities, np.array(classes))


def test_a_regression_is_sampled_but_its_errors_are_of_all_rows():
    random = np.random.default_rng(0)
    truth = random.normal(size=10_000)
    rows = np.arange(10_000, dtype=np.int32)
    told = summary.summary(4, OutOfFold(rows, rows * 0, truth, truth + 0.5))
    (output,) = told.outputs
    assert (told.trial, told.n, len(output.truth), len(output.predicted)) == (4, 10_000, 2000, 2000)
    assert (output.rmse, output.bias) == pytest.approx((0.5, 0.5))
    assert output.r2 == pytest.approx(1 - 0.25 / truth.var())
    assert np.array(output.predicted) - output.truth == pytest.approx(0.5, abs=1e-4)


def test_targets_that_are_all_equal_have_no_r2():
    rows = np.arange(3, dtype=np.int32)
    assert summary.summary(0, OutOfFold(rows, rows, np.ones(3), np.zeros(3))).outputs[0].r2 is None


def test_a_confusion_matrix_keeps_the_most_frequent_classes():
    truth = np.repeat(np.arange(40), np.arange(1, 41))
    told = summary.summary(0, of_classes(truth, np.roll(truth, 1), np.arange(40)))
    assert told.classes == [*map(str, range(10, 40)), summary.OTHERS]
    table = np.array(told.confusion)
    assert table.shape == (31, 31)
    assert table.sum() == len(truth)
    assert table[:30].sum(axis=1).tolist() == list(range(11, 41))


def test_a_prediction_that_is_no_class_counts_as_another():
    told = summary.summary(0, of_classes(["a", "b"], ["a", "x"], ["a", "b"]))
    assert told.classes == ["a", "b", summary.OTHERS]
    assert told.confusion == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_curves_are_of_the_second_of_two_classes_and_bounded():
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 5000)
    given = np.clip(truth * 0.3 + random.uniform(size=5000) * 0.7, 0, 1).astype(np.float32)
    told = summary.summary(0, of_classes(truth, (given > 0.5).astype(int), [0, 1], np.column_stack([1 - given, given])))
    (curve,) = told.curves
    assert curve.name == "1"
    assert len(curve.roc[0]) == len(curve.precision_recall[1]) <= 200
    assert [curve.roc[0][0], curve.roc[1][-1]] == [0, 1]
    assert 0.8 < curve.area < 1
    assert curve.area == pytest.approx(np.trapezoid(curve.roc[1], curve.roc[0]), abs=0.01)


def test_a_summary_survives_the_journal():
    random = np.random.default_rng(0)
    given = random.dirichlet(np.ones(12), 200).astype(np.float32)
    truth = random.integers(0, 12, 200)
    told = summary.summary(3, of_classes(truth, given.argmax(axis=1), np.arange(12), given))
    assert len(told.curves) == 10
    written = json.dumps(told.to_dict())
    assert len(written) < 100_000
    assert Summary.of(json.loads(written)) == told


def test_targets_that_are_no_numbers_are_not_summarized():
    rows = np.arange(2, dtype=np.int32)
    assert summary.summary(0, OutOfFold(rows, rows, np.array(["a", "b"]), np.array(["a", "b"]))) is None
