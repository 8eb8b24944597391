"""A wait for a store can be interrupted, has a deadline, and says what it waits for."""

import socket
import sqlite3
import threading
from contextlib import closing

import pytest

from search.tracking import waiting
from search.tracking.waiting import UnansweredError, Wait, call, silence


class Clock:
    """A clock that is put forward by what waits."""

    def __init__(self) -> None:
        self.now, self.lines = 0.0, []

    def never(self, seconds: float) -> bool:
        self.now += seconds
        return False

    def wait(self, uri: str, **more) -> Wait:
        return Wait(uri, tell=self.lines.append, clock=lambda: self.now, **more)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gone(free_port) -> str:
    """The address of a server that is not there, with a password."""
    return f"http://me:secret@127.0.0.1:{free_port()}"


@pytest.fixture
def deaf():
    """The address of a server that takes requests and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_server_that_is_gone_is_told_once_and_then_now_and_then_until_the_deadline(clock, gone):
    """There were 271 seconds without a word."""
    with pytest.raises(UnansweredError, match=r"does not answer: waited 99 s$") as error:
        clock.wait(gone, patience=98.0).until(clock.never)
    assert error.value.silent
    name = f"MLflow at {waiting.masked(gone)}"
    assert clock.lines == [
        f"{name} does not answer, waiting (Ctrl-C stops)",
        *(f"{name} does not answer for {s} s, waiting (Ctrl-C stops)" for s in (33, 63, 93)),
    ]
    assert "secret" not in "".join([*clock.lines, str(error.value)])


def test_the_deadline_counts_from_the_last_answer(clock, monkeypatch):
    answers = iter(["does not answer"] * 3 + [""] + ["does not answer"] * 100)
    monkeypatch.setattr(waiting, "silence", lambda uri, seconds: next(answers))
    with pytest.raises(UnansweredError, match="waited 12 s"):
        clock.wait("http://127.0.0.1:1", patience=12.0).until(clock.never)
    assert clock.now == 3 * waiting.LOOK_SECONDS + waiting.LOOK_SECONDS + 12


def test_a_store_that_answers_is_waited_for_in_silence(clock, serve):
    uri = serve(200)
    with pytest.raises(UnansweredError, match="not done yet: waited 60 s") as error:
        clock.wait(uri, limit=60.0).until(clock.never)
    assert (clock.lines, error.value.silent) == ([], False)


def test_the_wait_ends_when_it_is_done(clock, gone):
    left = iter([False, False, True])
    clock.wait(gone).until(lambda seconds: next(left))
    assert len(clock.lines) == 1


def test_the_wait_is_interrupted(clock, gone):
    def interrupted(seconds):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clock.wait(gone).until(interrupted)


@pytest.mark.parametrize("status", [200, 401, 403, 404, 500])
def test_whoever_answers_is_there(serve, status):
    assert silence(serve(status)) == ""


@pytest.mark.parametrize("status", [502, 503, 504, 1])
def test_a_proxy_without_its_server_and_another_protocol_are_no_answer(serve, status):
    assert silence(serve(status)) == "does not answer"


def test_a_server_that_takes_requests_and_never_answers_is_silent(deaf):
    assert silence(deaf, 0.2) == "does not answer"


def test_a_database_that_others_lock_is_named(tmp_path, clock):
    path = tmp_path / "x.db"
    assert silence(f"sqlite:///{path}") == ""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE x (y)")
        assert silence(f"sqlite:///{path}", 0.1) == ""
        other.execute("BEGIN IMMEDIATE")
        assert silence(f"sqlite:///{path}", 0.1) == "is locked by another program"
        with pytest.raises(UnansweredError, match="is locked by another program: waited 3 s"):
            clock.wait(f"sqlite:///{path}", patience=1.0, answer=0.1).until(clock.never)
    path.write_bytes(b"no database" * 100)
    assert silence(f"sqlite:///{path}", 0.1) == ""


def test_other_stores_are_not_asked():
    assert silence("postgresql://me@nowhere.invalid/x") == ""


def test_a_call_returns_and_raises_what_the_function_does():
    wait = Wait("http://127.0.0.1:1")
    assert call(wait, divmod, 7, 4) == (1, 3)
    with pytest.raises(ZeroDivisionError):
        call(wait, divmod, 7, 0)


def test_a_call_is_left_alone_at_the_deadline(gone, clock):
    release = threading.Event()
    with pytest.raises(UnansweredError):
        call(clock.wait(gone, patience=0.0, look=0.01), release.wait)
    release.set()


def test_nothing_is_told_if_that_is_wanted(monkeypatch, capsys):
    waiting.tell("a line")
    monkeypatch.setattr(waiting, "_silent", False)
    waiting.say_nothing()
    waiting.tell("another")
    assert capsys.readouterr() == ("", "a line\n")
