"""The budget of a study, and what its coordinator reports of it."""

import dataclasses
import json
import os
import signal
from contextlib import nullcontext
from io import StringIO
from pathlib import Path

import pytest

from search.errors import AwayError, StudyError
from search.loop.database.lease import FencedError as TakenOverError
from search.project import store
from search.results.progress import Progress
from search.service import coordinator, object_store, submission
from search.service.cluster.access import Access
from search.service.coordinator import FENCED, LATER, LEAST_SECONDS, STOPPED, Orders, Reports, budgeted, counts
from search.service.data_copies import Copies
from search.service.databases.kinds import AgainError
from search.service.place import Place
from search.service.queued import Queued
from search.service.states import FAILED, QUEUED, RUNNING
from search.study import study_file
from search.tracking import stores

ACCESS = Access("tls://127.0.0.1:1", "ca", "key", "cert")


@pytest.mark.parametrize(
    ("row", "n_trials", "timeout"),
    [
        ({}, 4, None),
        ({"n_trials": 9}, 9, None),
        ({"timeout": 10.0}, 4, 10.0),
        ({"timeout": 10.0, "ran": 4.0}, 4, 6.0),
        ({"timeout": 10.0, "ran": 11.0}, 4, LEAST_SECONDS),
    ],
)
def test_the_queue_has_the_last_word_on_a_budget(write, row, n_trials, timeout):
    study = budgeted(study_file.load(write(n_trials=4)), Queued(1, "small", **row))
    assert (study.search.n_trials, study.search.timeout) == (n_trials, timeout)


def test_the_time_of_a_study_file_is_for_all_runs_together(write):
    path = write()
    path.write_text(path.read_text().replace("n_trials = 4", "n_trials = 4\ntimeout = 8.0"))
    assert budgeted(study_file.load(path), Queued(1, "small", ran=3.0)).search.timeout == 5.0
    assert budgeted(study_file.load(path), Queued(1, "small", ran=3.0, timeout=20.0)).search.timeout == 17.0


def test_orders_are_one_line():
    orders = Orders("a", 3, ACCESS)
    assert "\n" not in orders.written()
    assert Orders.read(orders.written()) == orders


def test_counts_are_plain_data(make_outcome):
    outcomes = {0: make_outcome(0, "ok"), 1: dataclasses.replace(make_outcome(1, "diverged"))}
    found = counts(Progress(outcomes, 50, "outer fold 1 of 3", further=100))
    assert json.loads(json.dumps(found)) == found
    assert found["trials"] == {"ok": 1, "diverged": 1}
    assert (found["n_trials"], found["stage"], found["further"], found["best_trial"]) == (
        50,
        "outer fold 1 of 3",
        100,
        0,
    )
    assert found["best"] == outcomes[0].score
    assert counts(Progress({}, float("inf")))["n_trials"] is None
    assert counts(Progress({}, 5))["best"] is None


def test_a_damaged_copy_of_the_data_is_not_trained_on(queue, write, monkeypatch):
    made = submission.of_file(write(), Place())
    row = queue.submit(made.name, made.text, made.fingerprint, data=made.data)
    (copy,) = (path for path in Place().data.rglob("*") if path.is_file())
    copy.chmod(0o600)
    copy.write_bytes(copy.read_bytes()[:-6])  # still a table
    monkeypatch.setattr(coordinator, "connected", lambda _: nullcontext())
    monkeypatch.setattr(coordinator, "_tuned", None)
    with pytest.raises(StudyError, match="the copy of its data is damaged"):
        coordinator._run(queue, Orders(row.name, row.fence, ACCESS), None)


@pytest.mark.parametrize(
    ("away", "has_trials", "after"),
    [
        (True, True, (LATER, QUEUED, "no answer; it is tried again")),
        (True, False, (STOPPED, FAILED, "no answer")),
        (False, True, (STOPPED, FAILED, "no answer")),
    ],
)
def test_a_study_with_trials_waits_for_a_store_that_is_away(queue, monkeypatch, capsys, away, has_trials, after):
    queue.submit("small", "text", "f")
    row = queue.act("small", "start")
    monkeypatch.setattr(stores, "is_away", lambda uri: away)
    if has_trials:
        Path("studies/small.journal").touch()
    code = coordinator._end(queue, Orders("small", row.fence, ACCESS), "no answer")
    row = queue.get("small")
    assert (code, row.state, row.reason) == after
    assert capsys.readouterr().out == "error: no answer\n"


class Input:
    """Standard input that stays open until it is closed."""

    def __init__(self):
        self.closed = coordinator.threading.Event()

    def read(self):
        self.closed.wait(60)
        return ""


@pytest.fixture
def interrupted(monkeypatch):
    """The signals that the coordinator sends to itself, in quick time, and its standard input."""
    sent, given = [], Input()
    monkeypatch.setattr(coordinator.sys, "stdin", given)
    monkeypatch.setattr(coordinator.os, "kill", lambda pid, number: sent.append((pid == os.getpid(), number)))
    monkeypatch.setattr(coordinator, "BEAT_SECONDS", 0.01)
    yield sent, given
    given.closed.set()


def until(condition):
    event = coordinator.threading.Event()
    for _ in range(2000):
        if condition():
            return True
        event.wait(0.01)
    return False


def test_a_study_that_is_to_stop_is_interrupted(queue, interrupted):
    sent, _ = interrupted
    queue.submit("a", "text", "f")
    queue.act("a", "start")
    with Reports(queue, Orders("a", 1, ACCESS)) as reports:
        reports.show(Progress({}, 5))
        assert until(lambda: queue.get("a").beat > 2)
        assert queue.get("a").counts["n_trials"] == 5
        assert 0 < queue.get("a").ran <= queue.get("a").beat * 0.02
        assert sent == []
        queue.act("a", "pause")
        assert until(lambda: sent)
    assert sent[0] == (True, signal.SIGINT)


def test_thousands_of_trials_between_two_signs_of_life_are_counted_once(queue, make_outcome, monkeypatch):
    """To count all trials after each one took longer than everything else that a coordinator does for it."""
    counted, count = [], coordinator.counts
    monkeypatch.setattr(
        coordinator, "counts", lambda progress: counted.append(len(progress.outcomes)) or count(progress)
    )
    queue.submit("a", "text", "f")
    queue.act("a", "start")
    reports = Reports(queue, Orders("a", 1, ACCESS))
    outcomes = {}
    for number in range(50):
        outcomes[number] = make_outcome(number)
        reports.show(Progress(outcomes, 50))
    assert counted == []
    reports.finish(None)
    assert counted == [50]
    assert queue.get("a").counts["trials"]["ok"] == 50


def test_a_coordinator_ends_with_its_service(queue, interrupted):
    sent, given = interrupted
    queue.submit("a", "text", "f")
    queue.act("a", "start")
    with Reports(queue, Orders("a", 1, ACCESS)):
        given.closed.set()
        assert until(lambda: sent)


def test_one_whose_study_was_started_anew_ends_at_once(queue, interrupted, monkeypatch):
    sent, _ = interrupted
    ended = []
    monkeypatch.setattr(coordinator.threading, "excepthook", lambda *_: None)  # the thread goes on to its end here
    monkeypatch.setattr(coordinator.os, "_exit", lambda code: ended.append(code) or coordinator.sys.exit())
    queue.submit("a", "text", "f")
    queue.act("a", "start")
    queue.act("a", "release")
    queue.act("a", "start")
    with Reports(queue, Orders("a", 1, ACCESS)):
        assert until(lambda: ended == [coordinator.FENCED])
    assert sent == []
    assert queue.get("a").beat == 0


def test_the_best_trial_at_the_end_is_that_over_all_evaluations(queue, make_outcome):
    """The status said 53.89, the list 53.93: the best trial had been evaluated again with other seeds."""
    queue.submit("a", "text", "f")
    queue.act("a", "start")
    reports = Reports(queue, Orders("a", 1, ACCESS))
    reports.finish(make_outcome(0))
    assert queue.get("a").counts == {}
    first, second = make_outcome(0), make_outcome(1)
    reports.show(Progress({0: first, 1: second}, 2))
    again = dataclasses.replace(second, fold_scores=[-0.25])
    reports.finish(again)
    found = queue.get("a").counts
    assert (found["best"], found["best_trial"], found["trials"]["ok"]) == (-0.25, 1, 2)
    reports.finish(None)
    assert queue.get("a").counts == found


def test_data_of_another_machine_is_fetched_and_checked(folder, monkeypatch, tmp_path):
    shared, there = str(tmp_path / "shared"), Copies(Place(tmp_path / "there").made().data)
    copy = there.add("rows.csv", [b"a\n1\n"])
    here = Copies(Place().made().data)
    with pytest.raises(StudyError, match="the copy of its data is gone; submit the study again, with its table"):
        coordinator._bring(copy.address, here)
    monkeypatch.setenv(store.COPIES, shared)
    with pytest.raises(StudyError, match="is gone"):
        coordinator._bring(copy.address, here)
    object_store.put(shared, copy)
    coordinator._bring(copy.address, here)
    found = here.find(copy.address)
    assert found.path.read_bytes() == b"a\n1\n"
    found.path.write_bytes(b"a\n2\n")
    with pytest.raises(StudyError, match="is damaged"):
        coordinator._bring(copy.address, here)


def test_a_queue_that_is_away_when_a_study_fails_is_tried_again(queue, monkeypatch, capsys):
    queue.submit("small", "text", "f")
    row = queue.act("small", "start")

    def away(*given, **named):
        raise StudyError("the queue is away")

    monkeypatch.setattr(queue, "act", away)
    assert coordinator._end(queue, Orders("small", row.fence, ACCESS), "no disk") == LATER
    assert capsys.readouterr().out == "error: no disk\nerror: the queue is away; it is tried again\n"


@pytest.mark.parametrize(
    ("error", "code", "after", "reason"),
    [
        (AwayError("no answer"), LATER, QUEUED, "no answer; it is tried again"),
        (AgainError("no queue"), LATER, QUEUED, "no queue; it is tried again"),
        (StudyError("a mistake"), STOPPED, FAILED, "a mistake"),
        (TakenOverError("taken"), FENCED, RUNNING, ""),
    ],
)
def test_what_becomes_of_a_study_follows_from_its_error(queue, monkeypatch, capsys, error, code, after, reason):
    """A server that is away for a minute may be back after two: nobody has made a mistake."""
    queue.submit("small", "text", "f")
    row = queue.act("small", "start")
    monkeypatch.setattr(coordinator.sys, "stdin", StringIO(f"{Orders('small', row.fence, ACCESS).written()}\n"))
    monkeypatch.setattr(coordinator, "Queue", lambda place: queue)
    monkeypatch.setattr(coordinator, "Reports", lambda queue, orders: nullcontext())
    monkeypatch.setattr(coordinator.command, "install", lambda: None)
    monkeypatch.setattr(coordinator.command, "unwinding", nullcontext)
    monkeypatch.setattr(coordinator.signal, "signal", lambda *given: None)
    monkeypatch.setattr(coordinator.waiting, "be_patient", lambda seconds: None)

    def fail(*given):
        raise error

    monkeypatch.setattr(coordinator, "_run", fail)
    assert coordinator.main() == code
    row = queue.get("small")
    assert (row.state, row.reason) == (after, reason)
    assert f"error: {error}" in capsys.readouterr().out
