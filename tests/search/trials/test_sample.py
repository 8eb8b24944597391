"""Samples of the training rows: what they hold, that they are the same everywhere, and what is trained on them."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, TimeSeriesSplit

from bpmodel import BPClassifier, BPRegressor
from search.cv import folds
from search.trials.callbacks import NoTasks
from search.trials.evaluation import evaluate
from search.trials.fold_fits import begin
from search.trials.prepared import sample, stream
from search.trials.prepared.folds import is_streamed, prepare
from search.trials.prepared.sample import LEAST_ROWS, sampled, too_small
from search.trials.problem import Trial
from search.trials.shared_cache import ComputeOnce


def splits_of(problem, fraction=0.25):
    return zip(problem.folds.splits, sampled(problem, fraction).folds.splits, strict=True)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.floats(0.01, 1), st.integers(1, 5))
def test_each_class_has_its_share_and_rows_keep_their_order(seed, n_rows, fraction, n_classes):
    classes = np.random.default_rng(seed).integers(n_classes, size=n_rows)
    rows = np.arange(n_rows) * 3 + 7
    drawn = sample._drawn(rows, classes, fraction, seed)
    assert (np.diff(drawn) > 0).all()
    assert np.isin(drawn, rows).all()
    for each in np.unique(classes):
        own = int((classes == each).sum())
        assert int(np.isin(drawn, rows[classes == each]).sum()) == max(1, round(fraction * own))


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_validation_rows_stay_and_training_rows_are_some_of_the_fold(make_problem, task):
    for (train, validation), (drawn, same) in splits_of(make_problem(task)):
        assert same is validation
        assert set(drawn) < set(train)
        assert len(drawn) == pytest.approx(len(train) / 4, abs=1)


def test_a_class_of_one_row_is_kept(make_problem):
    problem = make_problem("classification")
    y = np.asarray(problem.y).copy()
    y[problem.folds.splits[0][0][3]] = 7
    (drawn, _), *_ = sampled(replace(problem, y=y), 0.1).folds.splits
    assert 7 in y[drawn]


def test_a_sample_is_that_of_the_seed_and_the_fold(make_problem):
    problem = make_problem()
    first, again = sampled(problem, 0.25), sampled(pickle.loads(pickle.dumps(problem)), 0.25)
    assert first is sampled(problem, 0.25)
    assert first.folds.fingerprint == again.folds.fingerprint
    others = [sampled(problem, 0.3), sampled(replace(problem, seed=1), 0.25)]
    assert first.folds.fingerprint not in {other.folds.fingerprint for other in others}
    split = problem.folds.splits[0]
    (one, _), (two, _) = sampled(
        replace(problem, folds=folds.Folds((split, split)), prepared=ComputeOnce()), 0.25
    ).folds.splits
    assert set(one) != set(two)


def test_what_fails_on_a_sample_raises_nothing_and_nobody_is_told(make_problem):
    tasks = NoTasks()
    part = sampled(replace(make_problem(), error_score="raise", train_scores=True, tasks=tasks), 0.25)
    assert math.isnan(part.error_score)
    assert part.train_scores is False
    assert part.tasks is not tasks


@pytest.mark.parametrize("cv", [TimeSeriesSplit(3, gap=2), GroupKFold(3)])
def test_time_order_and_groups_are_those_of_the_folds(make_problem, cv):
    problem = make_problem()
    groups = np.arange(len(problem.y)) // 5
    more = {"groups": groups} if isinstance(cv, GroupKFold) else {}
    problem = replace(problem, folds=folds.from_splitter(cv, problem.X, problem.y, **more))
    for (train, validation), (drawn, _) in splits_of(problem):
        assert set(drawn) < set(train)
        if isinstance(cv, GroupKFold):
            assert not set(groups[drawn]) & set(groups[validation])
        else:
            assert drawn.max() + cv.gap < validation.min()


@pytest.mark.parametrize(("enough", "told"), [(LEAST_ROWS - 1, True), (LEAST_ROWS, False)])
def test_a_sample_has_enough_rows(make_problem, enough, told):
    split = np.arange(enough * 10), np.arange(5)
    problem = replace(make_problem(), folds=folds.Folds((split, split)))
    said = too_small(problem, 0.1)
    assert bool(said) is told
    if told:
        assert (
            said == "subsample = 0.1 has no effect: that is 999 of the 9,990 training rows of a fold; needed are 1,000"
        )
    assert too_small(problem, 1) == ""


@pytest.mark.parametrize("steps", [(), None], ids=["a pipeline", "a network alone"])
def test_rows_are_kept_and_those_of_a_network_alone_are_shared(make_problem, monkeypatch, steps):
    monkeypatch.setattr(stream, "MOST_KEPT", 1)
    problem = make_problem()
    if steps is None:
        problem = replace(problem, estimator=problem.estimator[-1], prefix="")
        problem.estimator.dtype = "float32"
        assert prepare(sampled(problem, 0.25))[0].X is prepare(problem)[0].X
        return
    assert is_streamed(problem, problem.estimator)
    part = sampled(problem, 0.25)
    assert not is_streamed(part, part.estimator)
    train, _ = part.folds.splits[0]
    scaler = prepare(part)[0].around[0]
    assert scaler.mean_ == pytest.approx(np.asarray(problem.X)[train].mean(axis=0))  # fitted on the sample


def test_weights_follow_their_rows(make_problem):
    problem = make_problem()
    weight = np.arange(len(problem.y), dtype=float) + 1
    problem = replace(problem, fit_params={"standardscaler__sample_weight": weight})
    part = sampled(problem, 0.25)
    train, _ = part.folds.splits[0]
    expected = np.average(np.asarray(problem.X)[train], axis=0, weights=weight[train])
    assert prepare(part)[0].around[0].mean_ == pytest.approx(expected)


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ({"batch_size": 16}, 8),
        ({"batch_size": 1}, 1),
        ({"batch_size": "auto"}, 15),
        ({"batch_size": "auto", "solver": "rprop"}, "auto"),
        ({"batch_size": "auto", "solver": "lbfgs"}, "auto"),
    ],
)
def test_batches_are_smaller_by_the_root_and_a_part_of_the_validation_rows_is_watched(make_problem, model, size):
    problem = make_problem(**model)
    part = sampled(problem, 0.25)  # 15 of 60 rows
    folds_of_one, begun = begin(part, Trial(0, {}))
    network, fit = next(begun)
    assert network.batch_size == size
    assert fit.validation.numbers.tolist() == folds_of_one[0].validation[::4].tolist()


@pytest.mark.parametrize("estimator", [Ridge(), None])
def test_other_estimators_are_trained_on_it_too(make_problem, estimator):
    problem = make_problem()
    if estimator is not None:
        problem = replace(problem, estimator=estimator, prefix="")
    on_sample, on_all = evaluate(sampled(problem, 0.25), Trial(0, {})), evaluate(problem, Trial(0, {}))
    assert on_sample.healthy
    assert on_sample.fold_scores != on_all.fold_scores


def test_multi_output_and_regression_have_no_classes(make_problem):
    problem = make_problem()
    assert set(sample._classes(problem, np.arange(9))) == {0}
    assert set(sample._classes(replace(problem, estimator=BPClassifier(), y=np.eye(9)), np.arange(9))) == {0}
    assert set(sample._classes(replace(problem, estimator=BPRegressor(), y=None), np.arange(9))) == {0}
