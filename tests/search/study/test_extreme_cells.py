"""Cells that are finite, but too large: told before the first trial, with their column and row, or scaled."""

import numpy as np
import pandas as pd
import pytest

from bpmodel.preprocessing.values import LARGEST
from search.errors import StudyError
from search.study import data, init, study_file


@pytest.fixture
def load(tmp_path):
    """Load a table with one cell replaced."""

    def load(column: str, cell: str, task: str = "regression"):
        random = np.random.default_rng(0)
        frame = pd.DataFrame({"a": random.normal(size=30), "b": random.normal(size=30)}).round(3)
        frame["y"] = frame["a"] - frame["b"]
        frame = frame.astype(str)
        frame.loc[6, column] = cell
        frame.to_csv(tmp_path / "t.csv", index=False)
        (tmp_path / "t.toml").write_text(
            f'name = "t"\n[data]\nsource = "t.csv"\ntarget = "y"\ntask = "{task}"\nmissing_target = "error"\n'
        )
        return data.load(study_file.load(tmp_path / "t.toml"))

    return load


FAR = ["1e300", "-1e300", "1" * 300, "1e151", "inf", "-Infinity", "1e999", "+inf", "Inf", "-INF"]


@pytest.mark.parametrize("cell", FAR)
def test_a_target_whose_square_is_not_finite_is_refused_with_its_row(load, cell):
    with pytest.raises(StudyError, match=r"target 'y' has [-+\de.inf]+ in row 7; allowed are numbers up to 1e\+150"):
        load("y", cell)


@pytest.mark.parametrize("cell", FAR)
def test_a_cell_that_is_too_large_counts_as_missing_and_is_told(load, cell):
    (note,) = load("a", cell).notes
    assert note.startswith("column 'a': 1 value is infinite or beyond 1e+150 and counts as missing: ")
    assert note.endswith(" in row 7")


def test_long_cells_are_told_in_short(load):
    assert load("a", "1" * 400).notes == (
        "column 'a': 1 value is infinite or beyond 1e+150 and counts as missing: inf in row 7",
    )
    (note,) = load("a", "1" * 400 + "x" * 20).notes
    assert note.startswith("column 'a': 1 value is not a number and counts as missing: '1111")
    assert note.endswith("1… in row 7")
    assert len(note) < 200


@pytest.mark.parametrize("cell", ["1e30", "3.5e38", "1e149", "-0", "5e-324", "1e-400"])
def test_large_and_small_numbers_are_read_as_they_are(load, cell):
    for column in ("a", "y"):
        found = load(column, cell)
        assert found.notes == ()
        assert (found.y[6] if column == "y" else found.X["a"][6]) == float(cell)


def test_many_cells_are_told_in_one_line(load, tmp_path):
    frame = pd.DataFrame({"a": [1e300] * 20 + [1.0] * 20, "y": np.arange(40.0)})
    frame["y"] *= np.where(frame.index > 3, 1e200, 1)
    frame.to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "t.toml").write_text('name = "t"\n[data]\nsource = "t.csv"\ntarget = "y"\ntask = "regression"\n')
    with pytest.raises(StudyError, match=r"has 4e\+200 in row 5 and in 35 other rows; allowed are numbers up to 1e"):
        data.load(study_file.load(tmp_path / "t.toml"))
    frame["y"] = np.arange(40.0)
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert data.load(study_file.load(tmp_path / "t.toml")).notes == (
        f"column 'a': 20 values are infinite or beyond {LARGEST:g} and count as missing: "
        "1e+300 in row 1, 1e+300 in row 2, 1e+300 in row 3 and 17 more",
    )


def test_classes_may_be_long_numbers(load, tmp_path):
    """Beside a missing one they were turned into whole numbers of 64 bits, with a warning and another value."""
    pd.DataFrame({"a": np.arange(9.0), "y": ["1e300", "2e300", ""] * 3}).to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "t.toml").write_text('name = "t"\n[data]\nsource = "t.csv"\ntarget = "y"\ntask = "classification"\n')
    assert set(data.load(study_file.load(tmp_path / "t.toml")).y) == {1e300, 2e300}


def test_a_target_of_bytes_is_refused(tmp_path):
    """Whoever made texts of them ended with an error of decoding."""
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": np.arange(9.0), "y": [None, *[b"\xff"] * 8]}).to_parquet(path)
    with pytest.raises(StudyError, match=r"^--target 'y' has bytes that are no text in row 2; save it as text$"):
        init.write_study(str(path), "y", tmp_path / "s.toml")
