"""The table of names in the documents and what studies write into MLflow are the same."""

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bpmodel import BPRegressor
from docs import tables
from search import BPSearchCV
from search.options import PLAN
from search.results.result import Result
from search.results.tracking_report import tracking_report
from search.space import spaces
from search.tracking import Header, MLflowTracker, stores, writing
from search.tracking.contents.names import ARTIFACT, BOTH, KINDS, METRIC, NAMES, PARAMETER, STUDY, TAG, TRIAL
from search.trials.baselines import Baseline
from search.trials.outcomes import VERDICTS

ELSEWHERE = {"system/<name>", "bpsearch.command", "mlflow.source.git.commit"}
"""Names that depend on what is installed, and on how and where the tests are started; they have tests of their own."""

OTHERS = {"requirements.txt", "MLmodel", "model"}
"""What MLflow adds to runs by itself."""

FOLDERS = {"plots", "tables"}
"""Artifacts that are folders."""

FORECAST = """\
name = "names"
[data]
source = "air.csv"
target = "y"
task = "regression"
lags = 3
[preprocessing]
numeric = "standard"
[model]
hidden_layer_sizes = [4]
max_iter = 8
early_stopping = true
[space]
alpha = [0.1, 1.0]
[search]
method = "grid"
n_seeds = 1
n_members = 1
[cv]
n_splits = 2
outer = 2
scoring = ["neg_root_mean_squared_error", "r2"]
"""


GAPS = {
    "<metric>": ["neg_root_mean_squared_error", "r2", "score"],
    "<plain metric>": ["root_mean_squared_error", "r2"],
    "<option>": [*(o.name for o in PLAN), "numeric", "hidden_layer_sizes", "max_iter", "early_stopping"],
    "<hyperparameter>": ["alpha"],
    "<baseline>": ["dummy_predictor", "linear_model", "gradient_boosting", "persistence"],
    "<verdict>": list(VERDICTS),
    "<name>": [r"[\w.-]+"],
}
"""What stands in the gaps of names in these studies."""


def pattern(name: str) -> str:
    """Return a regular expression for a name of the table."""
    parts = re.split(r"(<.*?>)", name)
    return "".join(f"({'|'.join(GAPS[part])})" if part in GAPS else re.escape(part) for part in parts)


def matching(kind: str, run: str, name: str) -> set[tuple[str, str]]:
    """Return the rows of the table that describe a name; a row without a gap before one that is all gap."""
    rows = [
        row for row in NAMES if row.kind == kind and row.run in (run, BOTH) and re.fullmatch(pattern(row.name), name)
    ]
    exact = [row for row in rows if row.name == name]
    return {(kind, row.name) for row in exact or rows}


def written(client) -> set[tuple[str, str, str]]:
    """Return kind, run and name of everything that the runs of a store hold."""
    found = set()
    for run in client.search_runs([each.experiment_id for each in client.search_experiments()]):
        where = TRIAL if "mlflow.parentRunId" in run.data.tags else STUDY
        held = {PARAMETER: run.data.params, METRIC: run.data.metrics, TAG: run.data.tags}
        held[ARTIFACT] = [file.path for file in client.list_artifacts(run.info.run_id)]
        for folder in FOLDERS & {*held[ARTIFACT]}:
            held[ARTIFACT] += [file.path for file in client.list_artifacts(run.info.run_id, folder)]
        found |= {(kind, where, name) for kind, names in held.items() for name in names}
    return {(kind, where, name) for kind, where, name in found if name not in OTHERS | FOLDERS}


@pytest.fixture
def everything(folder, mlflow, make_outcome, command) -> set[tuple[str, str, str]]:
    """Write a forecast with nested cross-validation, a search as an estimator, and trials of every kind."""
    random = np.random.default_rng(0)
    pd.DataFrame({"y": random.normal(size=160).cumsum().round(3)}).to_csv("air.csv", index=False)
    Path("names.toml").write_text(FORECAST)
    assert command("tune", "names.toml").code == 0
    X = random.normal(size=(40, 2))
    network = BPRegressor(hidden_layer_sizes=(3,), max_iter=6)
    tracked = {"tracking": stores.DEFAULT_URI, "study_name": "estimator", "return_train_score": True}
    BPSearchCV(network, {"alpha": [0.1, 1.0]}, method="grid", cv=2, random_state=0, **tracked).fit(X, X[:, 0])
    trials = {
        n: make_outcome(n, v, params={"alpha": 0.1}) for n, v in enumerate(["ok", "diverged", "stopped", "error"])
    }
    trials |= {n: make_outcome(n, scores=(-0.1 * n, -0.1 * n), n_weights=100 - n) for n in (4, 5, 6)}
    space, best = spaces.build({"alpha": (0.1, 1.0)}), trials[4]
    baselines = [Baseline("dummy predictor", -1.0, 0.0)]
    result = Result("x", "grid", "5 folds", "neg_root_mean_squared_error", space, trials, baselines, best)
    tracker = MLflowTracker(stores.DEFAULT_URI)
    with writing(tracker, Header("every kind", "one", {}, scoring="neg_root_mean_squared_error", method="grid")):
        for outcome in trials.values():
            tracker.record(outcome, math.nan)
        tracker.finish(tracking_report(result))
    return written(mlflow.MlflowClient(stores.DEFAULT_URI))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_what_is_written_is_in_the_table_and_the_other_way_round(everything):
    assert sorted(each for each in everything if not matching(*each)) == []
    described = set().union(*(matching(*each) for each in everything))
    listed = {(row.kind, row.name) for row in NAMES if row.name not in ELSEWHERE}
    assert sorted(listed - described) == []


def test_a_name_has_one_row():
    rows = [(row.kind, row.name) for row in NAMES]
    assert len(set(rows)) == len(rows)
    assert {row.kind for row in NAMES} == set(KINDS)
    assert {row.run for row in NAMES} == {STUDY, TRIAL, BOTH}


@pytest.mark.parametrize("row", NAMES, ids=lambda row: f"{row.kind} {row.name}")
def test_each_name_is_in_the_documents(row):
    text = (Path(tables.__file__).parent / "tracking.md").read_text(encoding="utf-8")
    assert f"\n| `{row.name}` | " in text
