"""A lock is this user's alone; what is in its place stays as it is."""

import fcntl
import os
import stat
import subprocess
import sys
import threading

import pytest

from search import StudyError
from search.files import locking
from search.files.locking import Lock
from search.loop import file_journal, journal

SOMEBODY = 12345
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away and become somebody else")


def test_a_lock_is_for_this_user_alone_and_leaves_nothing(tmp_path):
    before = os.umask(0)
    try:
        lock = Lock(tmp_path / "a.lock")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.lock").stat().st_mode) == 0o600
    lock.release()
    lock.release()
    assert list(tmp_path.iterdir()) == []


IN_THE_PLACE = {
    "a link": (lambda path: path.symlink_to(path.parent / "mine"), "is a link to "),
    "a text": (lambda path: path.write_text("mine"), "is no lock: it holds 4 bytes"),
    "another name of an empty file": (lambda path: os.link(path.parent / "empty", path), "is another name of a file"),
    "a folder": (lambda path: path.mkdir(), "is a folder"),
    "a pipe": (lambda path: os.mkfifo(path), "is no file, but a pipe"),
}


@pytest.mark.parametrize(("put", "told"), IN_THE_PLACE.values(), ids=IN_THE_PLACE)
def test_what_is_no_lock_is_refused_and_stays_bug(tmp_path, put, told):
    """A link in its place led to any file, which was emptied."""
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "empty").touch(mode=0o644)
    put(tmp_path / "x.journal.lock")
    with (
        pytest.raises(StudyError, match=r"x\.journal cannot be written: .*x\.journal\.lock "),
        journal.held(tmp_path / "x.journal"),
    ):
        pass
    with pytest.raises(StudyError, match=told):
        Lock(tmp_path / "x.journal.lock")
    assert (tmp_path / "mine").read_text() == "mine"
    assert stat.S_IMODE((tmp_path / "empty").stat().st_mode) == 0o644
    assert not locking.held(tmp_path / "x.journal.lock")


def test_a_lock_of_an_older_version_is_taken_over(tmp_path):
    (tmp_path / "a.lock").touch(mode=0o644)
    lock = Lock(tmp_path / "a.lock")
    assert stat.S_IMODE((tmp_path / "a.lock").stat().st_mode) == 0o600
    lock.release()


def test_a_command_that_only_asks_does_not_stop_a_run(tmp_path):
    """`list` holds the lock for a moment."""
    path = tmp_path / "a.lock"
    path.touch()
    handle = os.open(path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_SH)
    timer = threading.Timer(locking.PATIENCE / 4, os.close, [handle])
    timer.start()
    Lock(path).release()
    timer.join()


def test_a_lock_whose_file_its_holder_deletes_is_made_anew(tmp_path):
    """Two runs would each hold one of two files."""
    path = tmp_path / "a.lock"
    first = Lock(path)
    waiting: list[Lock] = []
    thread = threading.Thread(target=lambda: waiting.append(Lock(path)))
    thread.start()
    first.release()
    thread.join()
    assert path.exists()
    with pytest.raises(BlockingIOError):
        Lock(path)
    waiting[0].release()


READER = """
import fcntl, os, sys
os.setgroups([]); os.setgid(12345); os.setuid(12345)
try:
    handle = os.open(sys.argv[1], os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_SH)
    print("held", flush=True)
except OSError as error:
    print(error.strerror, flush=True)
sys.stdin.read()
"""


@as_root
def test_a_reader_of_another_user_cannot_stop_a_study(tmp_path):
    """Whoever may read the lock's file could hold it."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.name.startswith(("pytest-", "popen-")):
            folder.chmod(0o755)
    tmp_path.chmod(0o755)
    path = tmp_path / "x.journal"
    locking.Lock(file_journal.beside(path))  # as a killed run leaves it
    command = [sys.executable, "-c", READER, str(file_journal.beside(path))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout.readline() == "Permission denied\n"
        reader.communicate("")


@as_root
def test_a_lock_of_somebody_else_names_them(tmp_path):
    path = tmp_path / "a.lock"
    path.touch(mode=0o600)
    os.chown(path, SOMEBODY, -1)
    script = (
        "import os, sys; from pathlib import Path; from search.files.locking import Lock, held\n"
        "os.setgroups([]); os.setgid(54321); os.setuid(54321)\n"
        "print(held(Path(sys.argv[1])))\n"
        "try: Lock(Path(sys.argv[1]))\n"
        "except ValueError as error: print(error)"
    )
    for folder in (tmp_path, *tmp_path.parents):
        if folder.name.startswith(("pytest-", "popen-")) or folder == tmp_path:
            folder.chmod(0o777)
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    held, told = done.stdout.splitlines()
    assert (held, told.split(": ")[0]) == ("True", f"{path} belongs to user {SOMEBODY}")
