"""A study in a database has one writer: whoever lost the lease writes nothing, not even what was begun before."""

import threading
import time

import pytest
from sqlalchemy.exc import OperationalError

from search.errors import InUseError, StudyError
from search.loop import journal
from search.loop.database import journal as database_journal
from search.loop.database import lease, rows, server
from search.loop.database.journal import DatabaseJournal
from search.loop.database.lease import FencedError, Lease
from search.loop.journal import StudyStore
from search.space import spaces
from search.trials.penalties import Feedback

pytestmark = pytest.mark.slow  # a server is started

SPACE = spaces.build({"rate": (1e-4, 1.0, "log")})
LOST = r"study 'x' in postgresql.* was taken over by another process: this run of it is over"


@pytest.fixture(autouse=True)
def short(monkeypatch) -> None:
    monkeypatch.setattr(lease, "SECONDS", 1.0)
    monkeypatch.setattr(server, "PATIENCE", 5.0)


@pytest.fixture
def place(store) -> DatabaseJournal:
    return DatabaseJournal(store, "x")


@pytest.fixture(params=["straight", "by Optuna", "without an engine"])
def way(request, monkeypatch) -> str:
    """How trials are written: the last one is that of an Optuna whose storage does not show its engine."""
    if request.param != "straight":
        monkeypatch.setattr(rows, "REVISIONS", ())
    if request.param == "without an engine":
        monkeypatch.setattr(database_journal, "engine_of", lambda storage, check: None)
    return request.param


def opened(place: DatabaseJournal) -> StudyStore:
    return StudyStore(place, "x", {}, SPACE)


def stopped(store: StudyStore) -> None:
    """Let a store renew its lease no more, as that of a process that was stopped."""
    held = store._journal._lease
    held._released.set()
    held._thread.join()


def test_a_store_whose_study_was_taken_over_writes_nothing(place, make_outcome, way):
    first = opened(place)
    first.record(make_outcome(0, params={"rate": 0.5}), Feedback(-0.5))
    stopped(first)
    second = opened(place)  # once the lease has run out
    second.record(make_outcome(1, params={"rate": 0.25}), Feedback(-0.5))
    for write in (
        lambda: first.record(make_outcome(2, params={"rate": 0.125}), Feedback(-0.5)),
        lambda: first.note("more", 1),
        lambda: first.record_again(make_outcome(0, params={"rate": 0.5})),
    ):
        with pytest.raises(FencedError, match=LOST):
            write()
    first.close()  # which ends no lease of the second
    assert journal.running(place)
    second.close()
    stored = journal.read(place, SPACE)
    assert (sorted(stored.outcomes), "more" in stored.notes, "again" in stored.notes) == ([0, 1], False, False)


def test_a_transaction_that_was_begun_before_the_takeover_is_not_committed(place, make_outcome):
    first = opened(place)
    stopped(first)
    connection = first._journal._engine.connect()
    rows.add(connection, first._journal._id, _trial(make_outcome))
    time.sleep(1.2)  # the lease runs out
    Lease(server.server(place.uri), "x", "x").release()
    with pytest.raises(FencedError, match=LOST):
        connection.commit()
    connection.close()
    assert journal.read(place, SPACE).outcomes == {}
    first.close()


def _trial(make_outcome):
    from search.samplers.optuna_terms import finished

    outcome = make_outcome(0, params={"rate": 0.5})
    noted = {"number": 0, "value": -0.5, "outcome": outcome.encoded}
    return finished({"rate": 0.5}, SPACE.axes, outcome, Feedback(-0.5), noted)


def test_a_lease_that_ran_out_and_was_not_taken_is_still_good(place, make_outcome):
    """So a server that is away for longer than a lease ends no run."""
    store = opened(place)
    stopped(store)
    time.sleep(1.2)
    assert not journal.running(place)
    store.record(make_outcome(0, params={"rate": 0.5}), Feedback(-0.5))
    store.close()
    assert list(journal.read(place, SPACE).outcomes) == [0]


def test_of_many_that_take_over_one_does(place):
    first = opened(place)
    stopped(first)
    known, found, refused = server.server(place.uri), [], []

    def take() -> None:
        try:
            found.append(Lease(known, "x", "x"))
        except InUseError as error:
            refused.append(error)

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), len(refused)) == (1, 5)
    assert found[0].fence == first._journal._lease.fence + 1
    found[0].release()
    first.close()


def test_a_lease_is_renewed_while_it_is_held(place):
    store = opened(place)
    ends = lease.until(server.server(place.uri), "x")
    time.sleep(1.5)
    assert lease.until(server.server(place.uri), "x") > ends + 1.0
    store.close()


def test_a_study_that_was_deleted_and_made_again_is_another_one(place, make_outcome):
    first = opened(place)
    stopped(first)
    time.sleep(1.2)
    with journal.held(place) as delete:
        delete()
    second = opened(place)
    assert second._journal._lease.fence == first._journal._lease.fence  # both are the first
    with pytest.raises(FencedError, match=LOST):
        first._journal._lease.confirm()
    with pytest.raises(FencedError, match="was deleted while it was running"):
        first.note("more", 1)
    first.close()
    second.close()


def test_the_engine_of_optuna_is_used_if_it_shows_one(place):
    assert database_journal.engine_of(object(), None) is None
    store = opened(place)
    assert store._journal._engine is store._journal._storage.engine
    store.close()


def test_a_reply_that_was_lost_does_not_take_twice(place, monkeypatch):
    known = server.server(place.uri)
    take, lost = Lease._take, []

    def once(self):
        fence = take(self)
        if not lost:
            lost.append(fence)
            raise OperationalError("", {}, Exception("server closed the connection unexpectedly"))
        return fence

    monkeypatch.setattr(Lease, "_take", once)
    held = Lease(known, "x", "x")
    assert lease.until(known, "x") is not None
    with known.engine.begin() as connection:
        held.check(connection)
    held.release()


@pytest.mark.parametrize("way", ["straight", "by Optuna"], indirect=True)
@pytest.mark.parametrize("committed", [True, False])
def test_a_trial_whose_commit_had_no_reply_is_there_once(place, make_outcome, way, committed, monkeypatch):
    store = opened(place)
    engine, lost = store._journal._engine, []
    commit = engine.dialect.do_commit

    def cut(connection):
        if not lost:
            lost.append(1)
            if committed:
                commit(connection)
            raise engine.dialect.loaded_dbapi.OperationalError("SSL SYSCALL error: EOF detected")
        commit(connection)

    monkeypatch.setattr(engine.dialect, "do_commit", cut)
    store.record(make_outcome(0, params={"rate": 0.5}), Feedback(-0.5))
    store.close()
    assert lost
    assert list(journal.read(place, SPACE).outcomes) == [0]


def test_errors_that_stay_are_told_at_once(place):
    known = server.server(place.uri)
    tries = []

    def attempt() -> None:
        tries.append(1)
        with known.engine.begin() as connection:
            connection.exec_driver_sql("SELEC")

    with pytest.raises(StudyError, match="syntax error"):
        known.patiently(attempt)
    assert len(tries) == 1
