"""What the supervisor starts, watches and settles, with coordinators that do nothing."""

import threading

import pytest

from search.errors import StudyError
from search.service.cluster.access import Access
from search.service.coordinator import LATER
from search.service.place import Place
from search.service.queue import FencedError, Queue
from search.service.states import CANCELLED, DONE, FAILED, PAUSED, QUEUED, RUNNING, STOPPING
from search.service.supervisor import (
    DEATHS,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    LOOK_SECONDS,
    SILENT_SECONDS,
    TURN_SECONDS,
    Supervisor,
)

ACCESS = Access("tls://127.0.0.1:1", "a", "b", "c")


class Process:
    """A coordinator that runs until somebody ends it."""

    def __init__(self, orders):
        self.orders, self.returncode, self.killed, self.stdin = orders, None, False, self

    def poll(self):
        return self.returncode

    def kill(self):
        self.killed, self.returncode = True, -9

    def close(self):
        self.returncode = 0 if self.returncode is None else self.returncode

    def wait(self, timeout=None):
        return self.returncode


@pytest.fixture
def supervisor(queue):
    """A supervisor of two places; `started` has its coordinators in order."""
    started = []

    def start(orders):
        started.append(Process(orders))
        return started[-1]

    made = Supervisor(queue, ACCESS, at_once=2, start=start)
    made.started = started
    return made


def names(supervisor):
    return [each.orders.name for each in supervisor.started]


def states(queue):
    return {row.name: row.state for row in queue.all()}


def submit(queue, *given):
    for name in given:
        queue.submit(name, f"text of {name}", "f")


def pass_time(supervisor, queue, seconds):
    """Let time pass in which every coordinator gives a sign of life."""
    for name, each in supervisor.running.items():
        queue.beat(name, each.fence)
    supervisor.tick(seconds)


def test_the_first_studies_start(supervisor, queue):
    submit(queue, "a", "b", "c")
    queue.submit("c", "text of c", "f", priority=1)
    supervisor.tick(0.2)
    assert names(supervisor) == ["c", "a"]
    assert states(queue) == {"a": RUNNING, "b": QUEUED, "c": RUNNING}
    assert [each.orders.fence for each in supervisor.started] == [1, 1]
    assert Place().study("a").read_text() == "text of a"


def test_one_that_has_ended_makes_room(supervisor, queue):
    submit(queue, "a", "b", "c")
    supervisor.tick(0.2)
    queue.act("a", "finish", fence=1)
    supervisor.started[0].returncode = 0
    supervisor.tick(0.2)
    assert names(supervisor) == ["a", "b", "c"]
    assert states(queue) == {"a": DONE, "b": RUNNING, "c": RUNNING}


@pytest.mark.parametrize(("action", "after"), [("pause", PAUSED), ("cancel", CANCELLED)])
def test_a_study_stops_when_its_coordinator_has_ended(supervisor, queue, action, after):
    submit(queue, "a")
    supervisor.tick(0.2)
    queue.act("a", action)
    supervisor.tick(0.2)
    assert states(queue) == {"a": STOPPING}
    supervisor.started[0].returncode = 0
    supervisor.tick(0.2)
    assert states(queue) == {"a": after}
    assert supervisor.running == {}


def test_a_coordinator_that_dies_is_started_again(supervisor, queue):
    submit(queue, "a")
    for number in range(DEATHS):
        supervisor.tick(0.2)
        assert supervisor.started[-1].orders.fence == number + 1
        supervisor.started[-1].returncode = -9
    supervisor.tick(0.2)
    assert len(supervisor.started) == DEATHS
    assert queue.get("a").state == FAILED
    assert queue.get("a").reason.startswith("its coordinator ended by signal 9, 3 times without a finished trial")


def put_off(supervisor, queue, name="a"):
    """End a study's coordinator as one does that MLflow does not answer."""
    each = supervisor.running[name]
    queue.act(name, "release", fence=each.fence, reason="MLflow does not answer; it is tried again")
    each.process.returncode = LATER
    supervisor.tick(0.0)


def test_one_whose_store_is_away_is_tried_again_later_and_later(supervisor, queue):
    submit(queue, "a")
    supervisor.tick(0.2)
    for pause in (FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE):
        put_off(supervisor, queue)
        supervisor.tick(pause - 1.0)
        assert (states(queue), supervisor.running) == ({"a": QUEUED}, {})
        assert queue.get("a").reason == "MLflow does not answer; it is tried again"
        supervisor.tick(1.0)
        assert states(queue) == {"a": RUNNING}
        assert queue.get("a").reason == ""
    for _ in range(9):
        put_off(supervisor, queue)
        supervisor.tick(LONGEST_PAUSE)
        assert states(queue) == {"a": RUNNING}
    supervisor.started[-1].returncode = -9
    supervisor.tick(0.2)  # another end: the next pause is short again
    assert states(queue) == {"a": RUNNING}
    put_off(supervisor, queue)
    supervisor.tick(FIRST_PAUSE)
    assert states(queue) == {"a": RUNNING}


def test_a_study_that_is_put_off_takes_no_place_and_starts_at_once_when_it_is_submitted_anew(supervisor, queue):
    submit(queue, "a", "b", "c")
    supervisor.tick(0.2)
    put_off(supervisor, queue)
    assert names(supervisor) == ["a", "b", "c"]
    queue.act("c", "finish", fence=1)
    supervisor.running["c"].process.returncode = 0
    queue.act("a", "cancel")
    submit(queue, "a")
    supervisor.tick(0.2)
    assert states(queue) == {"a": RUNNING, "b": RUNNING, "c": DONE}


def test_one_that_finishes_trials_between_its_deaths_does_not_fail(supervisor, queue):
    submit(queue, "a")
    for number in range(2 * DEATHS):
        supervisor.tick(0.2)
        queue.beat("a", number + 1, {"trials": {"ok": number + 1}})
        supervisor.started[-1].returncode = 1
    supervisor.tick(0.2)
    assert states(queue) == {"a": RUNNING}


def test_one_that_is_silent_is_killed(supervisor, queue):
    submit(queue, "a")
    supervisor.tick(0.2)
    for _ in range(2):
        for _ in range(int(SILENT_SECONDS)):
            supervisor.tick(1.0)
        assert not supervisor.started[0].killed
        queue.beat("a", 1)
    for _ in range(int(SILENT_SECONDS) + 1):
        supervisor.tick(1.0)
    assert not supervisor.started[0].killed
    supervisor.tick(1.0)
    assert supervisor.started[0].killed
    supervisor.tick(1.0)
    assert names(supervisor) == ["a", "a"]


def test_time_in_which_the_service_slept_is_nobodys_silence(supervisor, queue):
    submit(queue, "a")
    ended, times = threading.Event(), iter([0.0, 0.2, 10_000.0, 20_000.0, 20_000.2])

    def clock():
        try:
            return next(times)
        except StopIteration:
            ended.set()
            return 30_000.0

    stop, supervisor.stop = supervisor.stop, lambda: None
    supervisor.run(ended, clock)
    assert supervisor.running["a"].silent < 10 * LOOK_SECONDS
    assert not supervisor.started[0].killed
    stop()


def test_the_longest_makes_way_after_its_turn(supervisor, queue):
    submit(queue, "a", "b")
    supervisor.tick(1)
    submit(queue, "c")
    pass_time(supervisor, queue, TURN_SECONDS)
    assert states(queue) == {"a": RUNNING, "b": RUNNING, "c": QUEUED}
    supervisor.running["b"].ran += 0.5
    pass_time(supervisor, queue, 0.25)
    assert states(queue) == {"a": RUNNING, "b": STOPPING, "c": QUEUED}
    pass_time(supervisor, queue, TURN_SECONDS)
    assert states(queue) == {"a": RUNNING, "b": STOPPING, "c": QUEUED}
    supervisor.started[1].returncode = 0
    supervisor.tick(0.2)
    assert names(supervisor) == ["a", "b", "c"]
    assert states(queue) == {"a": STOPPING, "b": QUEUED, "c": RUNNING}  # now the other one has waited longest


def test_nobody_makes_way_for_a_lower_priority(supervisor, queue):
    submit(queue, "a", "b", "c")
    for name, priority in (("a", 2), ("b", 1), ("c", 0)):
        queue.submit(name, f"text of {name}", "f", priority=priority)
    supervisor.tick(1)
    for _ in range(3):
        pass_time(supervisor, queue, TURN_SECONDS)
    assert states(queue) == {"a": RUNNING, "b": RUNNING, "c": QUEUED}
    queue.submit("c", "text of c", "f", priority=1)
    pass_time(supervisor, queue, 1)
    assert states(queue) == {"a": RUNNING, "b": STOPPING, "c": QUEUED}


def test_a_stopped_service_leaves_its_studies_queued(supervisor, queue):
    submit(queue, "a", "b", "c")
    supervisor.tick(0.2)
    queue.act("b", "pause")
    supervisor.stop()
    assert states(queue) == {"a": QUEUED, "b": PAUSED, "c": QUEUED}
    assert not any(each.killed for each in supervisor.started)


def test_what_an_earlier_service_left_is_released(supervisor, queue):
    submit(queue, "a", "b", "c")
    for name in ("a", "b"):
        queue.act(name, "start")
    queue.act("b", "cancel")
    supervisor.recover()
    assert states(queue) == {"a": QUEUED, "b": CANCELLED, "c": QUEUED}
    supervisor.tick(0.2)
    with pytest.raises(FencedError):
        queue.beat("a", 1)


def test_a_coordinator_that_cannot_be_started_fails_its_study(queue):
    def start(orders):
        raise OSError(12, "Cannot allocate memory")

    submit(queue, "a")
    Supervisor(queue, ACCESS, start=start).tick(0.2)
    assert queue.get("a").state == FAILED
    assert queue.get("a").reason == "its coordinator could not be started: [Errno 12] Cannot allocate memory"


def test_a_full_disk_does_not_end_the_service(supervisor, queue, monkeypatch, capsys):
    submit(queue, "a")
    ended, answers = (
        threading.Event(),
        iter(["disk full: queue.db", "disk full: queue.db", None, "disk full: queue.db"]),
    )
    tick = supervisor.tick

    def sometimes(passed):
        problem = next(answers, "end")
        if problem == "end":
            ended.set()
        elif problem:
            raise StudyError(problem)
        else:
            tick(passed)

    monkeypatch.setattr(supervisor, "tick", sometimes)
    supervisor.run(ended)
    assert names(supervisor) == ["a"]
    assert capsys.readouterr().err == 2 * "error: disk full: queue.db; the service goes on\n"
    assert states(queue) == {"a": QUEUED}


def test_a_study_that_a_full_disk_left_without_a_coordinator_is_started_later(supervisor, queue, monkeypatch):
    submit(queue, "a")

    def full(*_, **__):
        raise StudyError("disk full")

    def only_start(name, action, act=queue.act, **more):
        return act(name, action, **more) if action == "start" else full()

    with monkeypatch.context() as patched:
        patched.setattr("search.service.supervisor.writing.write", full)
        patched.setattr(queue, "act", only_start)
        with pytest.raises(StudyError, match="disk full"):
            supervisor.tick(0.2)
    assert states(queue) == {"a": RUNNING}
    supervisor.tick(0.2)
    supervisor.tick(0.2)
    assert names(supervisor) == ["a"]
    assert states(queue) == {"a": RUNNING}


def test_what_cannot_be_settled_is_stopped_all_the_same(supervisor, queue, monkeypatch):
    submit(queue, "a", "b")
    supervisor.tick(0.2)

    def full(*_, **__):
        raise StudyError("disk full")

    monkeypatch.setattr(queue, "get", full)
    supervisor.stop()
    assert [each.returncode for each in supervisor.started] == [0, 0]


def test_a_study_that_was_cancelled_before_it_started_is_left_alone(supervisor, queue):
    submit(queue, "a")
    queue.act("a", "cancel")
    supervisor.tick(0.2)
    assert supervisor.started == []
    assert isinstance(queue, Queue)


def test_a_study_whose_queue_was_away_is_tried_again_however_often(supervisor, queue):
    """Its coordinator could not note that: the study is still running when it has ended."""
    submit(queue, "a")
    for number in range(DEATHS + 2):
        supervisor.tick(LONGEST_PAUSE)
        assert supervisor.started[-1].orders.fence == number + 1
        supervisor.started[-1].returncode = LATER
        supervisor.tick(0.2)
        assert queue.get("a").state == QUEUED
