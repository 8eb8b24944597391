"""Parquet files are read a few columns at a time, and only the columns that somebody needs."""

import numpy as np
import pandas as pd
import pytest

from search.tables import columnar, files, size
from search.tables.reading import Asked, UnreadableError


def large_parquet(path, monkeypatch, **options):
    """Write a table of columns of many kinds; let it be read a few columns at a time."""
    rows = 40
    frame = pd.DataFrame(
        {
            "a": np.arange(rows, dtype=np.float32),
            "b": np.where(np.arange(rows) % 5, np.arange(rows), np.nan),
            "c": [None, *range(rows - 1)],
            "d": pd.date_range("2026-01-01", periods=rows),
            "e": ["x", None] * (rows // 2),
            "f": [True, False] * (rows // 2),
        }
    )
    frame.set_index(options["index"]).to_parquet(path) if "index" in options else frame.to_parquet(path)
    monkeypatch.setattr(columnar, "AT_ONCE_BYTES", 8 * rows * options.get("columns", 1))
    return frame


@pytest.mark.parametrize("options", [{}, {"columns": 3}, {"index": "d"}, {"index": "a"}], ids=str)
def test_parquet_that_is_read_by_column_is_the_same_table(tmp_path, monkeypatch, options):
    with monkeypatch.context() as small:
        large_parquet(tmp_path / "t.parquet", small, **options)
    whole = files.read(tmp_path / "t.parquet")
    large_parquet(tmp_path / "t.parquet", monkeypatch, **options)
    asked = []
    read = pd.read_parquet
    monkeypatch.setattr(columnar.pd, "read_parquet", lambda *a, **k: asked.append(k["columns"]) or read(*a, **k))
    parts = files.read(tmp_path / "t.parquet")
    assert [len(names) for names in asked] == [options.get("columns", 1)] * (6 // options.get("columns", 1))
    pd.testing.assert_frame_equal(parts.frame, whole.frame)
    assert parts.notes == whole.notes


def test_columns_of_parquet_that_nobody_needs_are_not_read(tmp_path, monkeypatch):
    large_parquet(tmp_path / "t.parquet", monkeypatch)
    asked = []
    read = pd.read_parquet
    monkeypatch.setattr(columnar.pd, "read_parquet", lambda *a, **k: asked.extend(k["columns"]) or read(*a, **k))
    table = files.read(tmp_path / "t.parquet", Asked(drop=["b", "e", "nowhere"]))
    assert asked == list(table.frame.columns) == ["a", "c", "d", "f"]
    assert table.unread == ["b", "e"]


def test_a_name_with_a_dot_is_read_with_all_others(tmp_path, monkeypatch):
    pd.DataFrame({"a.b": [1.0, 2.0], "c": [3.0, 4.0]}).to_parquet(tmp_path / "t.parquet")
    monkeypatch.setattr(columnar, "AT_ONCE_BYTES", 1)
    table = files.read(tmp_path / "t.parquet", Asked(drop=["c"]))
    assert (list(table.frame.columns), table.unread) == (["a.b", "c"], [])


def test_columns_that_are_not_read_do_not_count(tmp_path, monkeypatch):
    pd.DataFrame({"a": np.zeros(1000, np.float32), "b": np.zeros(1000), "y": np.zeros(1000)}).to_parquet(
        tmp_path / "t.parquet"
    )
    needed = 2 * 1000 * (4 + 8) + 2 * size.COLUMN
    monkeypatch.setattr(size, "memory", lambda: max(needed, (tmp_path / "t.parquet").stat().st_size))
    files.read(tmp_path / "t.parquet", Asked(drop=["b"]))
    with pytest.raises(UnreadableError, match=r"it has 1,000 rows and 3 columns, 20\.0 kB as a table"):
        files.read(tmp_path / "t.parquet")
