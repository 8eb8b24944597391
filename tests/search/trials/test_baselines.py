"""Yardsticks on the same folds, against the same models fitted by hand."""

import dataclasses

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.preprocessing import StandardScaler

from search.trials import baselines
from search.trials.shared_cache import ComputeOnce


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


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_gradient_boosting_is_fitted_on_what_networks_see(make_problem, task):
    problem = make_problem(task)
    kind = HistGradientBoostingClassifier if task == "classification" else HistGradientBoostingRegressor
    model = kind(max_iter=100, learning_rate=0.1, early_stopping=False, random_state=0)
    scores = []
    for train, validation in problem.folds.splits:
        scaler = StandardScaler().fit(problem.X[train])
        X, X_validation = (scaler.transform(problem.X[rows]).astype(np.float32) for rows in (train, validation))
        scores.append(problem.scorer(model.fit(X, problem.y[train]), X_validation, problem.y[validation]))
    found = baselines.boosting(problem, task)
    assert found.name == "gradient boosting"
    assert found.fold_scores == pytest.approx(scores, rel=1e-9)
    assert (found.score, found.std) == pytest.approx((np.mean(scores), np.std(scores)))
    assert baselines.boosting(problem, task) == found


def test_sparse_rows_are_boosted_as_dense_ones(make_problem):
    problem = make_problem(steps=("passthrough",))
    sparse = dataclasses.replace(problem, X=csr_array(problem.X), prepared=ComputeOnce())
    assert baselines.boosting(sparse, "regression") == baselines.boosting(problem, "regression")


BUDGETS = {  # rows, columns, folds: iterations and rows by hand, of 1e9
    "all iterations": (2064, 10, 100, (100, 2064)),  # (2064 + 7936) x 10 x 100 folds x 100 iterations
    "one row more": (2065, 10, 100, (99, 2065)),
    "a quarter of the iterations": (32_064, 10, 100, (25, 32_064)),
    "fewer rows": (32_065, 10, 100, (25, 32_064)),
    "the fewest rows": (10_000, 1, 4741, (25, 501)),
    "too many columns": (10_000, 1, 4742, None),
    "small and wide": (400, 5, 959, (25, 400)),
    "small and too wide": (400, 5, 960, None),
}


@pytest.mark.parametrize(("rows", "columns", "n_folds", "expected"), BUDGETS.values(), ids=BUDGETS)
def test_the_work_of_gradient_boosting_is_capped(rows, columns, n_folds, expected):
    assert baselines.SEARCH_OF_SPLITS == 7936
    assert baselines.budget(rows, columns, n_folds) == expected


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_beyond_the_cap_fewer_iterations_and_rows(make_problem, monkeypatch, task):
    """Of three classes each iteration has three trees."""
    problem = make_problem(task)
    trees = 3 if task == "classification" else 1
    monkeypatch.setattr(baselines, "SEARCH_OF_SPLITS", 0)
    monkeypatch.setattr(baselines, "FEWEST_ROWS", 10)
    monkeypatch.setattr(baselines, "WORK", 3.0 * 4 * trees * 25 * 40)  # folds, columns, trees, iterations, rows
    fitted = []
    kind = type("Seen", (HistGradientBoostingClassifier if trees > 1 else HistGradientBoostingRegressor,), {})
    kind.fit = lambda self, X, y: (
        fitted.append((self.max_iter, self.learning_rate, len(X))) or super(kind, self).fit(X, y)
    )
    monkeypatch.setattr(baselines, "HistGradientBoosting" + ("Classifier" if trees > 1 else "Regressor"), kind)
    assert np.isfinite(baselines.boosting(problem, task).score)
    assert fitted == [(25, 0.3, 40)] * 3
    monkeypatch.setattr(baselines, "FEWEST_ROWS", 41)
    assert baselines.boosting(problem, task) is None


RIDGES = {  # rows, columns, folds: rows by hand, of 1e10 and, with 100 rows for each column, of 5e6 cells
    "all rows": (20_000, 316, 5, 20_000),  # 20,000 x 316^2 x 5
    "fewer rows": (20_100, 316, 5, 20_028),
    "all cells": (50_000, 100, 5, 50_000),
    "one row more": (50_001, 100, 5, 50_000),
    "100 rows for each column": (1_000_000, 250, 5, 25_000),
    "fewer rows than columns": (6400, 4000, 5, 2236),  # 4000 x 2236^2 / 10 x 5
    "too many columns": (6400, 100_000, 5, None),
    "small and wide": (400, 100_000, 5, 400),
}


@pytest.mark.parametrize(("rows", "columns", "n_folds", "expected"), RIDGES.values(), ids=RIDGES)
def test_the_work_of_ridge_regression_is_capped(rows, columns, n_folds, expected):
    found = baselines.ridge_budget(rows, columns, n_folds)
    assert (found and found.rows) == expected


LOGISTICS = {  # rows, columns, outputs, folds: iterations and rows by hand, of 1e11
    "all iterations": (20_000, 50, 10, 5, (2000, 20_000)),
    "fewer iterations": (20_000, 50, 20, 5, (1000, 20_000)),
    "fewer rows": (1_000_000, 50, 10, 5, (100, 400_000)),
    "too many weights": (400, 5000, 2001, 5, None),
    "too many columns": (1_000_000, 50, 8001, 5, None),
}


@pytest.mark.parametrize(("rows", "columns", "outputs", "n_folds", "expected"), LOGISTICS.values(), ids=LOGISTICS)
def test_the_work_of_logistic_regression_is_capped(rows, columns, outputs, n_folds, expected):
    assert baselines.logistic_budget(rows, columns, outputs, n_folds) == expected


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_beyond_its_cap_the_linear_model_has_fewer_rows(make_problem, monkeypatch, task):
    problem = make_problem(task)
    monkeypatch.setattr(baselines, "FEWEST_ROWS", 10)
    monkeypatch.setattr(baselines, "RIDGE_WORK", 3.0 * 4 * 4 * 30)  # folds, columns twice, rows
    monkeypatch.setattr(baselines, "LOGISTIC_WORK", 3.0 * 4 * 3 * 100 * 30)  # folds, columns, classes, iterations, rows
    name, base = ("LogisticRegression", LogisticRegression) if task == "classification" else ("RidgeCV", RidgeCV)
    fitted = []
    kind = type(name, (base,), {})
    kind.fit = lambda self, X, y: fitted.append(X.shape) or base.fit(self, X, y)
    monkeypatch.setattr(baselines, name, kind)
    assert np.isfinite(baselines.linear(problem, task).score)
    assert fitted == [(30, 4)] * 3
    monkeypatch.setattr(baselines, "FEWEST_ROWS", 31)
    assert baselines.linear(problem, task) is None


@pytest.mark.parametrize(("n_classes", "trees"), [(2, 1), (3, 3)])
def test_an_iteration_has_a_tree_for_each_of_several_classes(make_problem, monkeypatch, n_classes, trees):
    problem, asked = make_problem("classification"), []
    problem = dataclasses.replace(problem, y=problem.y % n_classes, prepared=ComputeOnce())
    monkeypatch.setattr(baselines, "budget", lambda *work: asked.append(work))
    assert baselines.boosting(problem, "classification") is None
    assert asked == [(60, 4 * trees, 3)]


def test_several_outputs_have_no_gradient_boosting_and_no_warning(make_problem):
    problem = make_problem()
    several = dataclasses.replace(problem, y=np.stack([problem.y, -problem.y], axis=1), prepared=ComputeOnce())
    assert baselines.attempt(baselines.boosting, several, told=True) is None
    assert baselines.attempt(baselines.linear, several, told=True) is not None


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
