"""Yardsticks on the same folds, against the same models fitted by hand."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.preprocessing import StandardScaler

from search.trials import baselines


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_the_linear_model_is_fitted_on_what_networks_see(make_problem, task):
    """Ridge regression with the best of 13 penalties from 0.001 to 1000, or logistic regression."""
    problem = make_problem(task)
    network = problem.estimator[-1]
    alphas = [10 ** (exponent / 2) for exponent in range(-6, 7)]
    scores = []
    for train, validation in problem.folds.splits:
        scaler = StandardScaler().fit(problem.X[train])
        X, X_validation = (scaler.transform(problem.X[rows]).astype(np.float32) for rows in (train, validation))
        model = LogisticRegression(max_iter=2000) if task == "classification" else RidgeCV(alphas=alphas)
        scores.append(problem.scorer(model.fit(X, problem.y[train]), X_validation, problem.y[validation]))
    found = baselines.linear(problem, task)
    assert network.dtype == "auto"
    assert found.name == "linear model"
    assert (found.score, found.std) == pytest.approx((np.mean(scores), np.std(scores)), rel=1e-4)
    assert pytest.approx(alphas) == baselines.ALPHAS


def test_persistence_predicts_the_last_known_value(make_problem):
    problem = make_problem()
    found = baselines.persistence(problem, problem.y - 3.0)
    assert (found.name, found.std) == ("persistence", pytest.approx(0))
    assert found.score == pytest.approx(-3.0)  # the negative root of the mean squared error


@pytest.mark.parametrize("told", [True, False])
def test_what_cannot_be_scored_is_left_out(make_problem, told, recwarn):
    def broken(problem, task):
        raise ValueError("no rows\nat all")

    assert baselines.attempt(broken, make_problem(), told=told) is None
    assert [str(w.message) for w in recwarn] == [
        "a baseline is omitted because it cannot be scored: ValueError: no rows"
    ] * told


@pytest.mark.parametrize(("score", "kept"), [(0.5, True), (np.nan, False), (-np.inf, False)])
def test_a_score_that_is_not_finite_is_none(make_problem, score, kept):
    found = baselines.attempt(lambda problem, task: baselines.Baseline("x", score, 0.0), make_problem(), told=True)
    assert (found is not None) is kept
