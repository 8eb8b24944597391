"""Ask and tell with the Python client, against the real application on a port of its own."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import requests

from bpsearch import Client, ServiceError, StudyError
from search.service import client as client_module
from search.service import connection
from search.service.external.results import MOST_TEXT
from search.service.place import Place
from search.service.queue import Queue
from search.service.tokens import Tokens
from tests.docs.test_service_http import serving

TEXT = """\
name = "trees"
direction = "minimize"
n_trials = 6
method = "random"
[space]
depth = [2, 4, 8]
rate = { low = 1e-3, high = 1.0, log = true }
"""
TABLES = {
    "name": "trees",
    "direction": "minimize",
    "n_trials": np.int64(6),
    "method": "random",
    "space": {"depth": (2, 4, 8), "rate": {"low": 1e-3, "high": 1.0, "log": True}},
}


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[tuple[Queue, str, str]]:
    """A queue, and the address and a token of its service."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("service"))
        queue = Queue(Place())
        with serving(queue) as address:
            yield queue, address, Tokens(queue).make("ann", "submit")
        queue.close()


@pytest.fixture
def client(service, monkeypatch) -> Iterator[Client]:
    """A client of the service, whose study has a name that no other test uses."""
    monkeypatch.setattr(connection, "PAUSES", (0.001, 0.001, 0.001))
    with Client(*service[1:]) as client:
        yield client


@pytest.fixture
def name(client, request) -> str:
    """A study that is open."""
    name = request.node.name.replace("[", "-").replace("]", "")
    assert client.open(TEXT.replace("trees", name))["state"] == "queued"
    return name


@pytest.fixture
def faulty(client, monkeypatch) -> list[Exception | int]:
    """Faults of the next requests, each of which reaches the service: an error, or a status of an answer from another server."""
    send, faults = client._connection._session.request, []

    def request(*arguments, **more):
        answer = send(*arguments, **more)
        if not faults:
            return answer
        if isinstance(fault := faults.pop(0), Exception):
            raise fault
        answer.status_code = fault
        return answer

    monkeypatch.setattr(client._connection._session, "request", request)
    return faults


def numbers(answer):
    return [trial["number"] for trial in answer["trials"]]


def test_a_study_from_opening_to_its_end(client, tmp_path):
    (tmp_path / "trees.toml").write_text(TEXT)
    assert client.open(tmp_path / "trees.toml")["kind"] == "external"
    assert client.open(TEXT)["owner"] == "ann"
    assert client.open(TABLES)["n_trials"] == 6  # the same study in three forms
    assert client.open(str(tmp_path / "trees.toml"))["state"] == "queued"
    told = {}
    while (answer := client.ask("trees", 2))["state"] != "done":
        for trial in answer["trials"]:
            told[trial["number"]] = abs(math.log10(trial["params"]["rate"]) + 2)
            assert client.tell("trees", trial["number"], told[trial["number"]])["recorded"]
    assert answer["trials"] == []
    found = list(client.trials("trees"))
    assert {trial["trial"]: trial["score"] for trial in found} == told
    assert client.result("trees")["score"] == min(told.values())
    assert client.wait("trees")["best"] == min(told.values())
    with pytest.raises(ServiceError, match="study 'trees' is trained by clients"):
        client.report("trees")


def test_all_that_a_result_may_have(client, name):
    client.ask(name, 3)
    client.tell(name, 0, verdict="diverged", epoch=3, epochs=12, loss_ratio=math.inf, reason="nan" + "n" * MOST_TEXT)
    client.tell(name, 1, np.float32(0.5), epoch=np.int64(4), epochs=10, seconds=2.5)
    client.tell(name, 2, 1, verdict="stopped", reason="worse than others")
    diverged, finished, stopped = client.trials(name)
    assert (diverged["divergence"]["epoch"], len(diverged["reason"])) == (3, MOST_TEXT)
    assert (finished["score"], finished["epochs"], finished["seconds"]) == (0.5, 4, 2.5)
    assert (stopped["verdict"], stopped["reason"]) == ("stopped", "worse than others")
    assert client_module.MOST_REASON == MOST_TEXT


@pytest.mark.parametrize("score", [math.nan, math.inf, np.float32("-inf")])
def test_a_score_that_is_no_number_is_refused_before_it_is_sent(client, score):
    with pytest.raises(
        StudyError, match=r"allowed are finite numbers: tell a trial that went wrong with verdict 'diverged'"
    ):
        client.tell("none", 0, score)


BROKEN = requests.ConnectionError("the connection broke")


@pytest.mark.parametrize("faults", [[BROKEN], [503, BROKEN, 429]])
def test_a_lost_answer_loses_no_trials_and_no_result(client, name, faulty, faults):
    faulty[:] = faults
    assert numbers(client.ask(name, 2)) == [0, 1]
    assert numbers(client.ask(name, 2)) == [2, 3]
    faulty[:] = faults
    assert client.tell(name, 1, 0.5) == {
        "number": 1,
        "recorded": False,
        "state": "running",
    }  # told by the first request
    assert [trial["score"] for trial in client.trials(name)] == [0.5]


@pytest.mark.parametrize("lost", [BROKEN, requests.ReadTimeout("no answer")])
def test_what_was_lent_for_a_call_that_failed_is_lent_to_the_next(client, name, faulty, lost):
    faulty[:] = [lost] * 4
    with pytest.raises(ServiceError):
        client.ask(name, 2)
    faulty.clear()
    assert numbers(client.ask(name, 1)) == [2]  # another request
    assert numbers(client.ask(name, 2)) == [0, 1]
    assert numbers(client.ask(name, 2)) == [3, 4]


def test_a_request_that_is_refused_is_not_repeated(client, name):
    client.pause(name)
    for _ in range(2):
        with pytest.raises(ServiceError, match="it lends no trials") as error:
            client.ask(name)
        assert error.value.status == 409
    client.resume(name)
    assert client._unanswered == {}


def test_a_key_of_the_callers_own(client, name):
    assert numbers(client.ask(name, 2, "mine")) == [0, 1]
    assert numbers(client.ask(name)) == [2]
    assert numbers(client.ask(name, 2, "mine")) == [0, 1]


def test_errors_are_those_of_the_service(client, name):
    with pytest.raises(ServiceError, match="has not been asked for") as error:
        client.tell(name, 0, 1.0)
    assert (error.value.status, error.value.type) == (404, "urn:bpsearch:problem:no-trial")
    client.ask(name)
    client.tell(name, 0, 1.0)
    with pytest.raises(ServiceError, match="it stays") as error:
        client.tell(name, 0, 2.0)
    assert error.value.status == 409
    with pytest.raises(ServiceError, match="n = 101"):
        client.ask(name, 101)
    with pytest.raises(StudyError, match="no such study file"):
        client.open("none.toml")
