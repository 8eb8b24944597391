"""A study that another process runs is followed in its journal."""

import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from search.files.locking import Lock
from search.loop.file_journal import beside
from search.loop.journal import read, running
from search.study import following

ROOT = Path(__file__).parents[3]
JOURNAL = Path("studies/small.journal")


def long(n_trials: int) -> list[tuple[str, str]]:
    """Return the changes that make a study of many trials, which are no copies of one another."""
    space = "[[2], [3]]\nalpha = { low = 0.01, high = 1.0 }"
    search = f'n_trials = {n_trials}\nmethod = "random"'
    return [("[[2], [3]]", space), ("n_trials = 2", search), ("max_iter = 4", "max_iter = 200")]


@contextmanager
def another(*arguments: str):
    """Run the command in another process; in the end it is killed, if it is not done."""
    known = os.environ | {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": f"sqlite:///{Path.cwd()}/mlruns/mlflow.db"}
    process = subprocess.Popen([sys.executable, "-m", "search", *arguments], env=known, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def begun(trials: int) -> bool:
    stored = read(JOURNAL) if JOURNAL.exists() else None
    return stored is not None and len(stored.outcomes) >= trials


def test_states_are_shown_as_they_come(folder, command, small_project, monkeypatch):
    """The journal of a finished study is written again line by line, while its lock is held."""
    small_project(folder)
    assert command("tune", "small.toml").code == 0
    lines = JOURNAL.read_bytes().splitlines(keepends=True)
    ends = [i for i, line in enumerate(lines, start=1) if b'"distributions"' in line]
    states = [lines[:1], lines[: ends[0]], lines[: ends[1]], lines[: ends[1]], lines]
    lock, seen = Lock(beside(JOURNAL)), []
    JOURNAL.unlink()  # another process has locked it, and written nothing yet

    def sleep(seconds):
        assert seconds >= following.PAUSE
        if states:
            content = b"".join(states.pop(0))
            if not JOURNAL.exists() or JOURNAL.read_bytes() != content:  # nothing happens while nothing is appended
                JOURNAL.write_bytes(content)
        else:
            lock.release()

    stored, complete = following.follow(JOURNAL, seen.append, sleep)
    assert complete
    assert len(stored.outcomes) == 2
    assert [len(progress.outcomes) for progress in seen] == [1, 2, 2, 2]
    assert {progress.n_trials for progress in seen} == {2}


def test_the_result_is_that_of_show(folder, command, small_project):
    small_project(folder)
    assert command("tune", "small.toml").code == 0
    followed = command("tune", "small.toml", "--follow")
    assert followed.code == 0
    report = followed.out[followed.out.index("Best of") : followed.out.index("model:")].strip()
    assert report in command("show", "small").out
    assert "nothing was changed" not in followed.out
    assert command("tune", "small.toml", "--follow", "--quiet").out == "models:/small@champion\n"
    document = command("tune", "small.toml", "--follow", "--json").document
    assert document == command("tune", "small.toml", "--json").document | {"unchanged": False}


def test_a_study_without_a_healthy_trial_fails_as_it_did(folder, command, small_project):
    small_project(folder, ("max_iter = 4", 'max_iter = 4\nsolver = "sgd"\nlearning_rate_init = 1e6'))
    first = command("tune", "small.toml")
    followed = command("tune", "small.toml", "--follow")
    assert first.code == followed.code == 1
    for told in (first.out, followed.out):
        assert "note:   no trial finished healthy" in told


REFUSED = {
    "no study": ([], "there is nothing to follow; run it: bpsearch tune small.toml"),
    "more trials": (["--trials", "9", "--jobs", "1"], "leave out --trials and --jobs"),
    "a rehearsal": (["--dry-run"], "leave out --dry-run"),
}


@pytest.mark.parametrize(("more", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_followed(folder, command, small_project, more, told):
    small_project(folder)
    result = command("tune", "small.toml", "--follow", *more)
    assert result.code == 2
    assert told in result.err
    assert not JOURNAL.exists()


def test_a_second_run_offers_to_follow(folder, command, small_project):
    small_project(folder)
    assert command("tune", "small.toml").code == 0
    lock = Lock(beside(JOURNAL))
    result = command("tune", "small.toml", "--trials", "3")
    lock.release()
    assert result.code == 2
    assert result.err.endswith("to see how it goes: bpsearch tune small.toml --follow\n")


@pytest.mark.slow
def test_another_process_is_followed_to_its_end(folder, command, small_project, wait_for):
    small_project(folder, *long(400))
    with another("tune", "small.toml") as process:
        wait_for(lambda: begun(1))
        followed = command("tune", "small.toml", "--follow")
        assert process.wait(60) == 0
    assert followed.code == 0
    told = re.findall(r"^trial (\d+)/400", followed.out, flags=re.MULTILINE)
    assert len(told) > 3
    assert told[-1] == "400"
    assert "model:  models:/small@champion" in followed.out


@pytest.mark.slow
def test_another_process_that_is_killed_is_told(folder, command, small_project, wait_for):
    small_project(folder, *long(20_000))
    with another("tune", "small.toml") as process:
        wait_for(lambda: begun(20))
        threading.Timer(1.0, process.kill).start()
        followed = command("tune", "small.toml", "--follow")
    assert followed.code == 1
    assert "note:   nobody runs this study, and it is not complete; to go on: bpsearch tune small.toml" in followed.out
    assert not running(JOURNAL)
    assert command("tune", "small.toml", "--trials", "10").code == 0  # nothing of it was spoilt
