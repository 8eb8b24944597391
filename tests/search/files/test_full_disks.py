"""On a full disk, a command ends with one line, nothing that was finished is lost, and it goes on once there is room."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import search
from search import StudyError
from search.loop import journal
from search.loop.journal import StudyStore
from search.space import spaces
from search.trials.penalties import Feedback

HOME = Path(search.__file__).parents[1]
SPACE = spaces.build({"kind": ["relu", "tanh"]})


def mounted(folder: Path, size: str, *more: str) -> None:
    """Make a folder a disk of some bytes, or skip the test."""
    done = subprocess.run(
        ["mount", *more, "-t", "tmpfs", "-o", f"{'remount,' * bool(more)}size={size}", "tmpfs", folder]
    )
    if done.returncode:
        pytest.skip("this user cannot mount a small disk")


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    if getattr(os, "geteuid", lambda: 1)() != 0 or sys.platform != "linux":
        pytest.skip("only root can mount a small disk, and only on Linux in this way")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted(folder, "64k")
    yield folder
    os.chdir(tmp_path)
    subprocess.run(["umount", "-l", folder], check=True)


def enlarged(folder: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)


def test_a_journal_on_a_full_disk_keeps_what_was_finished(disk, make_outcome):
    """An error of the system came up, and half a line stayed."""
    path = disk / "studies" / "x.journal"
    store = StudyStore(path, "x", {}, SPACE)
    finished = []

    def fill() -> None:
        for number in range(1000):
            store.record(make_outcome(number, params={"kind": "relu"}), Feedback(-0.5))
            finished.append(number)

    with pytest.raises(StudyError, match=r"^disk full: .*x\.journal; finished trials are kept$"):
        fill()
    assert path.read_bytes().endswith(b"}\n"), "nothing of the line that did not fit is left"
    assert list(journal.read(path).outcomes) == finished
    enlarged(disk, "256k")
    store.record(make_outcome(len(finished), params={"kind": "relu"}), Feedback(-0.5))
    store.close()
    assert list(journal.read(path).outcomes) == [*finished, len(finished)]


def test_a_line_that_was_cut_short_stays_where_it_cannot_be_kept(disk, make_outcome):
    path = disk / "x.journal"
    store = StudyStore(path, "x", {}, SPACE)
    store.record(make_outcome(0, params={"kind": "relu"}), Feedback(-0.5))
    store.close()
    cut = path.read_bytes()[:-9]
    path.write_bytes(cut)
    room = os.statvfs(disk).f_bavail * os.statvfs(disk).f_bsize
    (disk / "ballast").write_bytes(b"x" * room)
    with pytest.raises(StudyError, match=r"^disk full: .*x\.journal; finished trials are kept$"):
        StudyStore(path, "x", {}, SPACE)
    assert path.read_bytes() == cut
    (disk / "ballast").unlink()
    StudyStore(path, "x", {}, SPACE).close()


def run(folder: Path, *arguments: str, **more) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
    return subprocess.run(
        [sys.executable, "-m", "search", *arguments],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(HOME)},
        stderr=subprocess.PIPE,
        text=True,
        **{"stdout": subprocess.PIPE} | more,
    )


@pytest.fixture
def prepare(small_project):
    """Write a table and a study of four trials into a folder."""
    return lambda folder: small_project(
        folder, ("[[2], [3]]", "[[2], [3], [4], [5], [6]]"), ("n_trials = 2", "n_trials = 4")
    )


REPORT = "note:   the report was not written: disk full: studies/small.report.html"


@pytest.mark.slow
@pytest.mark.parametrize("room", ["20k", "700k", "1400k"])
def test_a_study_on_a_full_disk_is_gone_on_with(disk, room, prepare):
    """It ended with tracebacks of SQLAlchemy, or with "unexpected error: [Errno 28]"."""
    enlarged(disk, room)
    prepare(disk)
    done = run(disk, "tune", "small.toml")
    said = [line for line in (done.stdout + done.stderr).splitlines() if "disk full" in line]
    assert said, done.stdout + done.stderr
    assert [line for line in said if not line.endswith("finished trials are kept") and REPORT not in line] == []
    assert "Traceback" not in done.stderr + done.stdout
    assert "unexpected" not in done.stderr
    assert done.returncode in (1, 2)
    path = disk / "studies" / "small.journal"
    before = list(journal.read(path).outcomes) if path.exists() and path.stat().st_size else []
    enlarged(disk, "64m")
    again = run(disk, "tune", "small.toml")
    assert again.returncode == 0, again.stderr
    assert sorted(journal.read(path).outcomes) == [0, 1, 2, 3]
    assert set(before) <= {0, 1, 2, 3}
    assert not list(disk.rglob("*.new"))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize(
    "arguments", [["init", "homes.csv", "--target", "price"], ["cv", "small.toml"], ["cv", "small.toml", "--json"]]
)
def test_output_to_a_full_disk_is_told_in_one_line(tmp_path, arguments, prepare):
    prepare(tmp_path)
    with open("/dev/full", "w") as full:
        done = run(tmp_path, *arguments, stdout=full)
    assert done.stderr == "error: disk full: where the output goes; finished trials are kept\n"
    assert done.returncode == 1


@pytest.mark.slow
def test_predictions_on_a_full_disk_leave_the_older_file(disk, tmp_path, prepare):
    prepare(tmp_path)
    assert run(tmp_path, "tune", "small.toml").returncode == 0
    out = disk / "out.csv"
    out.write_text("old")
    (disk / "ballast").write_bytes(b"x" * 55_000)
    pd.concat([pd.read_csv(tmp_path / "homes.csv")] * 500).to_csv(tmp_path / "many.csv", index=False)
    done = run(tmp_path, "predict", "small", "many.csv", "-o", str(out), "--force")
    assert done.stderr.splitlines()[-1] == f"error: disk full: {out}; no file was written"
    assert done.returncode == 2
    assert out.read_text() == "old"
    assert sorted(each.name for each in disk.iterdir()) == ["ballast", "out.csv"]
