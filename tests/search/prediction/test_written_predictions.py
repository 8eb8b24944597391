"""Files of predictions: complete, or not there."""

import datetime
import decimal
import json
import os
from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from search.errors import StudyError
from search.prediction import writing
from search.tables import sources

PIECES = [
    pd.DataFrame({"a": [1.5, 2.0], "b": ["x, y", 'says "no"']}),
    pd.DataFrame({"a": [], "b": []}).astype({"a": float, "b": str}),
    pd.DataFrame({"a": [3.0], "b": ["two\nlines"]}),
]
READERS = {
    ".csv": pd.read_csv,
    ".json": lambda path: pd.DataFrame(json.loads(path.read_text())),
    ".jsonl": lambda path: pd.read_json(path, lines=True),
    ".ndjson": lambda path: pd.read_json(path, lines=True),
    ".parquet": pd.read_parquet,
}


@pytest.mark.parametrize("ending", writing.ENDINGS)
def test_pieces_make_one_file(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    with writing.to_file(path) as write:
        for piece in PIECES:
            write(piece)
    pd.testing.assert_frame_equal(READERS[ending](path), pd.concat(PIECES, ignore_index=True), check_dtype=False)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_no_rows_are_an_empty_list(tmp_path):
    with writing.to_file(tmp_path / "a.json") as write:
        write(PIECES[1])
    assert json.loads((tmp_path / "a.json").read_text()) == []


@pytest.mark.parametrize("ending", writing.ENDINGS)
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, StudyError])
def test_an_end_halfway_leaves_what_was_there(tmp_path, ending, error):
    path = tmp_path / f"a{ending}"
    path.write_text("before")

    def halfway() -> None:
        with writing.to_file(path) as write:
            write(PIECES[0])
            raise error("stop")

    with pytest.raises(error):
        halfway()
    assert path.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_is_replaced_only_if_asked(tmp_path):
    path = tmp_path / "a.csv"
    writing.check(path, force=False)
    path.write_text("before")
    with pytest.raises(StudyError, match="already exists"):
        writing.check(path, force=False)
    writing.check(path, force=True)


@pytest.fixture
def nobody() -> Iterator[None]:
    """Run the test without the rights of root, who may write everywhere."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(12345)
    yield
    os.seteuid(user)


def test_a_folder_that_cannot_be_written_is_named(tmp_path, nobody):
    if os.geteuid() != 12345:
        tmp_path.chmod(0o500)
    with (
        pytest.raises(StudyError, match=r"a\.csv cannot be written: Permission denied"),
        writing.to_file(tmp_path / "a.csv"),
    ):
        pass


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with (
        pytest.raises(StudyError, match=r"^disk full: .*a\.csv; no file was written$"),
        writing.to_file(tmp_path / "a.csv") as write,
    ):
        write(PIECES[0])
    assert not list(tmp_path.iterdir())


D = decimal.Decimal
VALUES = {
    "truth": ([None, None, True], pa.bool_()),
    "days": ([None, None, datetime.date(2024, 3, 29)], pa.date32()),
    "lists": ([None, None, [1, 2]], pa.list_(pa.int64())),
    "bytes": ([None, None, b"\xff"], pa.binary()),
    "large": ([None, None, 2**60 + 1], pa.int64()),
    "gaps": ([1, 2, None], pa.int16()),
    "decimals": ([D("1.5"), D("2.5"), D("1000.25")], pa.decimal128(9, 2)),
    "levels": ([None, "x", "y"], pa.dictionary(pa.int8(), pa.string())),
    "empty": ([None] * 3, pa.null()),
}


@pytest.mark.parametrize("values", VALUES)
def test_columns_of_a_parquet_file_keep_their_types_whatever_the_first_rows_hold(tmp_path, values):
    cells, kind = VALUES[values]
    given = pa.table({"a": [1.0, 2.0, 3.0], values: pa.array(cells, kind)})
    parquet.write_table(given, tmp_path / "a.parquet")
    pieces = sources.pieces("a.parquet", tmp_path, rows=2)
    with writing.to_file(tmp_path / "b.parquet", types=pieces.types) as write:
        for piece in pieces.frames:
            write(piece)
    found = parquet.read_table(tmp_path / "b.parquet")
    assert found[values].to_pylist() == cells
    assert found.schema.field(values).type == (pa.string() if values == "empty" else kind)


@pytest.mark.parametrize(
    ("cells", "written"),
    [
        ([None, None, True], [None, None, True]),
        ([1, 2, "x"], ["1", "2", "x"]),
        ([None, False, 2.5], [None, "False", "2.5"]),
    ],
)
def test_columns_of_several_kinds_are_texts(tmp_path, cells, written):
    """As those of JSON and of sheets may be, of which the first pieces tell nothing."""
    (tmp_path / "a.json").write_text(json.dumps([{"a": 1, "b": cell} for cell in cells]))
    pieces = sources.pieces("a.json", tmp_path, rows=1)
    with writing.to_file(tmp_path / "b.parquet", types=pieces.types) as write:
        for piece in pieces.frames:
            write(piece)
    assert parquet.read_table(tmp_path / "b.parquet")["b"].to_pylist() == written


def test_what_has_no_type_before_its_first_value_is_text(tmp_path):
    """As columns of a database may be."""
    with writing.to_file(tmp_path / "a.parquet") as write:
        write(pd.DataFrame({"a": [None, None], "b": [1, "x"]}))
        write(pd.DataFrame({"a": [3, "x"], "b": [2, 3]}))
    found = parquet.read_table(tmp_path / "a.parquet").to_pydict()
    assert found == {"a": [None, None, "3", "x"], "b": ["1", "x", "2", "3"]}


def test_what_does_not_fit_its_column_is_told_with_advice(tmp_path):
    def other() -> None:
        with writing.to_file(tmp_path / "a.parquet") as write:
            write(pd.DataFrame({"a": [1]}))
            write(pd.DataFrame({"a": ["x"]}))

    with pytest.raises(StudyError, match=r"^--output .*'x'.* column a .*; a \.csv or \.json file has no types$"):
        other()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", writing.ENDINGS)
def test_a_table_without_rows_becomes_one_without_rows(tmp_path, ending):
    parquet.write_table(
        pa.table({"a": pa.array([], pa.int8()), "b": pa.array([], pa.string())}), tmp_path / "a.parquet"
    )
    pieces = sources.pieces("a.parquet", tmp_path)
    path = tmp_path / f"b{ending}"
    with writing.to_file(path, types=pieces.types) as write:
        for piece in pieces.frames:
            write(piece)
    found = READERS[ending](path)
    assert not len(found)
    if ending in (".csv", ".parquet"):
        assert list(found.columns) == ["a", "b"]
