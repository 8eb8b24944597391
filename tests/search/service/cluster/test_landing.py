"""What came of a batch is fetched while the search goes on; errors arrive as they are."""

import asyncio
import time
from concurrent.futures import CancelledError
from queue import Empty
from types import SimpleNamespace

import pytest
from distributed import Client, LocalCluster

from search.service.cluster.landing import Landing


@pytest.fixture(scope="module")
def cluster():
    with LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0") as made:
        yield made


@pytest.fixture
def client(cluster):
    with Client(cluster, set_as_default=False) as client:
        yield client


def test_outcomes_are_there_without_another_question(client):
    landing = Landing(client)
    sent = [client.submit(pow, number, 2, pure=False) for number in range(20)]
    for batch in sent:
        landing.expect(batch)
    found = dict(landing.get(10) for _ in sent)
    assert {batch.key: promise.result(0) for batch, promise in found.items()} == {
        batch.key: number**2 for number, batch in enumerate(sent)
    }
    with pytest.raises(Empty):
        landing.get(0.01)


def test_what_went_wrong_is_raised_when_it_is_asked_for(client):
    landing = Landing(client)
    failed = client.submit(divmod, 1, 0, pure=False)
    landing.expect(failed)
    batch, promise = landing.get(10)
    assert batch is failed
    with pytest.raises(ZeroDivisionError):
        promise.result(0)


def test_a_batch_that_is_cancelled_is_told(client):
    landing = Landing(client)
    batch = client.submit(time.sleep, 30, pure=False)
    landing.expect(batch)
    batch.cancel(force=True)
    _, promise = landing.get(10)
    with pytest.raises(CancelledError):
        promise.result(0)


@pytest.mark.parametrize("is_gone", [True, False])
def test_after_the_loop_of_the_client_has_ended_nothing_is_fetched(is_gone):
    """And no coroutine is left that nobody awaits, which would be a warning."""
    loop = asyncio.new_event_loop()
    loop.close()
    landing = Landing(SimpleNamespace(loop=None if is_gone else SimpleNamespace(asyncio_loop=loop)))
    landing._fetch("a batch")
    with pytest.raises(Empty):
        landing.get(0.01)
