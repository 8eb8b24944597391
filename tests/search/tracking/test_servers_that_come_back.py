"""A server that is gone, or busy, in the middle of a study: the search goes on, and all is written once when it is back."""

import logging
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sqlalchemy import exc

from search.tracking import Header, MLflowTracker, TrackingError, again, library, waiting, writing
from search.tracking.writers import client as writer
from search.tracking.writers.several import each
from tests.fuzz.parts import served

X = np.arange(6.0).reshape(-1, 1)
MODEL = LinearRegression().fit(X, X[:, 0])
TRIALS = 12
SAYS = "; the search goes on, and its trials are written when the server is back, or by the next run"


@pytest.fixture(autouse=True)
def told(monkeypatch) -> list[str]:
    """What the search is told, instead of the error stream; pauses are short."""
    lines: list[str] = []
    monkeypatch.setattr(waiting, "tell", lines.append)
    monkeypatch.setattr(again, "FIRST_SECONDS", 0.05)
    monkeypatch.setattr(again, "LONGEST_SECONDS", 0.2)
    return lines


@pytest.fixture(scope="module")
def behind(tmp_path_factory, empty_database) -> Iterator[tuple[str, str, served.Proxy]]:
    """A server: its address, that of a proxy before it, and the proxy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
        patch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", "0")
        folder = tmp_path_factory.mktemp("behind")
        with served.server(folder, empty_database) as target, served.proxied(target) as (uri, proxy):
            yield target, uri, proxy


def found(mlflow, uri: str, name: str) -> tuple[list[int], set[str], int]:
    """Return the trials, the states of the runs, and the number of parents."""
    client = mlflow.MlflowClient(uri, uri)
    runs = client.search_runs([client.get_experiment_by_name(name).experiment_id])
    trials = sorted(int(run.data.tags["trial"]) for run in runs if "trial" in run.data.tags)
    return trials, {run.info.status for run in runs}, len(runs) - len(trials)


WHOLE = [*range(TRIALS)], {"FINISHED"}, 1
FAULTS = {"503": "does not answer", "429": "is busy", "reply lost": "does not answer", "500 after the work": "is busy"}


@pytest.mark.slow  # a server takes ten seconds to start
@pytest.mark.parametrize("fault", FAULTS)
def test_all_of_it_is_written_once_when_the_server_is_back_in_mid_study(
    behind, mlflow, told, wait_for, make_outcome, fault
):
    """The first error ended the writing for good; the rest was left to the next run."""
    target, uri, proxy = behind
    proxy.arm()
    name = f"back {fault}"
    with writing(tracker := MLflowTracker(uri), Header(name, name, {})):
        for number in range(TRIALS):
            if number == 3:
                tracker.flush()
                proxy.fail(fault)
            before = time.monotonic()
            tracker.record(make_outcome(number), -0.5)
            assert time.monotonic() - before < 1.0, "a search does not wait"
            if number == 8:
                wait_for(lambda: told, 60)
                proxy.arm()
        assert tracker.register(MODEL, X, -0.5).version == 1
    assert len(told) == 1
    assert told[0].startswith(f"MLflow at {uri} {FAULTS[fault]}")
    assert told[0].endswith(SAYS)
    assert found(mlflow, target, name) == WHOLE


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["503", "429"])
def test_what_is_not_delivered_is_counted_and_comes_with_the_next_run(
    behind, mlflow, wait_for, make_outcome, monkeypatch, fault
):
    """Of a server that answered 429 for ever nobody gave up."""
    monkeypatch.setattr(waiting, "PATIENCE", 1.0)
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.1)
    target, uri, proxy = behind
    proxy.arm()
    name = f"gone {fault}"

    def study() -> None:
        with writing(tracker := MLflowTracker(uri), Header(name, name, {})):
            for number in range(TRIALS):
                if number == 3 and not proxy.spoilt:
                    tracker.flush()
                    proxy.fail(fault)
                tracker.record(make_outcome(number), -0.5)

    with pytest.raises(TrackingError, match=f"; {TRIALS - 3} trials are kept for it, and written by the next run"):
        study()
    proxy.arm()
    proxy.spoilt = "once"
    study()
    assert found(mlflow, target, name) == WHOLE


@pytest.mark.slow
def test_runs_are_written_several_at_a_time_and_each_once(behind, mlflow, make_outcome, monkeypatch):
    """They were written one after the other, 100 ms each."""
    target, uri, proxy = behind
    proxy.arm()
    together = threading.Barrier(writer.AT_A_TIME)
    known, places = writer.write_one, set[str]()

    def write_one(*arguments) -> None:
        if len(places) < writer.AT_A_TIME:
            together.wait(60)
        places.add(threading.current_thread().name + str(threading.get_ident()))
        known(*arguments)

    monkeypatch.setattr(writer, "write_one", write_one)
    with writing(tracker := MLflowTracker(uri), Header("many", "many", {})):
        for number in range(TRIALS):
            tracker.record(make_outcome(number), -0.5)
    assert len(places) == writer.AT_A_TIME
    assert found(mlflow, target, "many") == WHOLE


# ------------------------------------------------------------------------------------------------------- without a server


def test_a_mistake_is_not_tried_again(mlflow):
    made, rest = mlflow.exceptions.MlflowException, mlflow.exceptions.RestException
    codes = mlflow.protos.databricks_pb2
    passing = [
        made("API request to x failed with exception y"),
        made("busy", codes.TEMPORARILY_UNAVAILABLE),
        made("too many", codes.REQUEST_LIMIT_EXCEEDED),
        rest({"error_code": "INTERNAL_ERROR", "message": "oh"}),
        ConnectionResetError(),
    ]
    lasting = [
        made("this model cannot be stored"),
        made("no such run", codes.RESOURCE_DOES_NOT_EXIST),
        rest({"error_code": "PERMISSION_DENIED", "message": "not you"}),
        rest({"error_code": "INTERNAL_ERROR", "message": "database or disk is full"}),
        ValueError("x"),
    ]
    assert [again.passes(each) for each in passing] == [True] * len(passing)
    assert [again.passes(each) for each in lasting] == [False] * len(lasting)


def test_a_lost_connection_to_a_database_is_no_mistake_bug(mlflow):
    """MLflow lets errors of its driver through, and calls some of them a bad request."""
    codes = mlflow.protos.databricks_pb2

    def of_mlflow(error: Exception) -> Exception:
        try:
            raise mlflow.exceptions.MlflowException(error, codes.BAD_REQUEST) from error
        except mlflow.exceptions.MlflowException as made:
            return made

    lost = [
        exc.OperationalError("SELECT 1", {}, Exception("server closed the connection unexpectedly")),
        exc.InterfaceError("SELECT 1", {}, Exception("connection already closed")),
        exc.DBAPIError("SELECT 1", {}, Exception("in flight"), connection_invalidated=True),
    ]
    lasting = [
        exc.ProgrammingError("SELECT 1", {}, Exception("permission denied for table runs")),
        exc.OperationalError("SELECT 1", {}, Exception("No space left on device")),
    ]
    assert [again.passes(error) for each in lost for error in (each, of_mlflow(each))] == [True] * 6
    assert [again.passes(error) for each in lasting for error in (each, of_mlflow(each))] == [False] * 4


def test_what_mlflow_may_tell_is_put_back_by_the_last_of_several_threads_bug():
    """The second of two put back what the first had set: MLflow said nothing ever after."""
    logger = logging.getLogger("mlflow")
    library.load()
    before, first, second = logger.level, library.quiet(), library.quiet()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert logger.level == logging.ERROR
    second.__exit__(None, None, None)
    assert logger.level == before != logging.ERROR


def test_no_password_is_told_of_a_server_that_is_gone_or_refuses(mlflow, told, serve):
    """Errors of requests quote their address."""
    uri = serve(200).replace("//", "//me:secret@")
    tries, left = again.Again(uri, threading.Event(), threading.Event()), [1, 2]

    def job() -> None:
        if left:
            left.pop()
            raise mlflow.exceptions.MlflowException(f"API request to {uri}/api failed with exception too many 429")

    tries.until_done(job, lambda: None)
    assert len(told) == 1
    assert "secret" not in told[0]
    assert "is busy (API request to" in told[0]


def test_the_number_of_retries_that_the_user_has_set_stays(monkeypatch):
    monkeypatch.setenv(again.RETRIES, "5")
    with again.few_retries():
        assert again.os.environ[again.RETRIES] == "5"
    assert again.os.environ[again.RETRIES] == "5"


def test_an_end_waits_less_for_a_server_that_has_been_gone_for_long(monkeypatch):
    tries = again.Again("http://127.0.0.1:1", threading.Event(), threading.Event())
    assert tries.patience == waiting.PATIENCE
    tries._since = time.monotonic() - 50
    assert waiting.PATIENCE - 51 < tries.patience < waiting.PATIENCE - 49
    tries._since = time.monotonic() - 1000
    assert tries.patience == again.SHORTEST_PATIENCE


def test_none_is_begun_after_an_error_or_a_stop():
    begun = []

    def act(item):
        begun.append(item)
        if item == 2:
            raise ValueError(item)

    with pytest.raises(ValueError, match="2"):
        each(act, range(9), 1, lambda: False)
    assert begun == [0, 1, 2]
    each(begun.append, range(9), 3, lambda: True)
    assert begun == [0, 1, 2]
