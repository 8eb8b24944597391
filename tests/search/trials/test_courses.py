"""Gradient norms and learning rates of a trial: few points, finite, and those of the fits."""

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from search.loop import records
from search.trials import fold_by_fold
from search.trials.courses import COURSE_POINTS, changes, courses, kept_epochs
from search.trials.evaluation import evaluate
from search.trials.fold_fits import begin
from search.trials.problem import Trial


def fit(norms, rates=None) -> SimpleNamespace:
    values = {"gradient_norm": np.array(norms, float), "learning_rate": np.array(rates or [0.1] * len(norms), float)}
    return SimpleNamespace(epoch=len(norms), history=SimpleNamespace(**values))


@pytest.mark.parametrize("epochs", [1, COURSE_POINTS, COURSE_POINTS + 1, 5000])
def test_few_points_with_the_first_and_the_last(epochs):
    found = courses([fit(np.arange(epochs) + 1.0)])
    assert {1, epochs} <= set(found["gradient_norm"])
    assert len(found["gradient_norm"]) <= COURSE_POINTS
    assert found["gradient_norm"][epochs] == epochs
    assert found["learning_rate"] == dict.fromkeys({1, epochs}, 0.1)


def test_means_over_the_folds_while_all_of_them_run():
    found = courses([fit([1.0, 2.0, 9.0]), fit([3.0, 6.0])])
    assert found["gradient_norm"] == {1: 2.0, 2: 4.0}


def test_what_is_not_finite_is_left_out():
    found = courses([fit([1.0, math.inf, math.nan, 3.0], [math.nan] * 4), fit([1.0, -math.inf, 2.0, 1e308])])
    assert set(found) == {"gradient_norm"}
    assert set(found["gradient_norm"]) == {1, 4}


@given(st.lists(st.floats(0, 4).map(round), max_size=20))
def test_steps_are_drawn_from_their_ends(values):
    """Straight lines between the points that are kept are the curve, where it stays as it was."""
    points = dict(enumerate(map(float, values), start=1))
    kept = changes(points)
    assert kept.items() <= points.items()
    if points:
        assert np.interp(list(points), list(kept), list(kept.values())).tolist() == list(points.values())


def test_a_trial_has_those_of_its_fits(make_problem):
    problem = make_problem(solver="sgd", learning_rate="invscaling", max_iter=40)
    outcome = evaluate(problem, Trial(0, {}))
    fits = []
    for _, each in begin(problem, Trial(0, {}))[1]:
        each.advance(40)
        fits.append(each)
    ran = len(outcome.losses["training"])
    for name, points in outcome.courses.items():
        assert list(points) == kept_epochs(ran, COURSE_POINTS)
        means = np.mean([getattr(each.history, name)[:ran] for each in fits], axis=0)
        np.testing.assert_allclose(list(points.values()), [means[epoch - 1] for epoch in points], rtol=1e-5)
    assert set(outcome.courses) == {"gradient_norm", "learning_rate"}


def test_a_trial_that_diverges_has_them_until_then(make_problem):
    outcome = evaluate(make_problem(solver="sgd", learning_rate_init=1e6), Trial(0, {}))
    assert outcome.diverged
    assert all(math.isfinite(v) for points in outcome.courses.values() for v in points.values())


def test_full_batch_solvers_have_no_learning_rate(make_problem):
    assert set(evaluate(make_problem(solver="lbfgs"), Trial(0, {})).courses) == {"gradient_norm"}


def test_other_estimators_have_none(make_problem):
    problem = replace(make_problem(), estimator=Ridge())
    assert fold_by_fold.train(problem, Trial(0, {}), lambda: False).courses == {}


def test_the_journal_keeps_them(make_outcome):
    outcome = make_outcome(courses={"gradient_norm": {1: 2.5, 9: 0.125}, "learning_rate": {1: 0.01}})
    record = json.loads(outcome.encoded)
    assert records.from_record(record, 0, {}, None) == outcome


def test_journals_of_older_versions_have_none(make_outcome):
    record = json.loads(make_outcome().encoded)
    del record["courses"]
    assert records.from_record(record, 0, {}, None).courses == {}


@pytest.mark.parametrize(
    "wrong", [[], {"gradient_norm": [1.0]}, {"gradient_norm": {"x": 1.0}}, {"gradient_norm": {"1": None}}]
)
def test_a_damaged_journal_is_told(make_outcome, wrong):
    record = json.loads(make_outcome().encoded) | {"courses": wrong}
    with pytest.raises(ValueError, match="courses is of another kind"):
        records.from_record(record, 0, {}, None)
