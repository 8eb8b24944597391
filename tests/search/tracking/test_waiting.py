"""A wait for a store can be interrupted, has a deadline, and says what it waits for."""

import socket
import sqlite3
import threading
from contextlib import closing, suppress

import pytest
from sqlalchemy import exc

from search.errors import StudyError
from search.tracking import servers, stores, waiting
from search.tracking.waiting import UnansweredError, Wait, asked, call, silence, until_free, while_locked


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


@pytest.fixture
def drops(monkeypatch):
    """The address of a server that answers with a byte now and then."""
    monkeypatch.setattr(servers, "ANSWER_SECONDS", 0.2)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=drop, args=[server.accept()[0]], daemon=True).start()

        def drop(client: socket.socket) -> None:
            with client, suppress(OSError):
                for letter in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000:
                    client.sendall(bytes([letter]))
                    if ended.wait(0.05):
                        return

        threading.Thread(target=answer, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        ended.set()


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


def test_a_store_that_answers_and_does_nothing_was_waited_for_without_a_word_bug(clock, serve):
    """Of a server whose health is good, whatever it is asked, nothing was said for twenty minutes."""
    uri = serve(200)
    with pytest.raises(UnansweredError, match="not done yet: waited 66 s") as error:
        clock.wait(uri, limit=66.0).until(clock.never)
    assert clock.lines == [f"MLflow at {uri} is not done after {s} s, waiting (Ctrl-C stops)" for s in (30, 60)]
    assert not error.value.silent


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


def test_a_server_that_answers_by_the_drop_was_waited_for_without_end_bug(drops):
    """Each byte came in time."""
    assert silence(drops, 0.2) == "does not answer"
    with pytest.raises(StudyError, match=r"does not answer .no answer within"):
        stores.check(drops)


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


def test_a_database_elsewhere_is_asked_whether_it_takes_connections_bug():
    """Nobody was told that one was gone, and whoever waited for it did so for ever."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        uri = f"postgresql+psycopg2://me:s3cret@127.0.0.1:{listening.getsockname()[1]}/x"
        assert silence(uri) == "does not answer"
        listening.listen()
        assert silence(uri) == ""
    assert silence("postgresql:///x?host=/run/postgresql") == ""  # where that is, only its driver knows


def test_the_stores_of_plug_ins_are_not_asked():
    assert silence("databricks://nowhere") == ""


@pytest.mark.parametrize("made", [exc.OperationalError, exc.ProgrammingError])
def test_an_error_of_a_database_that_mlflow_lets_through_is_told_in_one_line(made):
    @asked
    def ask(uri):
        raise made("SELECT 1", {}, Exception("the server closed the connection of s3cret"))

    with pytest.raises(StudyError, match=r"^MLflow at postgresql://\*\*\*@h/x cannot be used: .*closed the connection"):
        ask("postgresql://me:s3cret@h/x")


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
    monkeypatch.setattr(waiting, "_silent", False)
    waiting.tell("a line")
    waiting.say_nothing()
    waiting.tell("another")
    assert capsys.readouterr() == ("", "a line\n")


# ----------------------------------------------------------------------------------------------------------------- questions


def test_a_question_has_an_answer_and_its_parts_are_asked_in_the_same_thread():
    @asked
    def thread(uri: str) -> str:
        return threading.current_thread().name

    @asked
    def both(uri: str, *, more: str) -> tuple[str, str, str]:
        return thread(uri), threading.current_thread().name, more

    assert both("sqlite:///x.db", more="a") == ("mlflow-call", "mlflow-call", "a")
    assert not getattr(waiting._here, "asking", False)


def test_a_question_that_nobody_answers_ends_with_one_line(gone, monkeypatch, capsys):
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "PATIENCE", 0.0)
    release = threading.Event()
    with pytest.raises(StudyError, match=r"does not answer: waited 0 s$"):
        asked(lambda uri: release.wait())(gone)
    release.set()


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("API request to http://me:secret@host failed\nat line 2", "API request to http://***@host failed"),
        ("<html>" + "x" * 9999, "<html>" + "x" * 494 + "…"),
    ],
    ids=["a password", "a page"],
)
def test_errors_of_a_store_are_told_in_one_line(mlflow, message, told):
    @asked
    def ask(uri: str) -> None:
        raise mlflow.exceptions.MlflowException(message)

    with pytest.raises(StudyError) as error:
        ask("http://me:secret@127.0.0.1:1")
    assert str(error.value) == f"MLflow at http://***@127.0.0.1:1 cannot be used: {told}"


def test_bugs_are_not_told_as_errors_of_a_store():
    with pytest.raises(KeyError):
        asked(lambda uri: {}[uri])("sqlite:///x.db")


def locked() -> None:
    """Raise what SQLite raises, as MLflow passes it on."""
    try:
        raise sqlite3.OperationalError("database is locked")
    except sqlite3.OperationalError as error:
        raise RuntimeError("(sqlite3.OperationalError) database is locked") from error


@pytest.mark.parametrize("ask", [while_locked, lambda function: asked(lambda uri: function())("sqlite:///x.db")])
def test_a_locked_database_is_asked_again(monkeypatch, ask):
    """MLflow and SQLite give up after 20 seconds, which ended a study that could have waited."""
    monkeypatch.setattr(waiting, "AGAIN_SECONDS", 0.0)
    tries = iter([locked, locked, lambda: 5])
    assert ask(lambda: next(tries)()) == 5


def test_a_locked_database_is_not_asked_again_when_nobody_waits():
    with pytest.raises(RuntimeError, match="locked"):
        while_locked(locked, lambda: True)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        while_locked(lambda: sqlite3.connect(":memory:").execute("SELECT 1 FROM x"))


def test_a_search_waits_for_a_database_that_is_locked_when_it_begins(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "ANSWER_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "_silent", False)
    uri = f"sqlite:///{tmp_path}/x.db"
    until_free(uri, "tracking")
    until_free("http://127.0.0.1:1", "tracking")
    with closing(sqlite3.connect(tmp_path / "x.db", isolation_level=None, check_same_thread=False)) as other:
        other.execute("CREATE TABLE x (y)")
        other.execute("BEGIN EXCLUSIVE")
        release = threading.Timer(0.3, other.execute, ["ROLLBACK"])
        release.start()
        until_free(uri, "tracking")
        release.join()
        assert capsys.readouterr().err == f"MLflow at {uri} is locked by another program, waiting (Ctrl-C stops)\n"
        other.execute("BEGIN IMMEDIATE")
        until_free(uri, "tracking", to_read=True)
        other.execute("ROLLBACK")
        other.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(waiting, "PATIENCE", 0.0)
        with pytest.raises(
            StudyError, match=r"^tracking = .*locked by another program: waited .* close the other program$"
        ):
            until_free(uri, "tracking")
