"""A study whose rows memory does not hold is refused before they are read, with the count."""

import numpy as np
import pandas as pd
import pytest

from search.errors import StudyError
from search.study import data, extent, study_file
from search.tables import columnar
from search.tables.columnar import Extent
from search.tuning import rehearse

STUDY = """\
name = "large"
[data]
source = "rows.parquet"
target = "y"
task = "regression"
drop = ["left"]
[space]
alpha = [0.1, 1.0]
"""
ROWS, COLUMNS = 10_000_000, 50
TABLE, PREPARED = ROWS * (COLUMNS + 1) * 4, ROWS * COLUMNS * 4


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Return a function that makes a study of a small file, whose end says that it has ten million rows."""
    monkeypatch.chdir(tmp_path)

    def make(labeled=ROWS, rows=ROWS):
        frame = pd.DataFrame({"x": np.zeros(9), "left": 1.0, "y": np.arange(9.0)})
        frame.to_parquet(tmp_path / "rows.parquet")
        (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
        names = [*(f"x{i}" for i in range(COLUMNS)), "y"]
        bytes_ = float(rows * (COLUMNS + 1) * 4)
        monkeypatch.setattr(columnar, "extent", lambda *a: Extent(rows, labeled, names, bytes_, True, COLUMNS))
        return study_file.load(tmp_path / "study.toml")

    return make


def test_what_does_not_fit_is_told_before_it_is_read(study, monkeypatch):
    asked = study()
    monkeypatch.setattr(extent, "memory", lambda: TABLE + PREPARED)
    extent.check(asked, "here")
    monkeypatch.setattr(extent, "memory", lambda: TABLE + PREPARED - 1)
    read = []
    monkeypatch.setattr(data, "read_table", lambda *a: read.append(a))
    told = r"10,000,000 rows and 51 columns: they take at least 2\.0 GB as a table, and 2\.0 GB as a trial's networks"
    for load in (data.load, rehearse):
        with pytest.raises(StudyError, match=rf"study.toml: \[data\] source = 'rows.parquet' has {told}"):
            load(asked)
    assert not read


def test_rows_without_a_target_do_not_count(study, monkeypatch):
    monkeypatch.setattr(extent, "memory", lambda: TABLE + PREPARED - 1)
    extent.check(study(labeled=ROWS - 1), "here")
    with pytest.raises(StudyError):
        extent.check(study(), "here")


def test_small_studies_are_counted_when_they_have_been_read(study, monkeypatch):
    monkeypatch.setattr(extent, "memory", lambda: 0)
    most = extent.MOST_KEPT // (2 * COLUMNS * extent.ITEM)
    extent.check(study(labeled=most, rows=most), "here")
    with pytest.raises(StudyError):
        extent.check(study(labeled=most + 1, rows=most + 1), "here")


def test_what_a_file_says_of_itself(tmp_path):
    frame = pd.DataFrame(
        {
            "a": np.zeros(10, np.float32),
            "b": range(10),
            "left": 1.0,
            "text": "x",
            "day": pd.Timestamp("2026-01-01"),
            "y": [None, *range(9)],
        }
    )
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=4)
    found = columnar.extent(tmp_path / "t.parquet", ["left"], "y")
    assert found == Extent(10, 9, ["a", "b", "text", "day", "y"], 10.0 * (4 + 4 * 8), False, 2)
    plain = columnar.extent(tmp_path / "t.parquet", ["text"])
    assert (plain.plain, plain.numbers, plain.labeled) == (True, 4, 10)
