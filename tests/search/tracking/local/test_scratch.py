"""Folders for files on their way to a store: gone at the end, or at the next start after a kill."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from search.tracking.local import scratch
from search.tracking.local.scratch import PREFIX, sweep

KILLED = """\
import os, signal, sys
from pathlib import Path
from search.tracking.local.scratch import scratch
with scratch(Path(sys.argv[1])) as folder:
    (folder / "file").write_text("x")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def database(tmp_path) -> Path:
    return tmp_path / "mlflow.db"


@pytest.fixture
def other(database):
    """Another process, which has such a folder; return it and the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def left(database: Path) -> list[str]:
    return [path.name for path in database.parent.iterdir()]


def test_a_kill_left_a_folder_for_ever_bug(database, other):
    process, folder = other
    sweep(database)
    assert (folder / "file").exists()  # in use: left alone
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (folder / "file").exists()
    sweep(database)
    assert left(database) == []


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_the_folder_is_gone_after_the_body(database, error):
    try:
        with scratch.scratch(database) as folder:
            assert (folder.parent, folder.stat().st_mode & 0o777) == (database.parent.resolve(), 0o700)
            (folder / "file").write_text("x")
            if error:
                raise error
    except (ValueError, KeyboardInterrupt):
        pass
    assert left(database) == []


def test_two_bodies_of_one_process_have_folders_of_their_own(database):
    with scratch.scratch(database) as one, scratch.scratch(database) as other:
        sweep(database)
        assert one != other
        assert one.exists()
        assert other.exists()


def test_what_is_no_folder_of_ours_stays(database, tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    os.symlink(kept, database.parent / f"{PREFIX}link")
    (database.parent / f"{PREFIX}file").write_text("x")
    sweep(database)
    assert (kept / "file").exists()
    assert sorted(left(database)) == sorted(["kept", f"{PREFIX}link", f"{PREFIX}file"])


def test_a_folder_of_another_user_stays(database, monkeypatch):
    folder = database.parent / f"{PREFIX}other"
    folder.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    sweep(database)
    assert folder.exists()


def test_a_folder_that_is_swept_before_it_is_locked_is_made_again(database, monkeypatch):
    known, tries = scratch._lock, []

    def slow(folder: Path) -> int:
        tries.append(folder)
        if len(tries) == 1:
            folder.rmdir()
        return known(folder)

    monkeypatch.setattr(scratch, "_lock", slow)
    with scratch.scratch(database) as folder:
        assert folder == tries[1]
        assert folder.exists()


@pytest.mark.parametrize("missing", ["locks", "fcntl"])
def test_without_locks_folders_are_not_swept(database, monkeypatch, missing):
    (database.parent / f"{PREFIX}old").mkdir()
    if missing == "fcntl":
        monkeypatch.setattr(scratch, "fcntl", None)
    else:

        def refuse(folder: Path) -> int:
            raise OSError("no locks available")

        monkeypatch.setattr(scratch, "_lock", refuse)
    with scratch.scratch(database) as folder:
        sweep(database)
        assert folder.exists()
    assert left(database) == [f"{PREFIX}old"]


AT_EXIT = """\
import sys
from pathlib import Path
from search.tracking.local.scratch import until_exit
(until_exit(Path(sys.argv[1])) / "file").write_text("x")
"""


def test_a_folder_lasts_until_the_process_ends(database):
    subprocess.run([sys.executable, "-c", AT_EXIT, str(database)], check=True, timeout=60)
    assert left(database) == []
