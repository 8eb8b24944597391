"""The page that a browser is shown first: it loads nothing, runs only what its policy names, and leads to MLflow."""

import asyncio
import base64
import hashlib
import re
from pathlib import Path

import mlflow
import pytest

from search.tracking.ui import entrance


def asked(path: str, method: str = "GET", kind: str = "http") -> list[dict]:
    """Return what is sent; the application behind the page sends its name."""
    sent = []

    async def send(message):
        sent.append(message)

    async def behind(scope, receive, send):
        await send({"type": "behind"})

    asyncio.run(entrance.with_entrance(behind)({"type": kind, "path": path, "method": method}, None, send))
    return sent


def test_the_page():
    head, body = asked(entrance.PATH)
    headers = {name.decode(): value.decode() for name, value in head["headers"]}
    assert head["status"] == 200
    assert int(headers["content-length"]) == len(body["body"])
    (script,) = re.findall(r"<script>(.*?)</script>", body["body"].decode(), flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert headers["content-security-policy"] == f"default-src 'none'; script-src 'sha256-{digest}'"
    assert headers["cache-control"] == "no-store"
    assert 'location.replace("/" + location.hash)' in script


def test_a_head_has_no_body():
    head, body = asked(entrance.PATH, "HEAD")
    assert head["headers"] == entrance.page("/")[1]
    assert body["body"] == b""


@pytest.mark.parametrize(
    ("path", "method", "kind"),
    [
        ("/", "GET", "http"),
        ("/bpsearch/x", "GET", "http"),
        ("/bpsearch", "POST", "http"),
        ("/bpsearch", "GET", "websocket"),
    ],
)
def test_everything_else_is_passed_on(path, method, kind):
    assert asked(path, method, kind) == [{"type": "behind"}]


def test_mlflow_calls_what_is_noted_so():
    """With another name the assistant opens again over the study: look for the name in MLflow's pages."""
    scripts = [*(Path(mlflow.__file__).parent / "server/js/build/static/js").glob("main.*.js")]
    (name,) = entrance.NOTED
    key, _, version = name.rpartition("_v")
    text = "".join(script.read_text(encoding="utf-8") for script in scripts)
    assert f'key:"{key}",version:{version},' in text
