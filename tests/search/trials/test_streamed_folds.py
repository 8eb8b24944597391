"""Folds that are prepared anew for each turn give the results of folds that are kept."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, RobustScaler, StandardScaler

from bpmodel import BPRegressor
from bpmodel.preprocessing import TablePreprocessor, TargetTransformer, by_columns
from search.loop import demand
from search.loop.runner import plan
from search.space import spaces
from search.trials import diagnoses
from search.trials.baselines import boosting, linear
from search.trials.evaluation import evaluate
from search.trials.out_of_fold.predictions import predict
from search.trials.prepared import folds, steps, stream
from search.trials.prepared.folds import is_streamed, prepare
from search.trials.problem import Trial
from search.trials.refitting import refit
from search.trials.shared_cache import ComputeOnce

KINDS = ("verdict", "reason", "epoch")


def network(problem):
    return problem.estimator[-1]


ESTIMATORS = {
    "a scaler": lambda last: make_pipeline(StandardScaler(), last),
    "two scalers": lambda last: make_pipeline(RobustScaler(), MinMaxScaler(), last),
    "a pipeline in a pipeline": lambda last: make_pipeline(make_pipeline(StandardScaler(), RobustScaler()), last),
    "no step": lambda last: Pipeline([("same", "passthrough"), ("scaler", StandardScaler()), ("net", last)]),
    "a target transformer around": lambda last: TransformedTargetRegressor(
        make_pipeline(StandardScaler(), last), transformer=StandardScaler()
    ),
    "a target transformer inside": lambda last: make_pipeline(
        StandardScaler(), TransformedTargetRegressor(last, transformer=TargetTransformer(), check_inverse=False)
    ),
    "a table": lambda last: make_pipeline(TablePreprocessor(), last),
}


def both(make_problem, monkeypatch, name="a scaler", *, table=False, task="regression", **model):
    """Return the same problem with folds that are kept, and with folds that are streamed, in pieces of a few rows."""
    problem = make_problem(task, **model)
    X = pd.DataFrame(problem.X, columns=list("abcd")) if table else problem.X
    kept = replace(problem, estimator=ESTIMATORS[name](network(problem)), X=X, prefix="", prepared=ComputeOnce())
    list(prepare(kept))
    monkeypatch.setattr(stream, "MOST_KEPT", 0)
    monkeypatch.setattr(by_columns, "AT_ONCE", 70)
    streamed = replace(kept, prepared=ComputeOnce())
    assert prepare(kept)[0].stream is None
    assert prepare(streamed)[0].stream is not None
    return kept, streamed


def same(one, other):
    assert [getattr(one, kind) for kind in KINDS] == [getattr(other, kind) for kind in KINDS]
    np.testing.assert_allclose(other.fold_scores, one.fold_scores, rtol=1e-4)
    np.testing.assert_allclose(list(other.curve.values()), list(one.curve.values()), rtol=1e-4)


@pytest.mark.parametrize("table", [False, True], ids=["array", "table"])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_trial_has_the_same_outcome(make_problem, monkeypatch, name, table):
    kept, streamed = both(make_problem, monkeypatch, name, table=table)
    same(evaluate(kept, Trial(3, {})), evaluate(streamed, Trial(3, {})))


MODELS = {
    "early stopping": {"early_stopping": True},
    "double precision": {"dtype": "float64"},
    "scaled inputs": {"scale_input": "minmax"},
    "all rows": {"solver": "lbfgs"},
    "repairs": {"learning_rate_init": 1e4, "on_divergence": "repair"},
    "divergence": {"learning_rate_init": 1e12, "solver": "sgd"},
}


@pytest.mark.parametrize("name", MODELS)
def test_any_network_has_the_same_outcome(make_problem, monkeypatch, name):
    kept, streamed = both(make_problem, monkeypatch, **MODELS[name])
    one, other = (evaluate(problem, Trial(1, {})) for problem in (kept, streamed))
    same(one, other)
    assert one.repairs == other.repairs
    if one.divergence:
        assert [found["code"] for found in one.divergence.findings] == [
            found["code"] for found in other.divergence.findings
        ]


def test_classes_and_training_scores_are_the_same(make_problem, monkeypatch):
    problems = both(make_problem, monkeypatch, task="classification")
    one, other = (evaluate(replace(problem, train_scores=True), Trial(0, {})) for problem in problems)
    same(one, other)
    np.testing.assert_allclose(other.train_metrics["score"], one.train_metrics["score"], rtol=1e-6)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_predictions_refit_and_diagnoses_are_the_same(make_problem, monkeypatch, n_jobs):
    kept, streamed = both(make_problem, monkeypatch, "a table", table=True)
    outcome = evaluate(kept, Trial(2, {}))
    found = [predict(problem, outcome, n_jobs) for problem in (kept, streamed)]
    np.testing.assert_allclose(found[1].predicted, found[0].predicted, rtol=1e-3)
    assert found[0].rows.tolist() == found[1].rows.tolist()
    models = [refit(problem, outcome, 2, n_jobs) for problem in (kept, streamed)]
    np.testing.assert_allclose(models[1].predict(kept.X), models[0].predict(kept.X), rtol=1e-3)
    told = [[d and [f.code for f in d.findings] for d in diagnoses.diagnose(p, Trial(0, {}))] for p in (kept, streamed)]
    assert told[0] == told[1]


@pytest.mark.parametrize("measure", [linear, boosting])
def test_baselines_are_the_same(make_problem, monkeypatch, measure):
    one, other = (measure(problem, "regression") for problem in both(make_problem, monkeypatch))
    np.testing.assert_allclose(other.fold_scores, one.fold_scores, rtol=1e-5)


def test_folds_of_a_trial_share_one_buffer_and_trials_none(make_problem, monkeypatch):
    _, streamed = both(make_problem, monkeypatch)
    first, second = (prepare(streamed).for_one_trial() for _ in range(2))
    assert len({id(fold.X) for fold in first}) == 1
    assert first[0].X is not second[0].X
    assert [one.around is other.around for one, other in zip(first, second, strict=True)] == [True] * 3


def test_a_buffer_holds_the_fold_that_was_loaded_last(make_problem, monkeypatch):
    kept, streamed = both(make_problem, monkeypatch)
    lent, expected = prepare(streamed).for_one_trial(), list(prepare(kept))
    for number in (0, 2, 0):
        lent[number].load()
        np.testing.assert_allclose(lent[number].X[lent[number].train], expected[number].X_train, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(lent[1].X_validation, expected[1].X_validation, rtol=1e-5, atol=1e-6)
    lent[0].load()  # the validation rows of another fold were there
    np.testing.assert_allclose(lent[0].X[lent[0].train], expected[0].X_train, rtol=1e-5, atol=1e-6)


def test_a_fold_that_could_not_be_loaded_is_loaded_again(make_problem, monkeypatch):
    _, streamed = both(make_problem, monkeypatch)
    fold = prepare(streamed).for_one_trial()[0]
    fill = stream.Stream.fill

    def fail(self, out):
        raise MemoryError

    monkeypatch.setattr(stream.Stream, "fill", fail)
    with pytest.raises(MemoryError):
        fold.load()
    monkeypatch.setattr(stream.Stream, "fill", fill)
    fold.load()
    assert np.isfinite(fold.X).all()


def test_validation_rows_of_many_rows_are_picked_again(make_problem, monkeypatch):
    problem = make_problem()
    fold = prepare(problem)[0]
    monkeypatch.setattr(folds, "MOST_COPIED", fold.X.nbytes)
    assert fold.X_validation is fold.X_validation
    monkeypatch.setattr(folds, "MOST_COPIED", fold.X.nbytes - 1)
    assert fold.X_validation is not fold.X_validation
    np.testing.assert_array_equal(fold.X_validation, fold.X[fold.validation])


def test_the_bytes_of_all_folds_decide(make_problem, monkeypatch):
    problem = make_problem()
    size = 3 * 90 * 4 * 8  # few rows are in double precision
    monkeypatch.setattr(stream, "MOST_KEPT", size)
    assert not is_streamed(problem, problem.estimator)
    assert is_streamed(problem, problem.estimator, 5)
    monkeypatch.setattr(stream, "MOST_KEPT", size - 1)
    assert is_streamed(problem, problem.estimator)


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        (lambda X: (X, {}, StandardScaler()), True),
        (lambda X: (pd.DataFrame(X), {}, TablePreprocessor()), True),
        (lambda X: (X, {"sample_weight": np.ones(90)}, StandardScaler()), False),
        (lambda X: (X.tolist(), {}, StandardScaler()), False),
        (lambda X: (csr_array(X), {}, StandardScaler(with_mean=False)), False),
        (lambda X: (X, {}, PCA(2)), False),
        (lambda X: (X, {}, FunctionTransformer(np.sort)), False),
    ],
    ids=["array", "table", "weights", "list", "sparse", "PCA", "a function"],
)
def test_only_steps_that_look_at_rows_and_columns_alone_are_streamed(make_problem, change, allowed):
    X, fit_params, step = change(make_problem().X)
    assert steps.take_pieces(make_pipeline(step, BPRegressor()), X, fit_params) is allowed


def test_pipelines_of_other_classes_are_not_streamed(make_problem):
    mine = type("Mine", (Pipeline,), {})([("scaler", StandardScaler()), ("net", BPRegressor())])
    assert not steps.take_pieces(mine, make_problem().X, {})


def test_names_of_columns_are_those_of_the_table(make_problem, monkeypatch):
    _, streamed = both(make_problem, monkeypatch, table=True)
    assert prepare(streamed)[0].around[0].feature_names_in_.tolist() == list("abcd")


def test_the_demand_is_one_fold_for_each_trial_at_a_time(make_problem, monkeypatch):
    problem, space = make_problem(), spaces.build({"alpha": [0.1, 1.0]})
    one = 90 * 4 * 4
    asked = plan(problem, space, portfolio=False, n_trials=2, n_jobs=2)
    assert demand.count(problem, space, asked).folds_bytes == 3 * one
    monkeypatch.setattr(stream, "MOST_KEPT", 0)
    found = demand.count(problem, space, asked)
    assert (found.folds_bytes, found.streamed) == (2 * one, True)
