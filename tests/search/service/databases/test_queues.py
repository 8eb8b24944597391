"""A queue is the same in a SQLite file and in PostgreSQL: transitions, leases, revisions, and many processes at once."""

import multiprocessing
import os
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError

from search.errors import NoStudyError, StudyError
from search.loop.database import server
from search.project import store as project
from search.service import schema
from search.service.databases import engines, kinds
from search.service.databases.kinds import AgainError
from search.service.external.asking import Asking
from search.service.place import Place
from search.service.queue import FencedError, Queue
from search.service.states import QUEUED, RUNNING, STOPPING, TransitionError
from tests.search.postgresql import PASSWORD

pytestmark = pytest.mark.slow  # a server is started


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, folder, monkeypatch) -> Path | str:
    """What the queue is in."""
    if request.param == "sqlite":
        return Place().made().database
    address = request.getfixturevalue("store")
    monkeypatch.setenv(project.VARIABLE, address)
    return address


@pytest.fixture
def clock() -> list[float]:
    """The time, which a test sets."""
    return [100.0]


@pytest.fixture
def queue(where, clock):
    with closing(Queue(Place(), clock=lambda: clock[0])) as queue:
        yield queue


def test_a_study_goes_its_way(queue):
    row = queue.submit("a", "text", "f", owner="me", priority=3, n_trials=7, timeout=2.5, about={"x": 1})
    assert queue.get("a") == row
    assert queue.act("a", "start").fence == 1
    assert queue.beat("a", 1, {"trials": {"ok": 2}}, ran=1.5).counts == {"trials": {"ok": 2}}
    queue.note("a", 1, {"best": -0.5})
    assert queue.get("a").counts == {"trials": {"ok": 2}, "best": -0.5}
    assert queue.finish(queue.get("a"))
    assert [row.name for row in queue.all("done")] == ["a"]
    queue.remove("a")
    with pytest.raises(NoStudyError):
        queue.get("a")


def test_studies_come_in_their_order(queue):
    for name, priority in (("low", -1), ("first", 0), ("second", 0), ("high", 5)):
        queue.submit(name, "text", "f", priority=priority)
    assert [row.name for row in queue.all()] == ["high", "first", "second", "low"]


@pytest.mark.parametrize("action", [None, "pause"])
def test_a_lease_that_ran_out_is_taken_over_once(queue, clock, action):
    queue.submit("a", "text", "f")
    first = queue.claim("a", "one", 10.0)
    assert (first.state, first.fence, first.holder, first.until) == (RUNNING, 1, "one", 110.0)
    if action:
        queue.act("a", action)
    clock[0] = 109.99
    assert queue.expired() == []
    with pytest.raises(TransitionError, match="it cannot be started"):
        queue.claim("a", "two", 10.0)
    clock[0] = 110.0
    assert [row.name for row in queue.expired()] == ["a"]
    second = queue.claim("a", "two", 10.0)
    assert (second.state, second.fence) == (STOPPING if action else RUNNING, 2)
    assert (second.holder, second.until) == ("two", 120.0)
    with pytest.raises(TransitionError):
        queue.claim("a", "three", 10.0)
    for late in (lambda: queue.renew("a", 1, 10.0), lambda: queue.beat("a", 1), lambda: queue.finish(first)):
        with pytest.raises(FencedError):
            late()
    assert queue.expired() == []


def test_a_lease_is_renewed_as_long_as_the_study_runs(queue, clock):
    queue.submit("a", "text", "f")
    queue.claim("a", "one", 10.0)
    clock[0] = 115.0  # late, but nobody has taken over
    assert queue.renew("a", 1, 10.0).until == 125.0
    assert queue.expired() == []
    ended = queue.act("a", "finish", fence=1)
    assert (ended.holder, ended.until) == ("", None)
    assert queue.renew("a", 1, 10.0).until is None


def test_a_claim_whose_reply_was_lost_is_the_same_claim(queue):
    queue.submit("a", "text", "f")
    queue.claim("a", "one", 10.0)
    again = queue.claim("a", "one", 20.0)
    assert (again.fence, again.until) == (1, 120.0)


def test_a_study_that_runs_without_a_lease_never_runs_out(queue, clock):
    queue.submit("a", "text", "f")
    queue.act("a", "start")
    clock[0] = 1e9
    assert queue.expired() == []
    with pytest.raises(TransitionError):
        queue.claim("a", "two", 10.0)


def submitted(folder: str, first: int) -> None:
    os.chdir(folder)
    queue = Queue(Place())
    for number in range(first, first + 10):
        queue.submit(f"s{number}", "text", "f")
        queue.submit("same", "text", "f", n_trials=number + 1)


def claimed(folder: str, holder: str, results: multiprocessing.Queue) -> None:
    os.chdir(folder)
    queue, mine = Queue(Place()), []
    for number in range(10):
        try:
            mine.append(queue.claim(f"s{number}", holder, 60.0).name)
        except TransitionError:
            continue
    results.put(mine)


def test_many_processes_at_once(where, folder):
    start = multiprocessing.get_context("spawn")
    both = [start.Process(target=submitted, args=(str(folder), first)) for first in (0, 10)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    results = start.Queue()
    both = [start.Process(target=claimed, args=(str(folder), holder, results)) for holder in ("one", "two")]
    for process in both:
        process.start()
    mine = [results.get(timeout=60) for _ in both]
    for process in both:
        process.join()
    assert sorted([*mine[0], *mine[1]]) == [f"s{number}" for number in range(10)]  # each once
    with closing(Queue(Place())) as queue:
        assert len(queue.all(QUEUED)) == 11


# ---------------------------------------------------------------------------------------------------------- revisions

OLDER = schema.revisions()[:-1]


def made(where: Path | str, revision: str) -> None:
    """Make the tables of an older revision, with a study in them."""
    engine = engines.sqlite(where) if isinstance(where, Path) else engines.postgresql(where)
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        known = {
            **dict.fromkeys(["name", "kind", "text", "data", "fingerprint", "owner", "wanted", "reason"], "x"),
            **dict.fromkeys(["priority", "fence", "beat", "submitted", "since", "ran"], 1),
        }
        columns = {column["name"] for column in schema.inspect(connection).get_columns("studies")}
        row = {**known, "state": RUNNING, "about": {}, "counts": {}, "holder": ""}
        connection.execute(insert(schema.studies).values({k: v for k, v in row.items() if k in columns}))
    engine.dispose()


def test_two_revisions_back_are_known():
    assert len(OLDER) >= 2


@pytest.mark.parametrize("revision", OLDER)
def test_an_older_revision_opens_after_an_upgrade(where, revision):
    made(where, revision)
    with closing(Queue(Place())) as queue:
        row = queue.get("x")
        assert (row.state, row.holder, row.until, row.fence) == (RUNNING, "", None, 1)
        assert queue.renew("x", 1, 5.0).until is not None


def test_a_newer_revision_is_refused_by_name(queue, where):
    queue.submit("a", "text", "f")
    with queue.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(
        StudyError, match=r"has revision '9999'; allowed are 0001, 0002, 0003: a newer version of bpsearch"
    ) as told:
        Queue(Place())
    assert PASSWORD not in str(told.value)
    assert queue.get("a").state == QUEUED


def test_tables_of_somebody_else_are_refused(where):
    engine = engines.sqlite(where) if isinstance(where, Path) else engines.postgresql(where)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE notes (text text)")
    engine.dispose()
    with pytest.raises(StudyError, match="is no database of this service; move it away"):
        Queue(Place())


def test_the_tables_are_those_of_the_newest_revision(queue):
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    def own(item, name, kind, reflected, other) -> bool:
        return not (kind == "table" and name in schema.SHARED)

    with queue.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": own})
        assert compare_metadata(context, schema.metadata) == []


# --------------------------------------------------------------------------------------------------------- PostgreSQL


@pytest.fixture
def shared(store, folder, monkeypatch) -> str:
    monkeypatch.setenv(project.VARIABLE, store)
    monkeypatch.setattr(server, "PATIENCE", 5.0)
    return store


def test_a_queue_is_there_once_a_study_was_submitted(shared):
    assert not Place().exists
    with closing(Queue(Place())) as queue:
        assert Place().exists
        assert not Place().database.exists()
        assert queue.place.store == shared


def test_the_clock_is_that_of_the_database(shared, monkeypatch, postgresql):
    monkeypatch.setattr(kinds.time, "time", lambda: 0.0)
    with closing(Queue(Place())) as queue:
        now = queue.now()
        submitted = queue.submit("a", "text", "f").submitted
        claimed = queue.claim("a", "one", 10.0)
    ((told,),) = postgresql.execute("SELECT extract(epoch FROM clock_timestamp())", shared)
    assert now <= submitted <= claimed.until - 10.0 <= float(told) < now + 60


@pytest.mark.parametrize("sent", [True, False])
def test_a_reply_that_was_lost_is_told_where_it_may_matter(shared, sent, monkeypatch):
    with closing(Queue(Place())) as queue:
        queue.submit("a", "text", "f")
        dialect, lost = queue.engine.dialect, []
        commit = dialect.do_commit

        def cut(connection):
            if not lost:
                lost.append(1)
                if sent:
                    commit(connection)
                raise dialect.loaded_dbapi.OperationalError("server closed the connection unexpectedly")
            commit(connection)

        monkeypatch.setattr(dialect, "do_commit", cut)
        with pytest.raises(AgainError, match="it may have been changed or not: look with bpsearch status"):
            queue.act("a", "pause")
        assert (queue.get("a").state == "paused") == sent
        lost.clear()
        queue.beat("a", 0)  # whose second sign of life does no harm
        assert queue.get("a").beat == 1 + sent


def test_what_was_not_sent_is_tried_again(shared, postgresql):
    with closing(Queue(Place())) as queue:
        queue.submit("a", "text", "f")
        postgresql.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bpsearch'", shared
        )
        assert queue.act("a", "start").fence == 1


def test_other_errors_are_told_in_one_line(shared):
    with closing(Queue(Place())) as queue:
        told = pytest.raises(StudyError, match=r"the queue in postgresql\+psycopg2://\*\*\*@.*syntax error")
        with told as told, queue.changing() as connection:
            connection.exec_driver_sql("SELEC")
        assert not isinstance(told.value, AgainError)
        error = OperationalError("", {}, Exception("server closed the connection unexpectedly"))
        assert "it is as it was" in str(kinds.of(Place()).told(error))


def test_external_studies_are_asked_and_told(shared):
    """Asked trials, the journal and the queue are in one database."""
    from search.service.external.results import Told

    text = 'name = "trees"\ndirection = "maximize"\nn_trials = 2\n[space]\ndepth = [1, 2, 3]\n'
    with closing(Queue(Place())) as queue, closing(Asking(queue)) as asking:
        asking.submit(text)
        (trial,) = asking.ask("trees")["trials"]
        assert asking.tell("trees", trial["number"], Told(score=0.5))["recorded"]
    assert not list(Path("studies").glob("*.journal"))
