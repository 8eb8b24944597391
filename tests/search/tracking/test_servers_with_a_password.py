"""A tracking server that lets nobody in without a password is asked with the one that MLflow's client sends."""

import base64
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from search import tracking
from search.errors import StudyError

NAMES = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")


@pytest.fixture
def server(monkeypatch):
    """A server that answers who sends one of two headers; `asked` has those that came."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers["Authorization"])
            if self.path.startswith("/moved"):
                self.send_response(302)
                self.send_header("Location", f"http://localhost:{self.server.server_port}/health")
            else:
                self.send_response(200 if asked[-1] in ("Bearer right", BASIC) else self.server.refusal)
            self.end_headers()

        def log_message(self, *_):
            pass

    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.asked, found.refusal = asked, 401
    threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01}).start()
    yield found
    found.shutdown()
    found.server_close()


BASIC = "Basic " + base64.b64encode(b"me:right").decode()
GIVEN = {
    "a token": ({"TOKEN": "right"}, "Bearer right"),
    "a password": ({"USERNAME": "me", "PASSWORD": "right"}, BASIC),
    "both, of which MLflow sends the password": ({"TOKEN": "x", "USERNAME": "me", "PASSWORD": "right"}, BASIC),
}


@pytest.mark.parametrize(("given", "sent"), GIVEN.values(), ids=GIVEN)
def test_the_password_is_sent(server, given, sent, monkeypatch):
    for name, value in given.items():
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value)
    tracking.check(f"http://127.0.0.1:{server.server_port}")
    assert server.asked == [sent]


@pytest.mark.parametrize("refusal", [401, 403])
@pytest.mark.parametrize("given", [{}, {"TOKEN": "wrong"}, {"USERNAME": "me"}, {"PASSWORD": "right"}])
def test_a_password_that_is_missing_or_wrong_is_told_without_it(server, given, refusal, monkeypatch):
    server.refusal = refusal
    for name, value in given.items():
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value)
    with pytest.raises(
        StudyError, match="lets nobody in without a password; allowed are MLFLOW_TRACKING_TOKEN"
    ) as error:
        tracking.check(f"http://127.0.0.1:{server.server_port}")
    assert not any(value in str(error.value) for value in given.values())


def test_the_password_goes_to_no_other_server(server, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "right")
    with pytest.raises(StudyError):
        tracking.check(f"http://127.0.0.1:{server.server_port}/moved")
    assert server.asked == ["Bearer right", None]
