"""Files of predictions: complete, or not there."""

import json
import os
from collections.abc import Iterator

import pandas as pd
import pytest

from search.errors import StudyError
from search.prediction import writing

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
