"""A server that restarts, refuses, cuts connections or is slow, and processes that are stopped: each trial is there once."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.errors import StudyError
from search.loop import journal
from search.loop.database import lease, rows, server
from search.loop.database.journal import DatabaseJournal
from search.loop.database.lease import FencedError, Lease
from search.loop.journal import StudyStore
from search.samplers.optuna_terms import finished
from search.space import spaces
from search.trials.penalties import Feedback
from tests.search.postgresql import PASSWORD, Database, started

pytestmark = pytest.mark.slow  # a server is started, stopped and killed

SPACE = spaces.build({"rate": (1e-4, 1.0, "log")})


@pytest.fixture(scope="module")
def database(free_port, wait_for) -> Iterator[Database]:
    """A server that tests may stop; each leaves it running."""
    with started(free_port(), wait_for) as made:
        yield made


@pytest.fixture
def place(database, monkeypatch) -> Iterator[DatabaseJournal]:
    monkeypatch.setattr(server, "PATIENCE", 20.0)
    monkeypatch.setattr(server, "LONGEST_PAUSE", 0.5)
    monkeypatch.setattr(lease, "SECONDS", 2.0)
    yield DatabaseJournal(database.made(f"faults_{time.time_ns()}"), "x")
    server.forget()


@pytest.fixture
def store(place) -> Iterator[StudyStore]:
    store = opened(place)
    yield store
    store.close()


def opened(place: DatabaseJournal) -> StudyStore:
    return StudyStore(place, "x", {}, SPACE)


def record(store: StudyStore, make_outcome, number: int) -> None:
    store.record(make_outcome(number, params={"rate": 0.5}), Feedback(-0.5))


def numbers(place: DatabaseJournal) -> list[int]:
    return list(journal.read(place).outcomes)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
def test_a_server_that_restarts_is_waited_for(database, place, store, make_outcome, how):
    record(store, make_outcome, 0)
    database.kill(how)
    later = threading.Timer(1.5, database.start)
    later.start()
    record(store, make_outcome, 1)
    store.note("more", 1)
    later.join()
    record(store, make_outcome, 2)
    assert numbers(place) == [0, 1, 2]


def test_a_server_that_stays_away_ends_the_run_and_the_next_one_goes_on(database, place, make_outcome, monkeypatch):
    monkeypatch.setattr(server, "PATIENCE", 1.5)
    store = opened(place)
    record(store, make_outcome, 0)
    database.kill(signal.SIGINT)
    with pytest.raises(
        StudyError, match=r"could not be used for 1\.5 s: .*; finished trials are kept, run the same"
    ) as told:
        record(store, make_outcome, 1)
    assert PASSWORD not in str(told.value)
    store.close()  # which does not wait
    database.start()
    again = opened(place)
    assert list(again.outcomes) == [0]
    record(again, make_outcome, 1)
    again.close()
    assert numbers(place) == [0, 1]


def test_a_connection_that_is_cut_in_mid_transaction(database, place, store, make_outcome, monkeypatch):
    add, cut = rows.add, []

    def added(connection, *rest):
        add(connection, *rest)
        if not cut:
            (pid,) = connection.exec_driver_sql("SELECT pg_backend_pid()").one()
            cut.append(database.execute(f"SELECT pg_terminate_backend({pid}, 5000)"))

    monkeypatch.setattr(rows, "add", added)
    record(store, make_outcome, 0)
    assert cut == [[(True,)]]
    assert numbers(place) == [0]


def test_all_connections_cut_again_and_again(database, place, store, make_outcome):
    done = threading.Event()

    def cut() -> None:
        while not done.wait(0.05):
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bpsearch'"
            )

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        for number in range(30):
            record(store, make_outcome, number)
    finally:
        done.set()
        thread.join()
    assert numbers(place) == [*range(30)]


def test_a_server_that_is_slow_is_asked_again(database, place, store, make_outcome, monkeypatch):
    """Somebody else keeps a table locked for longer than a statement may wait."""
    monkeypatch.setitem(server.SETTINGS, "lock_timeout", 300)
    store.close()
    server.forget()
    slow = opened(place)
    locked = threading.Thread(
        target=database.execute,
        args=("DO $$ BEGIN LOCK TABLE trials; PERFORM pg_sleep(2); END $$", place.uri),
    )
    locked.start()
    time.sleep(0.5)
    record(slow, make_outcome, 0)
    locked.join()
    slow.close()
    assert numbers(place) == [0]


def test_a_transaction_of_a_process_that_was_stopped_keeps_nobody_waiting(place, make_outcome, monkeypatch):
    """It holds the row of its lease, and would for as long as its connection lives: the server ends it."""
    monkeypatch.setitem(server.SETTINGS, "idle_in_transaction_session_timeout", 500)
    first = opened(place)
    held = first._journal._lease
    held._released.set()  # it renews its lease no more
    held._thread.join()
    connection = first._journal._engine.connect()
    outcome = make_outcome(0, params={"rate": 0.5})
    trial = finished({"rate": 0.5}, SPACE.axes, outcome, Feedback(-0.5), {"number": 0, "value": -0.5, "outcome": "{}"})
    rows.add(connection, first._journal._id, trial)
    held.check(connection)
    second = Lease(server.server(place.uri), "x", "x")
    assert second.fence == held.fence + 1
    with pytest.raises(server.SQLAlchemyError):
        connection.commit()
    connection.invalidate()
    connection.close()
    second.release()
    assert numbers(place) == []
    with pytest.raises(FencedError):
        record(first, make_outcome, 0)
    first.close()


TUNE = """
import sys
from search import cli
from search.loop.database import lease
lease.SECONDS = 2.0
sys.exit(cli.main(["tune", "small.toml", "--trials", sys.argv[1], "--quiet"]))
"""


@pytest.fixture
def project(tmp_path, monkeypatch, small_project, place) -> Path:
    small_project(tmp_path, ('method = "grid"', 'method = "random"'))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("BPSEARCH_STORE", place.uri)
    return tmp_path


def tune(n_trials: int) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(Path(journal.__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", TUNE, str(n_trials)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_study_whose_process_is_gone_is_taken_over(project, place, wait_for, how):
    """A process that was stopped for longer than its lease, and wakes up, writes nothing."""
    known = server.server(place.uri)
    first = tune(3000)
    (name,) = _names(known, wait_for)
    mine = DatabaseJournal(place.uri, name)
    wait_for(lambda: (found := journal.read(mine)) is not None and len(found.outcomes) > 3, 120)
    first.send_signal(signal.SIGSTOP if how == "stopped" else signal.SIGKILL)
    before = len(journal.read(mine).outcomes)
    second = tune(before + 5)
    said = second.communicate(timeout=180)
    assert second.returncode == 0, said
    after = journal.read(mine)
    assert len(after.outcomes) >= before + 5
    first.send_signal(signal.SIGCONT)
    told = first.communicate(timeout=120)[1]
    assert first.returncode != 0
    assert ("was taken over by another process: this run of it is over" in told) == (how == "stopped")
    assert PASSWORD not in told
    now = journal.read(mine)
    assert (now.outcomes.keys(), now.notes) == (after.outcomes.keys(), after.notes)
    assert not journal.running(mine)


def _names(known: server.Server, wait_for) -> list[str]:
    from search.loop.database import journal as in_database

    wait_for(lambda: in_database.names(known.uri), 120)
    return in_database.names(known.uri)
