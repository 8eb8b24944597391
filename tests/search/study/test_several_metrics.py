"""Several metrics of a study: the first decides, all are kept and told."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import get_scorer, r2_score

from search import StudyError, cli, tuning
from search.results import report
from search.study import data, study_file
from search.study.assembly import build_problem, measure_baselines
from search.tracking import stores
from search.trials.evaluation import evaluate
from search.trials.problem import Trial
from search.trials.scoring import objective

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

STUDY = """\
name = "several"
[data]
source = "rows.csv"
target = "y"
task = "regression"
[model]
max_iter = 12
hidden_layer_sizes = [6]
[space]
alpha = [0.1, 1.0]
[search]
method = "grid"
n_jobs = 1
n_seeds = 2
[cv]
n_splits = 3
scoring = ["neg_root_mean_squared_error", "r2", "neg_mean_squared_log_error"]
"""
RMSE = "neg_root_mean_squared_error"


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(90, 3)), columns=list("abc"))
    frame["y"] = frame.a + 0.5 * frame.b + 0.3 * random.normal(size=90) + 9
    frame.to_csv("rows.csv", index=False)

    def write(*changes):
        text = STUDY
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        Path("several.toml").write_text(text)
        return study_file.load("several.toml")

    return write


def problem_of(study):
    return build_problem(study, data.load(study))


@pytest.mark.parametrize(
    ("scoring", "metrics"),
    [
        ('"r2"', ("r2",)),
        ('["r2"]', ("r2",)),
        ('["r2", "max_error"]', None),
        ('["r2", "neg_max_error"]', ("r2", "neg_max_error")),
    ],
)
def test_the_first_decides(write, scoring, metrics):
    change = ('["neg_root_mean_squared_error", "r2", "neg_mean_squared_log_error"]', scoring)
    if metrics is None:
        with pytest.raises(StudyError, match="did you mean neg_max_error"):
            write(change)
        return
    study = write(change)
    assert (study.scoring, study.metrics) == (metrics[0], metrics)
    problem = problem_of(study)
    assert problem.objective == (study.scoring if len(metrics) > 1 else None)
    assert evaluate(problem, Trial(0, {})).metrics.keys() == (set(metrics) if len(metrics) > 1 else set())


def test_by_default_there_is_one(write):
    assert write(("scoring = ", "# scoring = ")).metrics == (RMSE,)


def test_all_metrics_are_those_of_scorers_of_their_own(write):
    several = evaluate(problem_of(write()), Trial(0, {"alpha": 0.1}))
    change = ('["neg_root_mean_squared_error", "r2", "neg_mean_squared_log_error"]', f'"{RMSE}"')
    alone = evaluate(problem_of(write(change)), Trial(0, {"alpha": 0.1}))
    assert several.fold_scores == alone.fold_scores == several.metrics[RMSE]
    assert several.epoch == alone.epoch
    problem = problem_of(write())
    for name in ("r2", "neg_mean_squared_log_error"):
        own = dataclasses.replace(problem, scorer=get_scorer(name), objective=None)
        assert evaluate(own, Trial(0, {"alpha": 0.1})).curve[several.epoch] == pytest.approx(several.means[name])


def test_baselines_have_all_metrics(write):
    study = write()
    problem = problem_of(study)
    dummy, *_ = found = measure_baselines(study, problem)
    folds = [
        r2_score(problem.y[rows], np.full(len(rows), problem.y[train].mean())) for train, rows in problem.folds.splits
    ]
    assert dummy.means["r2"] == pytest.approx(np.mean(folds))
    for baseline in found:
        assert list(baseline.means) == [RMSE, "r2", "neg_mean_squared_log_error"]
        assert baseline.means[RMSE] == baseline.score == pytest.approx(np.mean(baseline.fold_scores))
    assert objective(problem, dummy.means) == RMSE


@pytest.mark.parametrize("scoring", ['["r2", "f1"]', '["f1", "r2"]'])
def test_a_metric_that_does_not_fit_is_named(write, scoring):
    study = write(('["neg_root_mean_squared_error", "r2", "neg_mean_squared_log_error"]', scoring))
    with pytest.raises(StudyError, match=r"\[cv\] scoring = 'f1' does not fit this regression"):
        measure_baselines(study, problem_of(study))


def test_report_cv_and_mlflow_have_a_row_each(folder, write, mlflow, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    write()
    for name in ("rows.csv", "several.toml"):
        assert Path(name).exists()
    assert cli.main(["tune", "several.toml"]) == 0
    told = capsys.readouterr().out
    rows = {
        name: line.split()
        for line in told.splitlines()
        for name in ("r2", "mean squared log error")
        if line.startswith(f" {name} ")
    }
    assert rows.keys() == {"r2", "mean squared log error"}
    assert all(float(value) <= 1 for value in rows["r2"][1:])
    header = next(line for line in told.splitlines() if line.split()[-5:] == ["r2", "mean", "squared", "log", "error"])
    assert header
    client = mlflow.MlflowClient(stores.DEFAULT_URI)
    runs = client.search_runs([client.get_experiment_by_name("several").experiment_id])
    parent = next(run for run in runs if "trial" not in run.data.tags)
    child = next(run for run in runs if "trial" in run.data.tags)
    for run in (parent, child):
        assert {f"score.{name}" for name in (RMSE, "r2", "neg_mean_squared_log_error")} <= run.data.metrics.keys()
    assert parent.data.metrics[f"score.{RMSE}"] == pytest.approx(parent.data.metrics["score"])
    assert {"dummy_predictor_score.r2", "linear_model_score.r2"} <= parent.data.metrics.keys()
    assert parent.data.params["scoring"] == f"{RMSE}, r2, neg_mean_squared_log_error"
    assert re.search(r"Other metrics: r2 -?0\.\d+, mean squared log error ", parent.data.tags["mlflow.note.content"])
    assert cli.main(["cv", "several.toml"]) == 0
    assert re.search(r"fold 1 +\S+ +-?0\.\d+ +\S+ *\n", capsys.readouterr().out)


def test_another_metric_is_another_study_and_the_order_counts(folder, write, capsys):
    write()
    assert cli.main(["tune", "several.toml"]) == 0
    write(('"r2", "neg_mean_squared_log_error"]', '"r2"]'))
    assert cli.main(["tune", "several.toml"]) == 2
    assert "another [cv] (scoring" in capsys.readouterr().err


def test_nested_scores_are_those_of_the_first(folder, write):
    result = tuning.tune(write(("n_splits = 3", "n_splits = 3\nouter = 2")))
    assert all(score < 0 for score in result.nested.scores)


def test_columns_of_several_metrics(make_outcome):
    outcome = make_outcome(0, scores=(-1.0, -3.0), metrics={RMSE: [-1.0, -3.0], "r2": [0.5, 0.25]})
    table = report.comparison(outcome, "this", [], RMSE)
    assert [column.header for column in table.columns] == ["", "root mean squared error", "", "r2"]
    assert [list(column.cells) for column in table.columns] == [["this"], ["2"], ["± 1"], ["0.375"]]
    assert not report.comparison(make_outcome(0), "this", [], "r2").show_header
    assert json.dumps(outcome.means)
