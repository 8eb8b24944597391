"""No row of a validation fold touches training: whatever is in it, the fold's training rows and its fit stay the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score
from sklearn.neighbors import KNeighborsRegressor

from search.cv.folds import Folds
from search.study import assembly, data, study_file
from search.trials.evaluation import evaluate
from search.trials.prepared.folds import prepare
from search.trials.problem import Trial

N = 72
STUDY = """\
name = "rows"
[data]
source = "rows.csv"
target = "y"
task = "{task}"
[preprocessing]
numeric = "{numeric}"
[model]
hidden_layer_sizes = [4]
max_iter = 6
[space]
alpha = [0.1]
[cv]
{cv}
"""

CV = {
    "k_fold": "n_splits = 3",
    "repeated": "n_splits = 3\nrepeats = 2",
    "stratified": "kind = 'stratified'\nn_splits = 3",
    "group": "kind = 'group'\ngroup = 'town'\nn_splits = 3",
    "stratified_group": "kind = 'stratified_group'\ngroup = 'town'\nn_splits = 3",
    "leave_one_group_out": "kind = 'leave_one_group_out'\ngroup = 'town'",
    "time_series": "kind = 'time_series'\nn_splits = 3\ngap = 2",
    "predefined": "split = 'town'",
}


def table(kind: str) -> pd.DataFrame:
    """Rows of all kinds of columns, with gaps; towns are groups of rows that are alike, and so are their targets."""
    random = np.random.default_rng(2)
    town = np.arange(N) % 6
    frame = pd.DataFrame(
        {
            "number": random.normal(size=6)[town],
            "gappy": np.where(np.arange(N) % 5, random.lognormal(size=N), np.nan),
            "text": random.choice(["a", "b", "c"], N),
            "date": pd.date_range("2026-01-01", periods=N, freq="9h").astype(str),
            "town": town,
            "y": random.normal(size=6)[town],
        }
    )
    return frame.assign(y=np.where(frame.y > 0, "high", "low")) if kind.startswith("stratified") else frame


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Build the problem of a table and a kind of cross-validation."""
    monkeypatch.chdir(tmp_path)

    def build(kind: str, frame: pd.DataFrame, numeric: str = "standard"):
        frame.to_csv("rows.csv", index=False)
        task = "classification" if kind.startswith("stratified") else "regression"
        Path("rows.toml").write_text(STUDY.format(task=task, numeric=numeric, cv=CV[kind]))
        study = study_file.load("rows.toml")
        return assembly.build_problem(study, data.load(study))

    return build


def spoil(frame: pd.DataFrame, rows: np.ndarray) -> pd.DataFrame:
    """Change everything in some rows but the group."""
    frame = frame.copy()
    frame.loc[rows, ["number", "gappy"]] *= -1e6
    frame.loc[rows[::2], "gappy"] = np.nan
    frame.loc[rows, "text"] = "unheard of"
    frame.loc[rows, "date"] = "1999-12-31 00:00:00"
    flipped = {"high": "low", "low": "high"}
    frame.loc[rows, "y"] = [flipped.get(y, y) if isinstance(y, str) else 1e6 for y in frame.loc[rows, "y"]]
    return frame


@pytest.mark.parametrize("numeric", ["standard", "robust", "quantile", "piecewise"])
@pytest.mark.parametrize("kind", CV)
def test_what_is_in_validation_rows_changes_no_training(build, kind, numeric):
    frame = table(kind)
    problem = build(kind, frame, numeric)
    for train, validation in problem.folds.splits:
        one = Folds(((train, validation),))
        clean = replace(problem, folds=one, prepared=type(problem.prepared)())
        spoiled = replace(build(kind, spoil(frame, validation), numeric), folds=one)
        (before,), (after,) = prepare(clean), prepare(spoiled)
        np.testing.assert_array_equal(after.X_train, before.X_train)
        np.testing.assert_array_equal(after.y_train, before.y_train)
        assert not np.array_equal(after.X_validation, before.X_validation)
    was, now = evaluate(clean, Trial(0, {"alpha": 0.1})), evaluate(spoiled, Trial(0, {"alpha": 0.1}))
    assert now.losses["training"] == was.losses["training"]
    assert now.losses["validation"] != was.losses["validation"]


@pytest.mark.parametrize(
    ("kind", "leaks"), [("k_fold", True), ("time_series", True), ("group", False), ("leave_one_group_out", False)]
)
def test_rows_that_are_alike_are_not_torn_apart(build, kind, leaks):
    """The target is drawn once for each town: only who has seen the town knows it."""
    scores = []
    for fold in prepare(build(kind, table(kind)[["number", "town", "y"]])):
        nearest = KNeighborsRegressor(1).fit(fold.X_train, fold.y_train).predict(fold.X_validation)
        scores.append(r2_score(fold.y_validation, nearest) if leaks else np.abs(fold.y_validation - nearest).min())
    assert min(scores) > 0.99 if leaks else min(scores) > 0.01
