"""Which workers of a cluster a study uses: asked once, sent the data if they lack it, and left out with a reason."""

from concurrent.futures import CancelledError
from concurrent.futures import Future as Promise
from pathlib import Path
from types import SimpleNamespace

import pytest
from distributed import Client, LocalCluster
from distributed.scheduler import KilledWorker

from search.errors import AwayError, StudyError
from search.service.cluster import copying, members, standing
from search.service.cluster.members import Members, Needs
from search.service.cluster.standing import Standing
from search.service.data_copies import Copies
from search.service.place import Place

OWN = {"numpy": "2"}
GB = 1e9


class FakeClient:
    """A scheduler with workers `there`: their threads and memory; `say` is what a worker answers once it is free."""

    def __init__(self, **there):
        self.there, self.answers, self.asked, self.cancelled, self.status, self.looks = there, {}, [], [], "running", 0

    def scheduler_info(self, n_workers):
        self.looks += 1
        return {
            "workers": {
                name: {"nthreads": threads, "memory_limit": memory} for name, (threads, memory) in self.there.items()
            }
        }

    def submit(self, function, root, place, data, url, *, workers, pure, priority):
        assert function is standing.standing
        assert (priority, pure) == (members.FIRST, False)
        (name,) = workers
        self.asked.append((name, root, place, data))
        self.answers[name] = Promise()
        return self.answers[name]

    def say(self, name, versions=OWN, folder="", has=True, taken=0.0):
        self.answers[name].set_result(Standing(versions, folder or name, has, taken))

    def cancel(self, futures):
        self.cancelled += futures


@pytest.fixture
def now(monkeypatch):
    return [0.0]


@pytest.fixture
def told():
    return []


@pytest.fixture
def made(now, told):
    def made(client, **needs):
        return Members(client, Needs(versions=OWN, **needs), told.append, lambda: now[0])

    return made


def test_a_worker_is_used_once_it_has_said_what_it_is(made):
    client = FakeClient(a=(1, 4 * GB), b=(2, 0))
    found = made(client, root="/r", place="p")
    assert found.n_threads == 0
    assert client.asked == [("a", "/r", "p", ""), ("b", "/r", "p", "")]
    client.say("b")
    assert found.n_threads == 2
    assert (found.able(), found.addresses, found.n_connected) == (["b"], ["a", "b"], 2)
    assert found.able(narrow=True) == ["b"]
    client.say("a")
    assert found.n_threads == 3
    assert (found.able(), found.able(narrow=True)) == (None, ["a", "b"])
    assert len(client.asked) == 2


def test_one_that_joins_is_seen_within_seconds_and_one_that_leaves_is_forgotten(made, now):
    client = FakeClient(a=(1, 0))
    found = made(client)
    assert found.n_threads == 0
    client.say("a")
    client.there = {"b": (4, 0)}
    now[0] = 1.9
    assert found.n_threads == 1
    assert (found.changes, client.looks) == (0, 1)
    now[0] = 2.0
    assert found.n_threads == 0
    client.say("b")
    assert found.n_threads == 4
    assert (found.changes, client.looks) == (1, 2)


def test_a_scheduler_that_is_gone_is_not_asked(made, now):
    client = FakeClient(a=(1, 0))
    found = made(client)
    found.look()
    client.say("a")
    client.status, now[0] = "connecting", 100.0
    assert found.n_threads == 1
    assert client.looks == 1


def test_one_with_other_versions_is_left_out_by_name(made, told):
    client = FakeClient(a=(1, 0), b=(1, 0))
    found = made(client)
    found.look()
    client.say("a", versions={"numpy": "1"})
    client.say("b")
    assert found.n_threads == 1
    assert found.able() == ["b"]
    assert told == ["worker a has numpy 1 (the service has 2); it is not used"]


def test_if_none_can_be_used_the_study_ends(made):
    client = FakeClient(a=(1, 0), b=(1, 0), c=(1, 0))
    found = made(client)
    found.look()
    client.say("a", versions={"numpy": "1"})
    client.say("b", versions={"numpy": "1"})
    assert found.n_threads == 0
    client.answers["c"].set_exception(ModuleNotFoundError("No module\nnamed 'search'"))
    with pytest.raises(StudyError) as error:
        found.look()
    assert str(error.value) == (
        "no worker of the cluster can be used: worker a has numpy 1 (the service has 2); worker b has numpy 1 "
        "(the service has 2); worker c: ModuleNotFoundError: No module named 'search'"
    )


def test_that_there_is_none_is_told_once_for_each_time(made, now, told):
    client = FakeClient()
    found = made(client)
    for second in (0, 2, 4):
        now[0] = second
        assert found.n_threads == 0
    assert told == ["no worker is connected to the cluster: the study waits for one"]
    client.there, now[0] = {"a": (1, 0)}, 6.0
    found.look()
    client.there, now[0] = {}, 8.0
    found.look()
    assert len(told) == 2


def test_the_room_of_a_worker_is_its_limit_less_what_it_takes(made):
    client = FakeClient(a=(1, 4 * GB), b=(1, 8 * GB))
    found = made(client)
    found.look()
    assert found.room == (float("inf"), float("inf"))
    client.say("a", taken=1 * GB)
    client.say("b", taken=2 * GB)
    found.look()
    assert found.room == (3 * GB, 6 * GB)
    assert found.able(3 * GB) is None
    assert found.able(3 * GB, narrow=True) == ["a", "b"]
    assert found.able(3 * GB + 1) == ["b"]
    assert found.able(6 * GB + 1) == []


def test_what_was_asked_is_given_up_in_the_end(made):
    client = FakeClient(a=(1, 0), b=(1, 0))
    found = made(client)
    found.look()
    client.say("a")
    found.leave()
    assert client.cancelled == [client.answers["b"]]
    client.status, client.cancelled = "closed", []
    found.leave()
    assert client.cancelled == []


class TestData:
    """Those that lack the data get it, once for each folder."""

    @pytest.fixture
    def sent(self, monkeypatch):
        """Calls of `send`: what each was given, and a promise of what it returns."""
        calls = []

        def beside(call):
            promise = Promise()
            calls.append((call.args[2], promise))
            return promise

        monkeypatch.setattr(members, "beside", beside)
        return calls

    @pytest.fixture
    def data(self):
        return SimpleNamespace(address="data:x")

    def test_a_folder_that_workers_share_gets_one_copy(self, made, sent, data):
        client = FakeClient(a=(1, 0), b=(1, 0), c=(1, 0), d=(1, 0))
        found = made(client, data=data)
        found.look()
        for name, folder, has in (("a", "x", False), ("b", "x", False), ("c", "y", False), ("d", "z", True)):
            client.say(name, folder=folder, has=has)
        assert found.n_threads == 1
        assert [addresses for addresses, _ in sent] == [["a", "c"]]
        found.look()
        assert len(sent) == 1
        sent[0][1].set_result({"a": "", "c": ""})
        assert found.n_threads == 4
        assert len(sent) == 1

    def test_one_that_does_not_get_it_is_left_out_and_another_of_its_folder_is_tried(self, made, sent, data, told):
        client = FakeClient(a=(1, 0), b=(1, 0))
        found = made(client, data=data)
        found.look()
        client.say("a", folder="x", has=False)
        client.say("b", folder="x", has=False)
        found.look()
        sent[0][1].set_result({"a": "No space left"})
        assert found.n_threads == 0
        assert told == ["worker a did not get the data: No space left; it is not used"]
        assert [addresses for addresses, _ in sent] == [["a"], ["b"]]
        sent[1][1].set_result({"b": ""})
        assert found.n_threads == 1
        assert found.able() == ["b"]

    def test_a_way_that_breaks_is_tried_again_and_then_told(self, made, sent, data, told):
        client = FakeClient(a=(1, 0), b=(1, 0))
        found = made(client, data=data)
        found.look()
        client.say("a", has=False)
        client.say("b")
        found.look()
        for number in range(members.TRIES):
            assert told == []
            assert [addresses for addresses, _ in sent] == [["a"]] * (number + 1)
            sent[number][1].set_exception(OSError("broken\npipe"))
            assert found.n_threads == 1
        found.look()
        assert len(sent) == members.TRIES
        assert told == ["worker a did not get the data: OSError: broken pipe; it is not used"]

    def test_one_that_joins_later_gets_it_then(self, made, sent, data, now):
        client = FakeClient(a=(1, 0))
        found = made(client, data=data)
        found.look()
        client.say("a", has=False)
        found.look()
        sent[0][1].set_result({"a": ""})
        client.there["b"], now[0] = (1, 0), 2.0
        assert found.n_threads == 1
        client.say("b", has=False)
        found.look()
        assert [addresses for addresses, _ in sent] == [["a"], ["b"]]


@pytest.fixture
def client():
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as made,
        Client(made, set_as_default=False) as client,
    ):
        yield client


def test_a_table_reaches_workers_in_pieces(client, monkeypatch, tmp_path):
    monkeypatch.setattr(copying, "PIECE", 1000)
    copy = Copies(Place(tmp_path / "project").made().data).add("rows.csv", [b"x" * 4500])
    addresses = list(client.scheduler_info(n_workers=-1)["workers"])
    assert copying.send(client, copy, addresses) == dict.fromkeys(addresses, "")
    for there in client.run(_has, copy.address).values():
        assert there == 4500
    assert copying.send(client, copy, [*addresses, "inproc://127.0.0.1/1/1"])["inproc://127.0.0.1/1/1"]


def _has(address, dask_worker):
    return Copies(Path(dask_worker.local_directory) / "data").find(address).path.stat().st_size


def test_the_members_of_a_real_cluster(client, tmp_path):
    copies = Copies(Place(tmp_path / Place().folder).made().data)
    copy = copies.add("rows.csv", [b"x" * 100])
    seen, lacking = (Members(client, Needs(str(tmp_path), place, copy)) for place in (copies.id, "another"))
    for found in (seen, lacking):
        for _ in range(500):
            if found.n_threads == 2:
                break
            __import__("time").sleep(0.02)
        assert found.n_threads == 2
        assert not found.problems
        found.leave()
    assert set(client.run(_has, copy.address).values()) == {100}


@pytest.mark.parametrize("error", [KilledWorker("standing", None, 0), CancelledError("scheduler-connection-lost")])
def test_a_worker_that_dies_before_it_answers_is_asked_again_if_it_comes_back(made, now, told, error):
    """The study does not end, though there is no other worker."""
    client = FakeClient(a=(1, 0))
    found = made(client)
    found.look()
    client.answers["a"].set_exception(error)
    assert found.n_threads == 0
    assert (found.problems, told) == ([], [])
    now[0] = 2.0
    found.look()
    client.say("a")
    assert found.n_threads == 1


def test_a_scheduler_that_goes_while_it_is_asked_is_away(made, monkeypatch):
    client = FakeClient(a=(1, 0))

    def fail(n_workers):
        raise OSError("Stream is closed")

    monkeypatch.setattr(client, "scheduler_info", fail)
    with pytest.raises(AwayError, match="the scheduler is gone"):
        made(client).look()
