"""Supervisors of several machines on one queue: each study has one of them, and another one if that is gone."""

from contextlib import closing

import pytest

from search.service.cluster.access import Access
from search.service.place import Place
from search.service.queue import Queue
from search.service.states import CANCELLED, PAUSED, QUEUED, RUNNING, STOPPING
from search.service.supervisor import LEASE_SECONDS, RENEWALS, Supervisor
from tests.search.service.test_supervisor import Process, names, submit

ACCESS = Access("tls://127.0.0.1:1")


@pytest.fixture
def now():
    return [1000.0]


@pytest.fixture
def queue(folder, monkeypatch, now):
    """A queue that counts as shared; its lock and leases are those of a file."""
    monkeypatch.setattr(Queue, "is_shared", True)
    with closing(Queue(Place(), clock=lambda: now[0])) as queue:
        yield queue


@pytest.fixture
def made(queue):
    def made(at_once=2):
        supervisor = Supervisor(queue, ACCESS, at_once=at_once)
        supervisor.started = []
        supervisor.start = lambda orders: supervisor.started.append(Process(orders)) or supervisor.started[-1]
        return supervisor

    return made


def test_each_study_has_one_of_them(made, queue):
    submit(queue, "a", "b", "c", "d", "e")
    first, second = made(), made()
    for _ in range(3):
        first.tick(0.2)
        second.tick(0.2)
    assert (names(first), names(second)) == (["a", "b"], ["c", "d"])
    assert queue.get("e").state == QUEUED
    assert queue.get("a").holder == first.holder != queue.get("c").holder == second.holder


def test_what_lives_is_left_alone_however_long_it_takes(made, queue, now):
    submit(queue, "a")
    first, second = made(), made()
    first.recover()
    first.tick(0.2)
    second.recover()
    for _ in range(100):
        now[0] += LEASE_SECONDS / RENEWALS
        queue.beat("a", 1)
        first.tick(LEASE_SECONDS / RENEWALS)
        second.tick(LEASE_SECONDS / RENEWALS)
    assert (len(first.started), len(second.started)) == (1, 0)
    assert queue.get("a").fence == 1


def test_the_studies_of_one_that_is_gone_are_taken_over_once(made, queue, now):
    submit(queue, "a", "b")
    gone, second, third = made(), made(), made()
    gone.tick(0.2)
    now[0] += LEASE_SECONDS - 0.1
    second.tick(0.2)
    assert second.started == []
    now[0] += 0.1
    second.tick(0.2)
    third.tick(0.2)
    assert (names(second), names(third)) == (["a", "b"], [])
    assert {row.fence for row in queue.all(RUNNING)} == {3}  # one to take it over, one to start it
    gone._renewed = LEASE_SECONDS
    gone.tick(0.2)
    assert [each.killed for each in gone.started] == [True, True]
    assert gone.running == {}
    assert [row.holder for row in queue.all(RUNNING)] == [second.holder] * 2


@pytest.mark.parametrize(("action", "after"), [("pause", PAUSED), ("cancel", CANCELLED)])
def test_what_was_to_stop_is_stopped_by_whoever_takes_it_over(made, queue, now, action, after):
    submit(queue, "a")
    gone, second = made(), made()
    gone.tick(0.2)
    assert queue.act("a", action).state == STOPPING
    now[0] += LEASE_SECONDS
    second.tick(0.2)
    assert queue.get("a").state == after
    assert second.started == []


def test_one_that_starts_again_waits_for_its_own_leases(made, queue, now):
    """It cannot know that it is the same."""
    submit(queue, "a")
    gone, again = made(), made()
    gone.tick(0.2)
    again.recover()
    again.tick(0.2)
    assert again.started == []
    now[0] += LEASE_SECONDS
    again.tick(0.2)
    assert names(again) == ["a"]
