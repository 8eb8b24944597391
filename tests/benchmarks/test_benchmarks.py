"""The benchmarks run. No test checks a time."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from benchmarks import (
    __main__,
    bookkeeping,
    common,
    deterministic,
    memory,
    model_card,
    options,
    prediction,
    preprocessing,
    reading,
    second_order,
    sparse,
    start,
    steps,
    subsample,
    threads,
    tracking,
)
from tests.docs.test_docs import DOCS, ROOT

TINY = (steps.Shape((3, 4, 1), 8), steps.Shape((4, 5, 3), 16))
SHORT = 0.01
COMPILED = {name: option for name, option in options.VARIANTS.items() if "dtype" not in option}
RUNS = {
    "steps": lambda: steps.measure(1, TINY, SHORT),
    "options": lambda: options.measure(1, TINY, COMPILED, SHORT),
    "threads": lambda: threads.measure(1, TINY, SHORT, {"iris": 2}),
    "prediction": lambda: prediction.measure(1, TINY, (1, 50), SHORT),
    "memory": lambda: memory.measure(1, 3000, ("BPSearchCV, BPRegressor",)),
    "start": lambda: start.measure(1, compiling=False, commands=start.COMMANDS[:1]),
    "sparse": lambda: sparse.measure(1, (sparse.Texts(50, 30, 0.1, 4),)),
    "bookkeeping": lambda: bookkeeping.measure(1, (10, 20)),
    "tracking": lambda: tracking.measure(1, {"a few": ("exploding", "random:3")}),
    "reading": lambda: reading.measure(1, 2 * reading.BLOCK),
}


def test_every_benchmark_is_tried():
    assert list(RUNS) == list(__main__.REPEATS)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_one_repeat(name):
    table = RUNS[name]()
    assert table.rows
    assert {len(row) for row in table.rows} == {len(table.head)}
    assert "scikit-learn" in str(table)


@pytest.mark.slow
def test_model_card_reads_a_folder(tmp_path):
    (tmp_path / "fruit").mkdir()
    colors = ["red", "green", None, "red", "blue"] * 12
    frame = pd.DataFrame({"size": range(60), "color": colors, "target": [c == "red" for c in colors]})
    frame.to_csv(tmp_path / "fruit" / "fruit.csv.gz", index=False)
    meta = {"task": "classification", "categorical_columns": ["color"]}
    (tmp_path / "fruit" / "meta.json").write_text(json.dumps(meta))
    table = model_card.measure(tmp_path, rows=50, jobs=1)
    assert [row[0] for row in table.rows] == ["fruit (50 x 2)", "mean rank, classification"]
    assert {len(row) for row in table.rows} == {len(table.head)}


@pytest.mark.slow
def test_preprocessing_compares_what_changes_something(tmp_path, monkeypatch):
    monkeypatch.setattr(preprocessing, "SHARED", {"hidden_layer_sizes": [4], "max_iter": 4})
    random = np.random.default_rng(0)
    for name, extra in (("plain", {}), ("mixed", {"town": ["Ulm", "Bonn"] * 30, "area": [1.5, None, 2.5] * 20})):
        (tmp_path / name).mkdir()
        frame = pd.DataFrame({"size": random.normal(size=60), **extra, "target": random.normal(size=60)})
        frame.to_csv(tmp_path / name / f"{name}.csv", index=False)
        (tmp_path / name / "meta.json").write_text(json.dumps({"task": "regression"}))
    table = preprocessing.measure(tmp_path, rows=60, jobs=1)
    names = ["mixed (60 x 3)", "plain (60 x 1)", "geometric mean", "mean rank of the numeric ones"]
    assert [row[0] for row in table.rows] == names
    empty = {"ordinal", "without indicators"}
    filled = [dict(zip(table.head, row, strict=True)) for row in table.rows[:2]]
    assert [{name for name, cell in row.items() if not cell} for row in filled] == [set(), empty]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_second_order_reads_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(second_order, "BUDGETS", (0.002, 0.01))
    random = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        pd.DataFrame(random.normal(size=(40, 3)), columns=[*"xyz"]).to_csv(
            tmp_path / name / f"{name}.csv.gz", index=False
        )
    table = second_order.measure(tmp_path, repeats=1, sizes=(2,), sets=("a", "b"))
    assert [row[0] for row in table.rows] == ["a, 2 units"] * 6 + ["b, 2 units"] * 6
    assert {len(row) for row in table.rows} == {len(table.head)} == {4}


def test_a_fold_without_an_iteration_in_time_has_no_error():
    one = [second_order.Measured(0.001, 0.5)]
    assert second_order.best_within_budgets([one, one])[-1] == 0.5
    assert second_order.best_within_budgets([one, []])[-1] == np.inf


def test_operations_of_a_step_by_hand():
    # forward and weight gradient of both layers, input gradient of the second: 2 operations a multiplication each
    assert steps.Shape((3, 4, 1), 8).operations == 8 * (4 * 3 * 4 + 6 * 4 * 1)


def test_a_table_takes_the_place_that_has_its_name(tmp_path):
    path = tmp_path / "x.md"
    path.write_text("above\n\n<!-- a -->\nold\n<!-- end of a -->\n\nbelow\n")
    common.keep("new", "a", path)
    common.keep(r"other \1", "b", path)
    common.keep(r"other \1", "b", path)
    assert path.read_text() == (
        "above\n\n<!-- a -->\nnew\n<!-- end of a -->\n\nbelow\n\n<!-- b -->\nother \\1\n<!-- end of b -->\n"
    )


def test_documents_have_a_place_for_every_table():
    places = re.findall(r"<!-- (\w+) -->\n.*?<!-- end of \1 -->", DOCS["docs/benchmarks.md"], re.DOTALL)
    files = {path.stem for path in (ROOT / "benchmarks").glob("*.py")} - {"__init__", "__main__", "common", "sets"}
    folders = {path.parent.name for path in (ROOT / "benchmarks").glob("*/__main__.py")}
    assert sorted(places) == sorted(files | folders)


@pytest.mark.slow
def test_deterministic_searches_are_measured():
    tables = deterministic.speed(1, n_trials=3, jobs=(2,)), deterministic.quality(2, n_trials=12)
    assert [row[0] for row in tables[0].rows] == list(deterministic.SPREADS)
    assert [row[0] for row in tables[1].rows] == list(deterministic.WAYS)
    for table in tables:
        assert {len(row) for row in table.rows} == {len(table.head)}


@pytest.mark.slow
def test_searches_on_a_sample_are_measured(monkeypatch):
    small = {"TRIALS": 14, "FOLDS": 2, "EPOCHS": 4, "ROWS": 24_000, "COLUMNS": 3}
    for name, value in small.items():
        monkeypatch.setattr(subsample, name, value)
    found = list(subsample.rows(subsample.synthetic(), 1))
    assert [row[1] for row in found] == list(subsample.METHODS)
    assert {len(row) for row in found} == {len(subsample.HEAD)}
