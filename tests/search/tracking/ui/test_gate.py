"""The gate before the UI: who gets in, whatever is asked, and how."""

import base64
import re
from urllib.parse import quote

import pytest

from search.tracking.ui.gate import Gate

PATHS = [
    "/",
    "/health",
    "/version",
    "/metrics",
    "/graphql",
    "/api/2.0/mlflow/experiments/search",
    "/ajax-api/2.0/mlflow/runs/search",
    "/ajax-api/2.0/mlflow/upload-artifact",
    "/ajax-api/3.0/mlflow/assistant/message",
    "/api/2.0/mlflow-artifacts/artifacts/x",
    "/get-artifact",
    "/model-versions/get-artifact",
    "/static-files/main.js",
    "/v1/traces",
    "/gateway/x/mlflow/invocations",
    "//health",
    "/health/../",
    "/none",
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"]
HOST = "127.0.0.1:5000"


@pytest.fixture
def gate():
    return Gate(behind, 5000)


async def behind(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


def finish(coroutine):
    """Run a coroutine that never waits; a loop of events for each request would take most of the time."""
    with pytest.raises(StopIteration):
        coroutine.send(None)


def ask(gate, path="/", method="GET", query="", kind="http", **headers):
    """Return status, headers and body of the answer; headers are named as in Python."""
    given = [(b"host", HOST.encode())] if "host" not in headers else []
    for name, value in headers.items():
        values = value if isinstance(value, list) else [value]
        given += [(name.replace("_", "-").encode(), each.encode("latin-1")) for each in values if each is not None]
    scope = {"type": kind, "scheme": "http" if kind == "http" else "ws", "path": path, "headers": given}
    scope |= {"method": method} if kind == "http" else {}
    scope["query_string"] = query.encode()
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": f"{kind}.connect"}

    finish(gate(scope, receive, send))
    if kind == "websocket":
        return sent
    start, body = sent
    return start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, body["body"].decode()


def bearer(gate):
    return f"Bearer {gate.token}"


def cookie(gate):
    _, headers, _ = ask(gate, query=f"token={gate.token}")
    return headers["set-cookie"].partition(";")[0]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_answered_without_the_token(gate, path, method):
    status, headers, body = ask(gate, path, method)
    assert status == 401
    assert "inside" not in body
    assert headers["www-authenticate"].startswith("Bearer")
    assert ask(gate, path, method, authorization=bearer(gate))[0] == 200


@pytest.mark.parametrize("path", PATHS)
def test_websockets_need_the_token_too(gate, path):
    assert ask(gate, path, kind="websocket") == [{"type": "websocket.close", "code": 1008}]
    assert ask(gate, path, kind="websocket", authorization=bearer(gate))[0]["type"] == "http.response.start"


@pytest.mark.parametrize(
    "given",
    [
        "Bearer ",
        "Bearer",
        "",
        "Bearer x",
        "Bearer {token}x",
        "Bearer x{token}",
        "Token {token}",
        "{token}",
        "Basic {token}",
        "Basic !!!",
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
        "Basic " + base64.b64encode(b"user:").decode(),
        "Basic " + base64.b64encode(b"user").decode(),
        "Bearer None",
        "Bearer \xe4\xf6",
    ],
)
def test_what_is_no_token(gate, given):
    assert ask(gate, authorization=given.replace("{token}", gate.token))[0] == 401


def test_a_password_between_other_signs_is_none(gate):
    password = base64.b64encode(f"me:{gate.token}".encode()).decode()
    assert ask(gate, authorization=f"Basic {password[:4]}!{password[4:]}")[0] == 401


def test_two_headers_are_not_one(gate):
    assert ask(gate, authorization=[bearer(gate), bearer(gate)])[0] == 401


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER"])
def test_the_token_as_a_program_sends_it(gate, kind):
    assert ask(gate, authorization=f"{kind} {gate.token}")[2] == "inside"
    password = base64.b64encode(f"anybody:{gate.token}".encode()).decode()
    assert ask(gate, authorization=f"Basic {password}")[2] == "inside"


def test_the_address_with_the_token_sets_a_cookie_and_leads_to_one_without(gate):
    status, headers, _ = ask(gate, query=f"token={gate.token}")
    assert (status, headers["location"]) == (303, "/")
    assert re.fullmatch(r"bpsearch-ui-5000=[\w-]{40,}; HttpOnly; SameSite=Strict; Path=/", headers["set-cookie"])
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert gate.token not in str(headers)
    assert ask(gate, cookie=cookie(gate))[2] == "inside"
    assert ask(gate, cookie=f"a=b; {cookie(gate)}; c=d")[2] == "inside"


@pytest.mark.parametrize(
    ("path", "query", "place"),
    [
        ("/a b/ü", "x=1&token={token}&y=a%26b", "/a%20b/%C3%BC?x=1&y=a%26b"),
        ("//evil.example/", "token={token}", "/evil.example/"),
        ("/\\evil.example", "token={token}", "/evil.example"),
        ("/\r\nset-cookie: a=b", "token={token}", "/%0D%0Aset-cookie%3A%20a%3Db"),
        ("/", "token=wrong&token={token}", "/"),
        ("", "token={token}", "/"),
    ],
)
def test_the_address_leads_nowhere_else(gate, path, query, place):
    status, headers, _ = ask(gate, path, query=query.replace("{token}", gate.token))
    assert (status, headers["location"]) == (303, place)


@pytest.mark.parametrize(
    "query", ["token=", "token=x", "token", "TOKEN={token}", "t={token}", "token={token}x", "{token}"]
)
def test_addresses_without_the_token(gate, query):
    status, headers, _ = ask(gate, query=query.replace("{token}", gate.token))
    assert status == 401
    assert "set-cookie" not in headers


def test_the_address_is_for_looking_only(gate):
    assert ask(gate, method="POST", query=f"token={gate.token}")[0] == 401


@pytest.mark.parametrize("value", ["", "x", '"', "\xe4", "{token}"])
def test_cookies_of_others(gate, value):
    """The token itself is none: what a browser sends to other ports of this machine opens nothing else."""
    assert ask(gate, cookie="bpsearch-ui-5000=" + value.replace("{token}", gate.token))[0] == 401
    assert ask(gate, cookie=cookie(gate).replace("5000", "5001"))[0] == 401
    assert ask(Gate(behind, 5000), cookie=cookie(gate))[0] == 401


@pytest.mark.parametrize("host", ["127.0.0.1:5000", "127.0.0.1", "localhost:8000", "LOCALHOST", "[::1]:5000"])
def test_hosts_of_this_machine(gate, host):
    assert ask(gate, host=host, authorization=bearer(gate))[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:5000",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "localhost@evil.example",
        "evil.example#localhost",
        "me@localhost",
        "localhost/x",
        "localhost?x",
        "localhost#x",
        "localhost\\x",
        "localhost x",
        "evil.example/localhost",
        "127.0.0.1, evil.example",
        "192.168.0.1",
        "10.0.0.1:5000",
        "0.0.0.0:5000",
        "[::1",
        "[fe80::1]",
        ["127.0.0.1:5000", "evil.example"],
    ],
)
def test_hosts_of_others(gate, host):
    """A name of an attacker may lead to this machine."""
    assert ask(gate, host=host, authorization=bearer(gate))[0] == 403
    assert ask(gate, host=host, query=f"token={gate.token}")[0] == 403
    assert ask(Gate(behind, 5000, token=None), host=host)[0] == 403


ORIGINS = [
    "null",
    "http://evil.example",
    "http://127.0.0.1:9",
    "http://localhost:5000",
    "https://127.0.0.1:5000",
    "http://127.0.0.1",
    "http://127.0.0.1:5000.evil.example",
]


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
@pytest.mark.parametrize("origin", ORIGINS)
def test_pages_of_others_cannot_use_the_cookie(gate, origin, method):
    """Browsers send it along, whatever the port, and MLflow allows all ports of this machine."""
    assert ask(gate, method=method, origin=origin, cookie=cookie(gate))[0] == 403
    assert ask(gate, method=method, origin=origin, authorization=bearer(gate))[0] == 403
    assert ask(gate, method=method, origin=f"http://{HOST}", cookie=cookie(gate))[0] == 200
    assert ask(Gate(behind, 5000, token=None), method=method, origin=origin)[0] == 403
    assert ask(gate, origin=origin, kind="websocket", cookie=cookie(gate))[0]["type"] == "websocket.close"


@pytest.mark.parametrize("site", ["same-site", "cross-site", "new"])
def test_pictures_and_scripts_of_others_cannot_use_the_cookie(gate, site):
    """They have no origin."""
    mine = {"cookie": cookie(gate), "sec_fetch_site": site}
    assert ask(gate, **mine, sec_fetch_mode="no-cors", sec_fetch_dest="image")[0] == 403
    assert ask(gate, **mine, sec_fetch_mode="navigate", sec_fetch_dest="iframe")[0] == 403
    assert ask(gate, method="POST", **mine, sec_fetch_mode="navigate", sec_fetch_dest="document")[0] == 403
    assert ask(gate, **mine, sec_fetch_mode="navigate", sec_fetch_dest="document")[0] == 200  # a click on a link
    for own in ("same-origin", "none"):
        assert ask(gate, **(mine | {"sec_fetch_site": own}), sec_fetch_mode="cors", sec_fetch_dest="empty")[0] == 200


def test_behind_a_tunnel_the_page_has_the_port_of_the_tunnel(gate):
    host = "localhost:8000"
    assert ask(gate, method="POST", host=host, origin=f"http://{host}", cookie=cookie(gate))[0] == 200


def test_tokens_are_long_and_new():
    tokens = {Gate(behind, 5000).token for _ in range(50)}
    assert len(tokens) == 50
    assert all(len(token) >= 43 and quote(token) == token for token in tokens)


def test_a_head_has_no_body(gate):
    status, headers, body = ask(gate, method="HEAD")
    assert (status, body) == (401, "")
    assert int(headers["content-length"]) > 0


def test_without_a_token_all_on_this_machine_get_in():
    assert ask(Gate(behind, 5000, token=None))[2] == "inside"


def test_a_lifespan_is_passed_on():
    async def life(scope, receive, send):
        await send({"type": "lifespan.startup.complete"})

    sent = []

    async def send(message):
        sent.append(message)

    finish(Gate(life, 5000)({"type": "lifespan"}, None, send))
    assert sent == [{"type": "lifespan.startup.complete"}]
