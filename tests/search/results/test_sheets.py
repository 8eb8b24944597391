"""The tables of a study as CSV files."""

import csv

import numpy as np
import pytest

from search.results import sheets
from search.results.result import Result
from search.space import spaces
from search.trials.out_of_fold.predictions import OutOfFold

EVIL = "=HYPERLINK(1)"


@pytest.fixture
def result(make_outcome):
    outcomes = [
        make_outcome(0, scores=(-3.0, -1.0), params={EVIL: 0.5, "layers": [64, 32]}),
        make_outcome(1, "diverged", params={EVIL: 1.0, "layers": [8]}),
        make_outcome(2, scores=(-1.0, -0.5), params={EVIL: 2.0}, n_weights=7),
        make_outcome(3, "error", params={"layers": "@x"}, reason="+1 is = wrong"),
    ]
    rows = np.arange(3, dtype=np.int32)
    found = OutOfFold(
        rows,
        rows,
        np.array(["=a", "b", "b"]),
        np.array(["b", "b", "=a"]),
        np.full((3, 2), 0.5, np.float32),
        np.array(["=a", "b"]),
    )
    return Result(
        "x",
        "grid",
        "2 folds",
        "neg_mean_absolute_error",
        spaces.build({}),
        {o.number: o for o in outcomes},
        predictions=found,
    )


def read(path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def tables(result, tmp_path):
    found = {}
    for name, write in sheets.sheets(result).items():
        write(tmp_path / f"{name}.csv")
        found[name] = read(tmp_path / f"{name}.csv")
    return found


def test_the_leaderboard_is_in_order_and_says_scores_as_people_do(tables):
    board = tables["leaderboard"]
    assert [(row["rank"], row["trial"], row["verdict"]) for row in board] == [
        ("1", "2", "ok"),
        ("2", "0", "ok"),
        ("3", "1", "diverged"),
        ("4", "3", "error"),
    ]
    assert [row["mean absolute error"] for row in board] == ["0.75", "2", "", ""]
    assert [row["weights"] for row in board] == ["7", "", "", ""]
    assert board[1]["param layers"] == "[64, 32]"
    assert board[2]["finding"] == "exploding_step"


def test_trials_are_those_of_scikit_learn(tables):
    rows = tables["cv_results"]
    assert [row["trial"] for row in rows] == ["0", "1", "2", "3"]
    assert [row["mean_test_score"] for row in rows] == ["-2", "", "-0.75", ""]
    assert [row["rank_test_score"] for row in rows][:3] == ["2", "3", "1"]
    assert rows[2]["param_layers"] == ""


def test_no_text_is_run_by_a_spreadsheet(tables):
    for rows in tables.values():
        for row in rows:
            for cell in (*row, *row.values()):
                assert not cell.startswith(("=", "+", "@")), cell
    assert tables["cv_results"][3]["reason"] == "'+1 is = wrong"
    assert tables["leaderboard"][3]["param layers"] == "'@x"


def test_predictions_out_of_fold(tables):
    assert tables["out_of_fold"][0] == {
        **{"row": "0", "fold": "1", "true": "'=a", "predicted": "b"},
        **{"probability =a": "0.5", "probability b": "0.5"},
    }


def test_several_outputs_have_a_column_each():
    rows = np.arange(2, dtype=np.int32)
    columns = sheets.out_of_fold(OutOfFold(rows, rows, np.eye(2), np.ones((2, 2))))
    assert list(columns) == ["row", "fold", "true 1", "true 2", "predicted 1", "predicted 2"]


def test_tables_are_bounded(monkeypatch, result):
    monkeypatch.setattr(sheets, "MOST_ROWS", 2)
    assert len(sheets.out_of_fold(result.predictions)["row"]) == 2
    monkeypatch.setattr(sheets, "MOST_CELLS", 3)
    assert "probability b" not in sheets.out_of_fold(result.predictions)


def test_halves_of_characters_are_written_bug(tmp_path):
    """A choice or class of Python may be a text that no file can hold: the table was not written, and MLflow had no results."""
    rows = np.arange(2, dtype=np.int32)
    classes = np.array(["\ud800", "b"])
    found = OutOfFold(rows, rows, classes, classes[::-1], np.full((2, 2), 0.5, np.float32), classes)
    sheets.write(tmp_path / "a.csv", sheets.out_of_fold(found))
    assert [row["true"] for row in read(tmp_path / "a.csv")] == ["?", "b"]
