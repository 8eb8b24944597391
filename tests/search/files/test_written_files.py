"""A file is complete or as it was, whatever is in its place; nothing is written through a link."""

import os
import stat
from pathlib import Path

import pytest

from search import StudyError
from search.files import trouble, writing

IN_THE_PLACE = {
    "a link to a file": lambda path: path.symlink_to(path.parent / "elsewhere"),
    "a link to nothing": lambda path: path.symlink_to(path.parent / "nothing"),
    "a link to a folder": lambda path: path.symlink_to(path.parent),
    "a link to itself": lambda path: path.symlink_to(path),
    "a folder": lambda path: path.mkdir(),
    "a pipe": lambda path: os.mkfifo(path),
}


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize("put", IN_THE_PLACE.values(), ids=IN_THE_PLACE)
def test_what_is_no_file_is_refused_and_stays(tmp_path, put, force):
    (tmp_path / "elsewhere").write_text("mine")
    path = tmp_path / "out.csv"
    put(path)
    before = path.lstat()
    with (
        pytest.raises(StudyError, match=r"^--output .*out\.csv: is (a link to|a folder|no file, but a pipe)"),
        writing.replacing(path, "--output", force=force) as draft,
    ):
        draft.write_text("new")
    assert os.path.samestat(path.lstat(), before)
    assert (tmp_path / "elsewhere").read_text() == "mine"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["elsewhere", "out.csv"]


def test_a_link_that_comes_meanwhile_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "elsewhere").write_text("mine")
    with writing.replacing(tmp_path / "out") as draft:
        (tmp_path / "out").symlink_to(tmp_path / "elsewhere")
        draft.write_text("new")
    assert (tmp_path / "elsewhere").read_text() == "mine"
    assert not (tmp_path / "out").is_symlink()
    assert (tmp_path / "out").read_text() == "new"


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("come", ["file", "link", "nothing"])
def test_a_file_that_comes_meanwhile_stays_without_force(tmp_path, monkeypatch, come, links):
    def without(*_, **__):
        raise OSError(1, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", without)
    path = tmp_path / "out"

    def write():
        with writing.replacing(path, force=False) as draft:
            draft.write_text("new")
            if come == "file":
                path.write_text("theirs")
            elif come == "link":
                path.symlink_to(tmp_path / "nothing")

    if come == "nothing":
        write()
        assert path.read_text() == "new"
    else:
        with pytest.raises(StudyError, match=r"already exists|is a link"):
            write()
    assert [each.name for each in tmp_path.iterdir()] == ["out"]
    assert come != "file" or path.read_text() == "theirs"


def test_another_name_of_the_file_keeps_the_older_content(tmp_path):
    (tmp_path / "mine").write_text("old")
    os.link(tmp_path / "mine", tmp_path / "out")
    writing.write(tmp_path / "out", b"new")
    assert ((tmp_path / "mine").read_text(), (tmp_path / "out").read_text()) == ("old", "new")


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_permissions_are_those_of_the_older_file(tmp_path, mode):
    path = tmp_path / "out"
    path.write_text("old")
    path.chmod(mode)
    with writing.replacing(path) as draft:
        assert not stat.S_IMODE(draft.stat().st_mode) & ~mode, "nor were they wider for a moment"
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_permissions_of_a_new_file_are_those_of_the_mask(tmp_path, mask):
    before = os.umask(mask)
    try:
        writing.write(tmp_path / "out", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, ValueError, OSError(28, "No space left on device"), OSError(5, "x")]
)
def test_what_ends_early_leaves_the_older_file(tmp_path, error):
    (tmp_path / "out").write_text("old")
    expected = StudyError if isinstance(error, OSError) else error

    def write():
        with writing.replacing(tmp_path / "out") as draft:
            draft.write_text("half")
            raise error

    with pytest.raises(expected):
        write()
    assert [each.name for each in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out").read_text() == "old"


def test_the_longest_name_has_a_draft(tmp_path):
    """The draft was called after the file, and longer."""
    path = tmp_path / ("x" * 251 + ".csv")
    writing.write(path, b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_name_that_no_file_can_have_is_told(tmp_path, name):
    with pytest.raises(StudyError, match=r"^--output .* cannot be written: "):
        writing.check(tmp_path / name, "--output")


@pytest.mark.parametrize("put", [lambda path: path.write_text("old"), lambda path: path.symlink_to("nothing")])
def test_a_part_of_our_own_must_be_new(tmp_path, put):
    put(tmp_path / "part")
    with pytest.raises(FileExistsError):
        writing.new(tmp_path / "part", b"new")
    assert not (tmp_path / "nothing").exists()


DISKS = {
    OSError(28, "No space left on device"): "disk full: f; finished trials are kept",
    OSError(122, "Disk quota exceeded"): "disk quota reached: f; finished trials are kept",
    OSError(30, "Read-only file system"): "disk is read-only: f; finished trials are kept",
    OSError(5, "Input/output error"): "disk error: f; finished trials are kept",
    OSError(13, "Permission denied"): "f cannot be written: Permission denied; finished trials are kept",
    OSError("two\nlines"): "f cannot be written: two lines; finished trials are kept",
    "(sqlite3.OperationalError) database or disk is full": "disk full: f; finished trials are kept",
    "nothing known": "f cannot be written: nothing known; finished trials are kept",
}


@pytest.mark.parametrize(("error", "line"), DISKS.items(), ids=map(str, DISKS))
def test_what_is_wrong_with_a_disk(error, line):
    assert trouble.told(error, Path("f")) == line


def test_the_disk_is_found_behind_other_errors():
    def fail():
        try:
            try:
                raise OSError(28, "No space left on device", "where")
            except OSError as error:
                raise RuntimeError("a library's own") from error
        except RuntimeError:
            raise KeyError("another")  # noqa: B904 - its context is what counts

    with pytest.raises(KeyError) as error:
        fail()
    assert (trouble.of_disk(error.value), trouble.path_of(error.value)) == ("disk full", "where")


def test_an_error_that_comes_from_itself_has_an_end():
    error = ValueError("no")
    error.__cause__ = error
    assert trouble.of_disk(error) == ""
