"""The queue: every change is a row of the table, once, by whoever may."""

import multiprocessing
import os
import sqlite3
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.errors import NoStudyError, StudyError
from search.service import schema, states
from search.service.place import Place
from search.service.queue import FencedError, OtherStudyError, Queue
from search.service.queued import EXTERNAL
from search.service.rights import OwnerError, Rights
from search.service.states import DONE, ENDED, QUEUED, RUNNING, STOPPING, TRANSITIONS, WANTED, TransitionError
from search.tracking.naming import names


def test_a_study_that_is_submitted_waits(queue):
    row = queue.submit("a", "text", "f", owner="me", priority=3, n_trials=7, timeout=2.5, data="data:0", about={"x": 1})
    assert queue.get("a") == row
    assert (row.state, row.fence, row.beat, row.owner, row.priority) == (QUEUED, 0, 0, "me", 3)
    assert (row.n_trials, row.timeout, row.data, row.about, row.submitted) == (7, 2.5, "data:0", {"x": 1}, 1.0)


@pytest.mark.parametrize("row", TRANSITIONS, ids=lambda row: f"{row.action} {row.before}")
def test_every_transition(queue, row):
    known = queue.submit("a", "text", "f")
    with queue.engine.begin() as connection:
        changed = schema.studies.update().values(state=row.before, wanted="paused")
        connection.execute(changed)
    moved = queue.act("a", row.action)
    assert moved.state == ("paused" if row.after == WANTED else row.after)
    if row.wanted:
        assert moved.wanted == row.wanted
    if row.action == "start":
        assert (moved.fence, moved.begun) == (known.fence + 1, 2.0)
    assert (moved.ended is not None) == (moved.state in ENDED and row.before not in ENDED)


def test_an_illegal_transition_changes_nothing(queue):
    before = queue.submit("a", "text", "f")
    with pytest.raises(TransitionError):
        queue.act("a", "finish")
    assert queue.get("a") == before


def test_a_study_that_was_stopping_ends_where_it_was_told_to(queue):
    queue.submit("a", "text", "f")
    queue.act("a", "start")
    assert queue.act("a", "pause").wanted == "paused"
    assert queue.act("a", "cancel").wanted == "cancelled"
    assert queue.act("a", "stopped").state == "cancelled"


def test_the_same_study_gets_another_budget(queue):
    queue.submit("a", "text", "f", priority=1, n_trials=5)
    row = queue.submit("a", "newer", "f", n_trials=9)
    assert (row.id, row.priority, row.n_trials, row.text, row.state) == (1, 1, 9, "newer", QUEUED)
    assert len(queue.all()) == 1


def test_a_running_study_may_be_given_more(queue):
    queue.submit("a", "text", "f")
    queue.act("a", "start")
    assert queue.submit("a", "text", "f", n_trials=100).state == RUNNING
    queue.act("a", "finish")
    assert queue.submit("a", "text", "f", n_trials=200).state == QUEUED


def test_a_stopping_study_is_not_given_more(queue):
    queue.submit("a", "text", "f")
    queue.act("a", "start")
    queue.act("a", "pause")
    with pytest.raises(TransitionError, match="is stopping: it cannot be submitted again; allowed is cancel"):
        queue.submit("a", "text", "f", n_trials=100)


@pytest.mark.parametrize("other", [{"fingerprint": "g"}, {"fingerprint": "f", "kind": EXTERNAL}])
def test_another_study_of_the_same_name_is_refused_with_both_fingerprints(queue, other):
    before = queue.submit("a", "text", "f")
    with pytest.raises(OtherStudyError, match=rf"fingerprint there f, here {other['fingerprint']}\)"):
        queue.submit("a", "text", **other)
    assert queue.get("a") == before


def test_a_study_that_is_not_there(queue):
    with pytest.raises(NoStudyError, match="'wine' in the queue, which is empty"):
        queue.get("wine")
    queue.submit("wine", "text", "f")
    with pytest.raises(NoStudyError, match=r"'wines' in the queue \(did you mean wine\?\); allowed are wine"):
        queue.act("wines", "pause")


def test_order_is_by_priority_and_then_by_age(queue):
    for name, priority in (("a", 0), ("b", 5), ("c", None), ("d", 5), ("e", -1)):
        queue.submit(name, "text", "f", priority=priority)
    assert [row.name for row in queue.all()] == ["b", "d", "a", "c", "e"]
    queue.act("d", "start")
    assert [row.name for row in queue.all(QUEUED)] == ["b", "a", "c", "e"]


def test_a_coordinator_whose_study_was_started_anew_changes_nothing(queue):
    queue.submit("a", "text", "f")
    first = queue.act("a", "start")
    queue.act("a", "release")
    second = queue.act("a", "start")
    for late in (
        lambda: queue.beat("a", first.fence, {"trials": {}}),
        lambda: queue.act("a", "finish", fence=first.fence),
    ):
        with pytest.raises(FencedError):
            late()
    assert queue.get("a") == second
    assert queue.beat("a", second.fence, {"trials": {"ok": 1}}).counts == {"trials": {"ok": 1}}
    assert queue.beat("a", second.fence).counts == {"trials": {"ok": 1}}
    assert queue.get("a").beat == 2


def test_a_study_that_is_given_more_in_its_last_moment_goes_on(queue):
    queue.submit("a", "text", "f", n_trials=5)
    row = queue.act("a", "start")
    queue.submit("a", "text", "f", n_trials=6)
    assert not queue.finish(row)
    assert queue.get("a").state == RUNNING
    row = queue.get("a")
    queue.submit("a", "text", "f", timeout=6.0)
    assert not queue.finish(row)
    assert queue.finish(queue.get("a"))
    assert queue.get("a").state == DONE


def test_the_time_that_a_study_has_run_is_counted(queue):
    queue.submit("a", "text", "f")
    for _ in range(2):
        row = queue.act("a", "start")
        queue.beat("a", row.fence, ran=0.5)
        queue.beat("a", row.fence, ran=0.25)
        queue.act("a", "release")
    assert queue.get("a").ran == 1.5


def test_only_what_has_ended_is_forgotten(queue):
    queue.submit("a", "text", "f")
    with pytest.raises(StudyError, match="'a' is queued"):
        queue.remove("a")
    queue.act("a", "cancel")
    queue.remove("a")
    queue.remove("a")
    assert queue.all() == []


USERS = sorted({row.action for row in TRANSITIONS})


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(USERS), max_size=12))
def test_whatever_is_done_the_queue_follows_the_table(folder, actions):
    Path("studies/service/queue.db").unlink(missing_ok=True)
    queue = Queue(Place())
    row = queue.submit("a", "text", "f")
    for action in actions:
        legal = next((each for each in TRANSITIONS if (each.before, each.action) == (row.state, action)), None)
        if legal is None:
            with pytest.raises(TransitionError):
                queue.act("a", action)
            assert queue.get("a") == row
            continue
        after = row.wanted if legal.after == WANTED else legal.after
        row = queue.act("a", action)
        assert row.state == after in states.STATES
        assert bool(row.wanted) == (row.state == STOPPING)
    queue.close()


def submitted(folder: str, first: int) -> None:
    os.chdir(folder)
    queue = Queue(Place())
    for number in range(first, first + 20):
        queue.submit(f"s{number}", "text", "f")
        queue.submit("same", "text", "f", n_trials=number + 1)


def test_processes_submit_at_once(folder):
    start = multiprocessing.get_context("spawn")
    both = [start.Process(target=submitted, args=(str(folder), first)) for first in (0, 20)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    queue = Queue(Place())
    assert sorted(row.name for row in queue.all()) == sorted([*(f"s{n}" for n in range(40)), "same"])
    queue.close()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="a system without such permissions")
def test_others_cannot_read_it(queue):
    assert [stat.S_IMODE(path.stat().st_mode) for path in (Place().folder, Place().data)] == [0o700, 0o700]
    assert stat.S_IMODE(Place().database.stat().st_mode) == 0o600
    Place().folder.chmod(0o755)
    Place().made()
    assert stat.S_IMODE(Place().folder.stat().st_mode) == 0o700


def test_a_link_in_the_place_of_the_folder_is_refused(folder):
    Path("elsewhere").mkdir()
    Path("studies/service").symlink_to(Path("elsewhere").absolute())
    with pytest.raises(StudyError, match="is a link or no folder"):
        Queue(Place())
    assert not [*Path("elsewhere").iterdir()]


def test_the_tables_are_those_of_the_newest_revision(queue):
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    assert schema.revisions()[-1] == schema.HEAD
    with queue.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []


def test_a_newer_database_is_refused_by_name(queue):
    queue.submit("a", "text", "f")
    with queue.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StudyError, match="has revision '9999'; allowed are 0001, 0002, 0003: a newer version"):
        Queue(Place())
    assert queue.get("a").state == QUEUED


@pytest.mark.parametrize("content", [b"no database" * 1000, b""])
def test_a_file_that_is_no_queue(folder, content):
    Place().made().database.write_bytes(content)
    if not content:
        Queue(Place()).close()  # SQLite makes an empty file
        return
    with pytest.raises(
        StudyError, match=r"queue\.db is damaged: file is not a database; move the folder .*service away and submit"
    ):
        Queue(Place())
    assert Place().database.read_bytes() == content


def test_a_database_of_somebody_else_is_refused(folder):
    with sqlite3.connect(Place().made().database) as connection:
        connection.execute("CREATE TABLE notes (text)")
    with pytest.raises(StudyError, match="is no database of this service; move it away"):
        Queue(Place())


def test_a_damaged_database_is_told_in_one_line(queue):
    queue.submit("a", "text", "f")
    queue.close()
    content = Place().database.read_bytes()
    Place().database.write_bytes(content[:100] + b"\xff" * (len(content) - 100))
    for path in Place().folder.glob("queue.db-*"):
        path.unlink()
    with pytest.raises(StudyError) as caught:
        Queue(Place()).get("a")
    assert "queue.db" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_done_studies_keep_when_they_ended(queue):
    queue.submit("a", "text", "f")
    queue.act("a", "start")
    ended = queue.act("a", "finish").ended
    assert ended is not None
    assert queue.submit("a", "text", "f").ended == ended
    assert queue.act("a", "start").ended is None
    assert queue.get("a").state != DONE


def test_a_study_that_was_run_without_the_queue_is_nobody_elses(queue):
    """Whoever may submit could go on with a study of whoever started the service, and move its champion."""
    Path("studies/mine.journal").touch()
    with pytest.raises(OwnerError, match="study 'mine' is not yours: it was submitted by the command line"):
        queue.submit("mine", "text", "f", owner="ann", rights=Rights(only_of="ann"))
    assert queue.submit("mine", "text", "f").owner == ""
    assert queue.submit("other", "text", "f", owner="ann", rights=Rights(only_of="ann")).owner == "ann"
    Path("studies/other.journal").touch()
    assert queue.submit("other", "newer", "f", owner="ann", rights=Rights(only_of="ann")).text == "newer"


@pytest.mark.parametrize(
    ("first", "second"),
    [("wine", "Wine"), ("caf\u00e9", "cafe\u0301"), ("stra\u00dfe", "STRASSE"), ("x.TOML", "x.toml")],
)
def test_names_that_some_systems_of_files_do_not_tell_apart(queue, first, second):
    queue.submit(first, "text", "f")
    with pytest.raises(OtherStudyError, match=f"is, to some systems of files, that of study '{first}'"):
        queue.submit(second, "text", "f")
    queue.submit(first, "text", "f")
    queue.submit(f"{second}-2", "text", "f")


NAMES = [
    "queue",
    "queue.db",
    "token",
    "address",
    "service",
    "service.lock",
    "data",
    "x",
    "x.toml",
    "x.log",
    "toml",
    "log",
]


def test_files_of_studies_are_neither_those_of_the_service_nor_of_each_other():
    """Whatever a study is called that may be submitted."""
    place = Place(Path("s"))
    own = {place.database, place.data, place.token, place.lock, place.address}
    own |= {Path(f"{place.database}{ending}") for ending in ("-wal", "-shm", "-journal")}
    assert not any(names.problem(name) for name in NAMES)
    of_studies = [path for name in NAMES for path in (place.study(name), place.log(name))]
    assert len(set(of_studies)) == len(of_studies)
    assert not {str(path).lower() for path in own} & {str(path).lower() for path in of_studies}
    assert {path.parent for path in of_studies} == {place.folder}
    assert not {path.suffix for path in own} & {".toml", ".log"}
