"""The comparison of searches: its figures follow from the runs, and our own contender runs."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks import portfolio, published
from benchmarks.search import __main__ as bench
from benchmarks.search import contenders, records, report
from benchmarks.search.contenders import CONTENDERS, Run, bpsearch
from benchmarks.search.measures import (
    OPTUNA,
    OURS,
    at_equal_time,
    faster_optuna,
    over_sets,
    ranks,
    time_ratio,
    total_time_ratio,
)
from benchmarks.search.tasks import tasks

SLOW = Run([(5.0, 0.7), (20.0, 0.8), (60.0, 0.9)], 80.0, 0.85, 20)
FAST = Run([(0.5, 0.8), (2.0, 0.9), (50.0, 0.95)], 80.0, 0.9, 400)


def test_time_to_target():
    assert time_ratio(FAST, SLOW) == 30
    assert total_time_ratio(FAST, SLOW) == 40
    assert time_ratio(SLOW, FAST) == total_time_ratio(SLOW, FAST) == 1  # never reached
    assert over_sets([[10, 1000, 100], [1.0]]) == pytest.approx(10)


def test_score_at_equal_time():
    assert at_equal_time(FAST, SLOW) == (True, True)
    assert at_equal_time(SLOW, FAST) == (False, False)
    assert FAST.at(0.4) == -np.inf
    assert FAST.at(3) == 0.9


def test_the_faster_number_of_jobs_did_all_its_trials():
    quick, cut_off = SLOW._replace(seconds=70.0), SLOW._replace(seconds=60.0, configurations=12)
    assert faster_optuna({OPTUNA[0]: SLOW, OPTUNA[1]: quick}) == OPTUNA[1]
    assert faster_optuna({OPTUNA[0]: SLOW, OPTUNA[1]: cut_off}) == OPTUNA[0]


def test_ranks_are_shared_by_equals():
    assert ranks([{"a": 1.0, "b": 2.0, "c": 2.0}, {"a": 5.0, "b": 1.0, "c": 0.0}]) == {"a": 2.0, "b": 1.75, "c": 2.25}


def test_runs_survive_in_a_file(tmp_path):
    path = tmp_path / "runs" / "search.jsonl"
    assert records.read(path) == {}
    for seed in range(2):
        records.append(path, ("iris", seed, OURS), FAST)
    assert records.read(path) == {("iris", 0, OURS): FAST, ("iris", 1, OURS): FAST}


def test_report(tmp_path):
    runs = dict.fromkeys(CONTENDERS, SLOW) | {OURS: FAST._replace(one=0.84)}
    measured = {(name, seed): runs for name in ("iris", "wine") for seed in range(2)}
    goals, sets = report.goals(measured), report.each_set(measured)
    assert [row[2] for row in goals.rows[:5]] == ["30.0x", "40.0x", "100 % of 16", "100 % of 16", "0 % of 16"]
    assert [row[2].startswith("bpsearch 1.0") for row in goals.rows[5:]] == [True, False]
    assert [row[0] for row in sets.rows] == ["iris", "wine"]
    for table in (goals, sets):
        assert {len(row) for row in table.rows} == {len(table.head)}
    report.draw(measured, tmp_path / "times.png")
    assert (tmp_path / "times.png").stat().st_size > 10_000


def test_the_slower_number_of_jobs_is_measured_with_the_first_seed_alone(tmp_path, monkeypatch):
    ran = []

    def instead(name, task, seconds=None):
        ran.append((task.seed, name))
        return SLOW._replace(seconds=60.0) if name == OPTUNA[1] else SLOW

    monkeypatch.setattr(bench, "in_its_own_process", instead)
    arguments = ["search", "--sets", "iris", "--seeds", "2", "--rows", "60", "--results", str(tmp_path / "runs.jsonl")]
    monkeypatch.setattr("sys.argv", arguments)
    bench.main()
    assert sorted(name for seed, name in ran if seed == 0) == sorted(CONTENDERS)
    assert sorted(name for seed, name in ran if seed == 1) == sorted(set(CONTENDERS) - {OPTUNA[0]})
    before = len(ran)
    bench.main()
    assert len(ran) == before, "what is in the file of results is not run again"


def test_a_task_keeps_rows_aside():
    (iris,) = tasks(None, 100, 1, ["iris"])
    assert (len(iris.X), len(iris.X_test)) == (75, 25)
    assert sorted(row for _, validation in iris.folds for row in validation) == list(range(75))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*batch_size.*:UserWarning")
def test_our_own_search_runs():
    (iris,) = tasks(None, 60, 1, ["iris"])
    run = bpsearch(iris, 0.5)
    assert run.configurations >= 1
    assert 0 < run.curve[0][0] <= run.seconds
    assert [score for _, score in run.curve] == sorted(score for _, score in run.curve)
    assert run.score > 0.5
    assert run.test > 0.5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*batch_size.*:UserWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ["GridSearchCV", "RandomizedSearchCV", "HalvingRandomSearchCV"])
def test_searches_of_scikit_learn_run(monkeypatch, name):
    """On one point of the space, so that it does not take minutes."""
    one = {"hidden_layer_sizes": [(8,)], "learning_rate_init": [0.05]}
    monkeypatch.setattr(contenders, "GRID", one)
    monkeypatch.setattr(contenders, "SPACE", one)
    monkeypatch.setattr(contenders, "TRIALS", 1)
    (iris,) = tasks(None, 60, 1, ["iris"])
    run = CONTENDERS[name](iris, None)
    assert run.score > 0.5
    assert run.test > 0.5


# ------------------------------------------------------------------------------------------------------- the portfolio


def test_a_portfolio_for_a_set_does_not_look_at_it():
    regret = np.random.default_rng(0).random((4, 12))
    before = portfolio.without_each(regret, 3)
    regret[2] = regret[2, ::-1]
    after = portfolio.without_each(regret, 3)
    assert before[2] == after[2]
    assert before != after


def test_orders_of_random_points():
    regret = np.array([[0.0, 1.0]])
    np.testing.assert_allclose(portfolio.in_any_order(regret, 2), [[0.5, 0.0]], atol=0.05)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*batch_size.*:UserWarning")
def test_the_choice_of_a_portfolio_runs(monkeypatch, tmp_path, capsys):
    for name, value in {
        "CANDIDATES": 4,
        "RANDOM": 2,
        "REPEATS": 1,
        "LENGTH": 2,
        "ORDERS": 10,
        "LEFT_OUT": tmp_path / "left.json",
    }.items():
        monkeypatch.setattr(portfolio, name, value)
    points = portfolio.candidates(4)
    monkeypatch.setattr(portfolio, "candidates", lambda: points)
    results = tmp_path / "scores.jsonl"
    small = {"diabetes", "iris", "wine"}  # of both tasks, and two of one
    sets = [data._replace(X=data.X[:60], y=data.y[:60]) for data in portfolio.load(None, 60) if data.name in small]
    monkeypatch.setattr(portfolio, "load", lambda folder, rows: sets)
    for _ in range(2):  # the second time from the file
        monkeypatch.setattr("sys.argv", ["portfolio", "--results", str(results), "--write"])
        portfolio.main()
    assert len(results.read_text().splitlines()) == len(sets)
    first, second = (out for out in [*capsys.readouterr().out.split("| numbers prepared")][1:])
    assert first.split("Sets:")[0] == second.split("Sets:")[0]
    left_out = json.loads((tmp_path / "left.json").read_text())
    assert {len(chosen) for chosen in left_out.values()} == {2}
    assert all(point in points for chosen in left_out.values() for point in chosen)


# ---------------------------------------------------------------------------------------------------- published figures


def test_published_splits_and_figures(tmp_path, monkeypatch, capsys):
    random = np.random.default_rng(0)
    (tmp_path / "concrete").mkdir()
    X = random.normal(size=(80, 3))
    frame = pd.DataFrame(X, columns=[*"abc"]).assign(target=10 * X[:, 0] + random.normal(size=80))
    frame.to_csv(tmp_path / "concrete" / "concrete.csv", index=False)
    (tmp_path / "concrete" / "meta.json").write_text(json.dumps({"task": "regression"}))
    masks = pd.DataFrame({f"split_{i}": (np.arange(80) % 8 == i).astype(int) for i in range(2)})
    masks.to_csv(tmp_path / "concrete" / "gal_test_mask.csv.gz", index=False)
    (data,) = portfolio.load(tmp_path, 1000)
    made = list(published.splits(tmp_path, data))
    assert [test.tolist() for _, test in made] == [list(range(i, 80, 8)) for i in range(2)]
    assert all(set(train) | set(test) == set(range(80)) and not set(train) & set(test) for train, test in made)
    arguments = ["published", "--data", str(tmp_path), "--seconds", "0.5", "--results", str(tmp_path / "found.jsonl")]
    monkeypatch.setattr("sys.argv", arguments)
    printed = [(published.main(), capsys.readouterr().out)[1] for _ in range(2)]
    assert printed[0] == printed[1], "the second time from the file"
    cells = [cell.strip() for cell in printed[0].split("| concrete |")[1].split("|")]
    assert float(cells[1].split(" ")[0]) < 8
    assert cells[0] == "2"


@pytest.mark.parametrize(("name", "met", "missed"), [("concrete", 4.8, 4.9), ("adult", 0.86, 0.85)])
def test_what_meets_a_published_figure(name, met, missed):
    assert published.PUBLISHED[name].is_met(met)
    assert not published.PUBLISHED[name].is_met(missed)


def test_other_splits(monkeypatch, tmp_path):
    y = np.arange(40) % 2
    data = portfolio.Data("churn_bank", "classification", pd.DataFrame({"x": range(40)}), y)
    made = list(published.splits(tmp_path, data))
    assert [len(test) for _, test in made] == [8] * published.DRAWN
    assert {y[test].sum() for _, test in made} == {4}
    monkeypatch.setattr(published, "ADULT_TRAINING_ROWS", 30)
    ((train, test),) = published.splits(tmp_path, data._replace(name="adult"))
    assert (train.tolist(), test.tolist()) == (list(range(30)), list(range(30, 40)))
