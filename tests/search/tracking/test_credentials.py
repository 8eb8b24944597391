"""A server that wants to know who asks: user and password of the address reach it, and nothing else."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from search import BPSearchCV, StudyError
from search.tracking import servers, stores
from search.tracking.writers import client

EXPERIMENT = {
    "experiment_id": "1",
    "name": "a",
    "artifact_location": "mlflow-artifacts:/1",
    "lifecycle_stage": "active",
}


class Guard(BaseHTTPRequestHandler):
    """Answers only who has the password, and then every question with one experiment."""

    wanted = f"Basic {base64.b64encode(b'me:p@ss/w:rd').decode()}"

    def do_GET(self) -> None:
        known = self.headers.get("Authorization") == self.wanted
        body = json.dumps(
            {"experiment": EXPERIMENT} if known else {"error_code": "UNAUTHENTICATED", "message": "no"}
        ).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def guarded(monkeypatch) -> Iterator[str]:
    for name in ("USERNAME", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Guard)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_user_and_password_in_an_address_never_worked_bug(guarded, mlflow):
    """Python took "me:password@host" for the host."""
    uri = f"http://me:p%40ss%2Fw%3Ard@{guarded}"
    stores.check(uri)
    assert client.connect(uri).get_experiment_by_name("a").name == "a"


def test_those_of_the_environment_count_where_an_address_has_none(guarded, mlflow, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "p@ss/w:rd")
    stores.check(f"http://{guarded}")
    assert client.connect(f"http://{guarded}").get_experiment_by_name("a").name == "a"
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken")
    assert servers.request(f"http://{guarded}").get_header("Authorization") == "Bearer t0ken"


@pytest.mark.parametrize("user", ["me:wr0ng-s3cret@", "me-s3cret@", "me:s3cret:s3cret/s3cret@s3cret@", ""])
def test_a_wrong_password_is_told_before_the_search_without_it(guarded, user):
    uri = f"http://{user}{guarded}"
    with pytest.raises(
        StudyError, match=r"the MLflow server (does not answer|lets nobody in without a password)"
    ) as error:
        stores.check(uri)
    assert "s3cret" not in str(error.value)
    with pytest.raises(StudyError) as error:
        BPSearchCV(Ridge(), {"alpha": [1.0]}, method="grid", tracking=uri).fit(np.eye(9), np.arange(9.0))
    assert "s3cret" not in str(error.value)
