"""Which of several metrics is maximized, and what becomes of one that cannot be computed."""

import contextlib
import dataclasses
import warnings

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from bpmodel import BPRegressor, DivergenceError
from search import BPSearchCV
from search.trials import scoring
from search.trials.scoring import SCORE


@pytest.fixture
def problem(make_problem):
    """A problem with two metrics, `good` and `bad`, the second of which cannot be computed."""

    def make(objective, order=("good", "bad"), error_score=-9.0):
        values = {"good": 0.5, "bad": "Traceback (most recent call last):\n  ...\nZeroDivisionError: no rows"}
        found = {name: values[name] for name in order}
        return dataclasses.replace(
            make_problem(), scorer=lambda *_: found, objective=objective, error_score=error_score
        )

    return make


def scores(problem) -> dict[str, float]:
    return scoring.scores(problem, None, problem.X, problem.y, np.arange(len(problem.y)))


@pytest.mark.parametrize("order", [("good", "bad"), ("bad", "good")])
def test_a_metric_that_is_not_maximized_may_fail_whichever_comes_first(problem, order):
    with pytest.warns(UserWarning, match=r"score is set to -9\.0\. bad: ZeroDivisionError: no rows"):
        assert scores(problem("good", order)) == {"good": 0.5, "bad": -9.0}


@pytest.mark.parametrize(("objective", "order"), [("bad", ("good", "bad")), (None, ("bad", "good"))])
def test_the_metric_that_is_maximized_must_not_fail(problem, objective, order):
    with pytest.raises(ValueError, match=r"^bad: ZeroDivisionError: no rows$"):
        scores(problem(objective, order))


@pytest.mark.parametrize(("objective", "name"), [(None, "good"), ("good", "good"), ("bad", "bad")])
def test_the_first_is_maximized_unless_another_is_named(problem, objective, name):
    assert scoring.objective(problem(objective), ["good", "bad"]) == name


@pytest.mark.parametrize(("objective", "given"), [("r2", "'r2'"), (SCORE, "True")])
def test_a_metric_that_is_not_there_is_named(problem, objective, given):
    with pytest.raises(
        ValueError, match=rf"refit = {given} with several metrics; allowed are 'good', 'bad', a callable"
    ):
        scores(problem(objective))


@pytest.mark.parametrize("value", ["0.5", None, [0.5]], ids=repr)
def test_what_is_no_number_is_an_error(make_problem, value):
    with pytest.raises(ValueError, match="scoring must return a number"):
        scores(dataclasses.replace(make_problem(), scorer=lambda *_: value))


LARGE = {"neg_root_mean_squared_error": 1.0, "neg_mean_absolute_error": 1.0, "r2": 0.0}


@pytest.mark.parametrize(("metric", "degree"), LARGE.items())
def test_scores_of_large_targets_flooded_warnings_and_were_not_finite_bug(metric, degree):
    """Their squares are not finite; the errors are, in units of the targets."""
    X = np.linspace(0, 1, 40)[:, None]
    y = np.sin(5 * X[:, 0])
    found = {}
    for unit in (1.0, 2.0**660):
        network = BPRegressor(hidden_layer_sizes=(4,), scale_target=True, max_iter=3, random_state=0)
        search = BPSearchCV(network, {"alpha": [0.1, 1.0]}, method="grid", cv=3, scoring=metric, random_state=0)
        found[unit] = search.fit(X, y * unit).cv_results_["mean_test_score"] / unit**degree
    np.testing.assert_allclose(found[2.0**660], found[1.0], rtol=1e-5)


@pytest.mark.parametrize("model", [BPRegressor(max_iter=2), Ridge()], ids=["network", "ridge"])
@pytest.mark.parametrize("metric", ["neg_mean_squared_error", "max_error", "explained_variance", "d2_pinball_score"])
def test_a_score_that_is_not_finite_is_told_by_the_outcome_alone(model, metric):
    X = np.linspace(0, 1, 40)[:, None]
    with contextlib.suppress(ValueError, DivergenceError), warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        search = BPSearchCV(model, {"alpha": [0.1, 1.0]}, method="grid", cv=3, scoring=metric).fit(X, X[:, 0] * 1e200)
        assert np.isfinite(search.best_score_)


def test_the_mean_of_scores_whose_sum_is_not_finite_was_not_either_bug():
    def scorer(estimator, X, y):
        return -1.7e308

    X = np.linspace(0, 1, 40)[:, None]
    search = BPSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, method="grid", cv=3, scoring=scorer).fit(X, X[:, 0])
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], -1.7e308)
    assert search.best_score_ == search.cv_results_["mean_test_score"][0]


NO_NUMBERS = {
    "array": (np.ones(3), r"scoring must return a number, got array\(\[1., 1., 1.\]\) \(ndarray\) for score"),
    "complex": (1j, r"scoring must return a number, got 1j \(complex\) for score"),
    "whole number": (10**400, "the score is not finite"),
}


@pytest.mark.parametrize(("value", "told"), NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_scorers_that_return_no_number_are_told(value, told):
    X = np.linspace(0, 1, 40)[:, None]
    search = BPSearchCV(Ridge(), {"alpha": [0.1]}, method="grid", cv=3, scoring=lambda estimator, X, y: value)
    with pytest.raises(ValueError, match=told):
        search.fit(X, X[:, 0])
