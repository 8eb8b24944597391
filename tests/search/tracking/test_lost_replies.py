"""Each request of a study is spoilt once, before a real MLflow server: in the end there is one of everything."""

import os
from collections.abc import Iterator
from contextlib import suppress

import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.linear_model import LinearRegression

from search import StudyError
from search.tracking import Header, MLflowTracker, Report, TrackingError, writing
from tests.fuzz.parts import served, whole

pytestmark = pytest.mark.slow  # a server takes ten seconds to start, and a hundred studies take a minute

X = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 5.0]})
MODEL = LinearRegression().fit(X, [1.0, 2.0, 4.0, 9.0])
REPORT = Report(
    {"best.alpha": 0.1}, {"score": -0.5}, "# it", "fine", figures={"history": Figure()}, tables={"divergences": []}
)


@pytest.fixture(scope="module")
def behind(tmp_path_factory, empty_database, mlflow) -> Iterator[tuple[str, str, served.Proxy]]:
    """A server: its address, that of a proxy before it, and the proxy."""
    asked = {"BACKOFF_FACTOR": "0", "BACKOFF_JITTER": "0", "MAX_RETRIES": "7"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in asked.items():
            patch.setenv(f"MLFLOW_HTTP_REQUEST_{name}", value)
        patch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        folder = tmp_path_factory.mktemp("behind")
        with served.server(folder, empty_database) as target, served.proxied(target) as (uri, proxy):
            yield target, uri, proxy


def study(uri: str, name: str, make_outcome) -> None:
    """Track a study from its begin to its end."""
    tracker = MLflowTracker(uri)
    tracker.check()
    header = Header(name, f"id of {name}", {"method": "grid"}, "# a study", result=lambda: "three trials")
    with writing(tracker, header):
        for number in range(whole.TRIALS):
            tracker.record(make_outcome(number, params={"alpha": number}), -0.5)
        tracker.register(MODEL, X, -0.5)
        tracker.finish(REPORT)


def spoilt(behind, name: str, make_outcome, place: int, fault: str) -> str | None:
    """Track a study of which one request is spoilt, then once more; return what is wrong in the end."""
    target, uri, proxy = behind
    proxy.arm(place, fault)
    with suppress(StudyError, TrackingError):  # the study ends here
        study(uri, name, make_outcome)
    request = proxy.spoilt
    proxy.arm()
    study(uri, name, make_outcome)
    from mlflow import MlflowClient

    client = MlflowClient(target, target)
    found = whole.of_runs(client, name) or whole.of_model(client, target, name)
    return found and f"{fault} of {request} ({place}): {found}"


@pytest.fixture(scope="module")
def requests(behind, make_outcome) -> list[str]:
    """The requests of a study that nothing happens to."""
    _, uri, proxy = behind
    proxy.arm()
    study(uri, "first", make_outcome)
    return proxy.seen


RESENT = ("reply lost", "500 after the work")
"""Faults after the work, which a client that asks again has done twice; after the others, it is done once in either case."""


@pytest.mark.parametrize(
    ("fault", "retries"), [*((fault, 0) for fault in served.FAULTS), *((each, 7) for each in RESENT)]
)
def test_a_request_that_was_sent_again_made_two_bug(behind, requests, make_outcome, monkeypatch, fault, retries):
    """A lost reply made two parent runs, of which the next start took either, or two versions of one model."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", str(retries))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_JITTER", "0")
    chosen = range(len(requests))
    if os.environ.get("EVERY_REQUEST") is None:
        creating = {
            request: i for i, request in enumerate(requests) if request.startswith("POST")
        }  # the last of its kind
        chosen = list(creating.values())[:: 1 if (fault, retries) == ("reply lost", 7) else 6]
    found = [spoilt(behind, f"{fault} {retries} {i}", make_outcome, i, fault) for i in chosen]
    assert [each for each in found if each] == []


def test_the_sweep_covers_what_creates(requests):
    creating = (
        "experiments/create",
        "runs/create",
        "logged-models",
        "registered-models/create",
        "model-versions/create",
    )
    posts = [request for request in requests if request.startswith("POST")]
    assert all(any(request.endswith(f"mlflow/{each}") for request in posts) for each in creating)
