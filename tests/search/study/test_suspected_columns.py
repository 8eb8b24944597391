"""Columns that give the target away are named in the report, where the scores are too good to be true."""

import numpy as np
import pandas as pd
import pytest

from search import cli
from search.study import data, study_file
from search.study.assembly import build_problem, measure_baselines, suspects

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 3)), columns=["a", "b", "c"])
NOISE = np.random.default_rng(1).normal(size=80)
Y = X["a"] + X["b"] ** 2
TABLES = {
    "in cents": (X.assign(**{"y in cents": 100 * Y, "y": Y}), "regression", (("y in cents",),)),
    "summands": (X.assign(u=NOISE, v=Y - NOISE, y=Y), "regression", (("u", "v"),)),
    "filled for a class": (
        X.assign(reason=np.where(Y > 1, "price", None), y=np.where(Y > 1, "left", "stayed")),
        "classification",
        (("reason",),),
    ),
    "none": (X.assign(y=Y + NOISE), "regression", ()),
}


def write(folder, table, task, more=""):
    table.to_csv(folder / "t.csv", index=False)
    path = folder / "t.toml"
    path.write_text(
        f"name = 't'\n[data]\nsource = 't.csv'\ntarget = 'y'\ntask = '{task}'\n{more}\n[model]\nmax_iter = 5\n"
        "[space]\nalpha = [0.1, 1.0]\n[search]\nmethod = 'grid'\nn_jobs = 1\n[cv]\nn_splits = 3\n"
    )
    return path


@pytest.mark.parametrize("name", TABLES)
def test_columns_that_give_the_target_away(tmp_path, name):
    table, task, expected = TABLES[name]
    study = study_file.load(write(tmp_path, table, task))
    dataset = data.load(study)
    assert suspects(study, dataset, measure_baselines(study, build_problem(study, dataset))) == expected


def test_lags_are_no_leaks(tmp_path):
    table = pd.DataFrame({"y": np.linspace(0, 1, 80)})
    study = study_file.load(write(tmp_path, table, "regression", "lags = 2"))
    dataset = data.load(study)
    assert suspects(study, dataset, measure_baselines(study, build_problem(study, dataset), dataset.last_known)) == ()


@pytest.mark.slow
def test_the_report_names_them_s1(folder, capsys):
    """The winner of a table with its target in cents became champion without a word."""
    write(folder, *TABLES["in cents"][:2])
    assert cli.main(["tune", "t.toml"]) == 0
    assert (
        "Perfect scores: column 'y in cents' alone predicts the target. Is it known before?" in capsys.readouterr().out
    )
