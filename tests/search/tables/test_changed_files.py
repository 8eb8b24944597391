"""Files that are changed while they are read: one table of two states of a file is no table."""

import os
from pathlib import Path

import pandas as pd
import pytest

from search.tables import files
from search.tables.reading import Asked, UnreadableError

ROWS = 3_000
"""Each row has 1,000 bytes: the file is longer than what is read ahead."""

CHANGED = "^it was changed while it was read; read it again when nothing writes to it, or name a copy$"


@pytest.fixture(params=["csv", "parquet"])
def path(request, tmp_path) -> Path:
    path = tmp_path / f"t.{request.param}"
    frame = pd.DataFrame({"a": range(ROWS), "b": [f"{i:0990}" for i in range(ROWS)]})
    frame.to_csv(path, index=False) if path.suffix == ".csv" else frame.to_parquet(path, compression=None)
    return path


def shorter(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def longer(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"4000,4")


def other_bytes(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"x" * 5_000)


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.replace(other, path)


CHANGES = [shorter, empty, longer, other_bytes, replaced, os.unlink]


@pytest.mark.parametrize("change", CHANGES)
def test_pieces_of_a_file_that_changes_are_refused(path, change):
    found = files.pieces(path, Asked(), 100, {})
    assert len(next(found.frames)) == 100
    change(path)
    with pytest.raises(UnreadableError, match=CHANGED):
        list(found.frames)


@pytest.mark.parametrize("change", [shorter, longer])
def test_a_file_that_changes_between_two_looks_at_it_is_refused(path, change):
    found = files.pieces(path, Asked(), 100, {})
    change(path)
    with pytest.raises(UnreadableError, match=CHANGED):
        next(found.frames)


@pytest.mark.parametrize("change", [shorter, longer, other_bytes])
def test_a_file_that_changes_is_refused_as_a_whole(path, change, monkeypatch):
    """As the logs of sensors do: a table that is read at once is opened several times, and had another length each time."""

    def while_it_is_read(*_) -> None:
        change(path)

    monkeypatch.setattr(files, "check_size", while_it_is_read)
    with pytest.raises(UnreadableError, match=CHANGED):
        files.read(path)


def test_what_has_the_same_state_is_read(path):
    os.utime(path, ns=(0, path.stat().st_mtime_ns))  # somebody else reads it
    assert len(files.read(path).frame) == ROWS
    found = files.pieces(path, Asked(), 1000, {})
    os.utime(path, ns=(10**18, path.stat().st_mtime_ns))
    assert sum(map(len, found.frames)) == ROWS


def test_a_damaged_file_is_still_called_damaged(tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"PAR1" + bytes(100))
    with pytest.raises(UnreadableError, match=r"^it is a damaged Parquet file"):
        files.read(tmp_path / "t.parquet")
