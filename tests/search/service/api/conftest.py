"""A service in a folder of its own, asked without a network, by people with different tokens."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from search.service.api.app import application
from search.service.desk import Desk
from search.service.limits import Limits
from search.service.place import Place
from search.service.queue import Queue
from search.service.tokens import ADMIN, READ, SUBMIT, Tokens

HOST = "http://127.0.0.1:8000"
WIDE = {"rate": 1e6, "burst": 1e6}
"""Limits on requests that no test of something else meets."""

STUDY = """
name = "{name}"
[data]
source = "{source}"
task = "classification"
[model]
max_iter = 5
[search]
n_trials = 2
"""


def study(name: str = "wine", source: str = "sklearn:wine", more: str = "") -> str:
    """Return the text of a study file."""
    return STUDY.format(name=name, source=source) + more


@dataclass
class Api:
    """A service and its people."""

    client: TestClient
    desk: Desk
    tokens: Tokens
    secrets: dict[str, str]

    def ask(self, method: str, path: str, who: str | None = "root", headers: dict | None = None, **more: Any) -> Any:
        """Return the answer to a request of somebody; of nobody for None."""
        own = {} if who is None else {"Authorization": f"Bearer {self.secrets[who]}"}
        return self.client.request(method, path, headers=own | (headers or {}), follow_redirects=False, **more)

    def get(self, path: str, who: str | None = "root", **more: Any) -> Any:
        return self.ask("GET", path, who, **more)

    def post(self, path: str, who: str | None = "root", **more: Any) -> Any:
        return self.ask("POST", path, who, **more)

    def submit(self, text: str, who: str = "ann", **asked: Any) -> Any:
        return self.post("/v1/studies", who, json={"toml": text, **asked})

    def refused(self, answer: Any, status: int, told: str = "") -> dict[str, Any]:
        """Check that an answer is a problem document; return it."""
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        found = answer.json()
        assert found["status"] == status
        assert {"type", "title", "detail", "instance"} <= found.keys()
        assert "\n" not in found["detail"]
        assert "Traceback" not in answer.text
        assert told in found["detail"]
        return found


PEOPLE = {"eve": READ, "ann": SUBMIT, "bob": SUBMIT, "root": ADMIN}


@pytest.fixture(scope="module")
def queue(tmp_path_factory) -> Iterator[Queue]:
    """The queue of a service; each test begins with it empty."""
    made = Queue(Place(tmp_path_factory.mktemp("service") / "service"))
    yield made
    made.close()


@pytest.fixture
def serve_api(queue, tmp_path, monkeypatch) -> Iterator[Callable[..., Api]]:
    """Make a service; keywords are limits, and those of `application`."""
    from search.service import schema

    monkeypatch.chdir(tmp_path)
    with queue.changing() as connection:
        for table in (schema.asked, schema.studies, schema.tokens):
            connection.execute(table.delete())
    with ExitStack() as stack:

        def make(
            mlflow: Any = None, shared: Path | None = None, hosts: tuple = (), routers: tuple = (), **limits: Any
        ) -> Api:
            desk, tokens = Desk(queue, lambda: f"sqlite:///{tmp_path}/none.db"), Tokens(queue)
            own = {each.name for each in tokens.all()}
            secrets = {name: tokens.make(name, scope) for name, scope in PEOPLE.items() if name not in own}
            app = application(
                desk, tokens, Limits(**WIDE | limits), mlflow=mlflow, shared=shared, hosts=hosts, routers=routers
            )
            client = stack.enter_context(TestClient(app, base_url=HOST))
            return Api(client, desk, tokens, secrets)

        yield make


@pytest.fixture
def api(serve_api) -> Api:
    """A service with the limits by default."""
    return serve_api()


@pytest.fixture(scope="session")
def text() -> Callable[..., str]:
    """Make the text of a study file."""
    return study
