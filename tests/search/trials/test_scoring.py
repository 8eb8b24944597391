"""Which of several metrics is maximized, and what becomes of one that cannot be computed."""

import dataclasses

import numpy as np
import pytest

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
