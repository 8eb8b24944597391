"""Who gets in: tokens, cookies, hosts and origins, and how often."""

from urllib.parse import unquote

import anyio
import pytest
from starlette.testclient import TestClient

from search.service.api import entry
from search.service.tokens import Token, Tokens, digest


def login(api, who="ann", **more):
    return api.get(f"/?token={api.secrets[who]}", None, **more)


def cookie(api, who="ann"):
    return login(api, who).headers["set-cookie"].partition(";")[0]


def with_cookie(api, method, path, who="ann", **headers):
    given = {"Cookie": cookie(api, who), **{name.replace("_", "-"): value for name, value in headers.items()}}
    api.client.cookies.clear()
    return api.ask(method, path, None, headers=given)


def test_the_health_is_told_to_everybody_and_nothing_else_is(api):
    assert api.get("/v1/health", None).json().keys() == {"status", "version"}
    assert api.refused(api.get("/v1/studies", None), 401)["type"].endswith("token")
    assert api.get("/v1/studies", None).headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "path",
    ["/", "/docs", "/openapi.json", "/mlflow/", "/v1/nothing", "/bpsearch/page.js", "//v1/health", "/v1/health/"],
)
def test_even_what_is_not_there_needs_a_token(api, path):
    api.refused(api.get(path, None), 401)


@pytest.mark.parametrize("given", ["Bearer", "Bearer x", "Basic x", "Token {}", "{}", "Bearer {}x", "Bearer \xe4"])
def test_what_is_no_token(api, given):
    header = given.format(api.secrets["root"]).encode("latin-1")
    api.refused(api.get("/v1/studies", None, headers={"Authorization": header}), 401)


def test_a_token_that_was_withdrawn_is_good_for_nothing(api):
    mine = cookie(api)
    assert api.get("/v1/studies", None, headers={"Cookie": mine}).status_code == 200
    api.tokens.withdraw("ann")
    api.client.cookies.clear()
    api.refused(api.get("/v1/studies", "ann"), 401)
    api.refused(api.get("/v1/studies", None, headers={"Cookie": mine}), 401)


def test_the_database_has_no_token(api, queue):
    queue.close()  # what is in the write-ahead log is in the file now
    content = b"".join(path.read_bytes() for path in queue.place.folder.glob("queue.db*"))
    for secret in api.secrets.values():
        assert secret.encode() not in content
        assert digest(secret).encode() in content


def test_the_address_with_the_token_sets_a_cookie_and_leads_to_one_without(api):
    answer = api.get(f"/docs?x=1&token={api.secrets['ann']}", None)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/docs?x=1"
    assert api.secrets["ann"] not in str(answer.headers)
    assert answer.headers["set-cookie"].endswith("; HttpOnly; SameSite=Strict; Path=/")
    assert "=8000" not in answer.headers["set-cookie"].partition("=")[0]
    assert with_cookie(api, "GET", "/v1/me").json()["name"] == "ann"


def test_a_wrong_token_in_an_address_is_refused(api):
    api.refused(api.get("/?token=x", None), 401)


def test_a_token_in_the_address_of_a_change_does_not_count(api):
    api.refused(api.post(f"/v1/studies/x/pause?token={api.secrets['root']}", None), 401)


def test_a_cookie_changes_something_only_from_a_page_of_this_server(api, text):
    assert api.submit(text()).status_code == 201
    path = "/v1/studies/wine/pause"
    api.refused(with_cookie(api, "POST", path), 403, "must come from a page of this server")
    api.refused(with_cookie(api, "POST", path, Sec_Fetch_Site="none"), 403)
    assert with_cookie(api, "POST", path, Sec_Fetch_Site="same-origin").status_code == 200
    assert with_cookie(api, "POST", "/v1/studies/wine/resume", Origin="http://127.0.0.1:8000").status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "me@127.0.0.1", "", "127.0.0.1:8000, evil.example"]
)
def test_hosts_of_others(api, host):
    api.refused(api.get("/v1/health", headers={"Host": host}), 403, "127.0.0.1")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:8000"])
def test_origins_of_others_even_with_a_token(api, origin):
    api.refused(api.post("/v1/studies/x/pause", headers={"Origin": origin}), 403, "other pages")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_requests_of_other_sites(api, site):
    api.refused(api.get("/v1/studies", headers={"Sec-Fetch-Site": site}), 403)


def test_a_host_that_the_operator_names_is_behind_tls(serve_api):
    api = serve_api(hosts=("Bp.Example",))
    named = {"Host": "bp.example"}
    assert api.get("/v1/studies", headers=named | {"Origin": "https://bp.example"}).status_code == 200
    api.refused(api.get("/v1/studies", headers=named | {"Origin": "https://evil.example"}), 403)
    api.refused(api.get("/v1/studies", headers={"Host": "other.example"}), 403, "bp.example")
    assert login(api, headers=named).headers["set-cookie"].endswith("; Secure")


def test_requests_per_second_of_a_token(serve_api):
    api = serve_api(rate=0.01, burst=3)
    assert [api.get("/v1/me", "ann").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert 0 < int(api.get("/v1/me", "ann").headers["retry-after"]) <= 101
    assert api.get("/v1/me", "bob").status_code == 200


def test_logins_are_requests_of_a_token(serve_api):
    """Each takes the place of a cookie."""
    api = serve_api(rate=0.01, burst=2)
    assert [login(api).status_code for _ in range(3)] == [303, 303, 429]
    assert login(api, "bob").status_code == 303


def test_wrong_tokens_of_an_address_are_counted_and_right_ones_pass(serve_api):
    api = serve_api(failed_logins=2)
    wrong = [api.get("/v1/me", None, headers={"Authorization": "Bearer x"}).status_code for _ in range(3)]
    assert wrong == [401, 401, 429]
    assert api.get("/v1/me", "ann").status_code == 200
    assert api.get("/v1/me", None).status_code == 401, "without a token there is nothing to guess"


def test_cookies_end(monkeypatch):
    now = 0.0
    ann, bob = Token("ann", "read", 1, 5.0), Token("bob", "read", 1, 6.0)
    sessions = entry.Sessions(lambda: now)
    mine = sessions.begin(ann)
    now = entry.SESSION_SECONDS - 1
    assert sessions.find(mine)[:2] == ("ann", 5.0)
    now = entry.SESSION_SECONDS
    assert sessions.find(mine) is None
    assert sessions.find("x") is None
    monkeypatch.setattr(entry, "MOST_SESSIONS", 2)
    first, *rest = [sessions.begin(bob) for _ in range(3)]
    assert sessions.find(first) is None
    assert [sessions.find(each).name for each in rest] == ["bob", "bob"]


def test_one_token_ends_no_cookies_of_others(monkeypatch):
    """Whoever logged in a thousand times threw everybody else out."""
    monkeypatch.setattr(entry, "MOST_OF_ONE", 2)
    ann, bob = Token("ann", "read", 1, 5.0), Token("bob", "read", 1, 6.0)
    sessions = entry.Sessions()
    others = [sessions.begin(ann) for _ in range(2)]
    own = [sessions.begin(bob) for _ in range(5)]
    assert [sessions.find(each) is not None for each in own] == [False, False, False, True, True]
    assert all(sessions.find(each) for each in others)


async def mlflow(scope, receive, send):
    told = f"{scope['path']} {scope.get('raw_path', b'').decode()}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": told})


@pytest.mark.parametrize(
    ("path", "seen"), [("/mlflow/", "/ /"), ("/mlflow", "/ /"), ("/mlflow/ajax-api/x", "/ajax-api/x /ajax-api/x")]
)
def test_mlflow_is_for_administrators(serve_api, path, seen):
    api = serve_api(mlflow=mlflow, burst=2, rate=0.001)
    for who in ("eve", "ann"):
        api.refused(api.get(path, who), 403, "admin")
    api.refused(api.get(path, None), 401)
    for _ in range(5):  # one of its pages is fifty requests
        assert api.get(path).text == seen
    assert "content-security-policy" not in api.get(path).headers


def test_what_only_begins_like_mlflow_is_not(serve_api):
    api = serve_api(mlflow=mlflow)
    api.refused(api.get("/mlflowx"), 404)


def test_the_way_to_mlflow(serve_api, monkeypatch):
    api = serve_api(mlflow=mlflow)
    monkeypatch.setattr(type(api.desk), "mlflow_page", lambda desk, name: f"#/experiments/1/{name}")
    assert api.get("/bpsearch/mlflow/wine").headers["location"] == "/bpsearch/mlflow#/experiments/1/wine"
    page = api.get("/bpsearch/mlflow")
    assert 'location.replace("/mlflow/" + location.hash)' in page.text
    assert "script-src 'sha256-" in page.headers["content-security-policy"]
    assert api.get("/v1/me").json()["mlflow"] is True
    assert api.get("/v1/me", "ann").json()["mlflow"] is False


def test_without_mlflow_its_paths_are_not_there(api):
    for path in ("/mlflow/", "/bpsearch/mlflow", "/bpsearch/mlflow/wine"):
        api.refused(api.get(path), 404)
    assert api.get("/v1/me").json()["mlflow"] is False


def test_sockets_of_the_web_are_closed(api):
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "websocket.connect"}

    with pytest.raises(StopIteration):
        api.client.app({"type": "websocket", "path": "/v1/health", "headers": []}, receive, send).send(None)
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_every_answer_has_the_headers_of_a_careful_server(api):
    for path, who in (
        ("/v1/health", None),
        ("/v1/studies", "ann"),
        ("/v1/studies", None),
        ("/none", "ann"),
        ("/", "ann"),
    ):
        headers = api.get(path, who).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_tokens_may_be_sent_as_a_password(api):
    assert api.client.get("/v1/me", auth=("anybody", api.secrets["bob"])).json()["name"] == "bob"


def test_a_cookie_of_a_token_that_was_withdrawn_stays_bad_when_its_name_is_used_again_bug(api):
    """It stood for the name: whoever had stolen the old token was let in with the new one's scope."""
    mine = {"Cookie": cookie(api, "root")}
    api.client.cookies.clear()
    assert api.get("/v1/tokens", None, headers=mine).status_code == 200
    api.tokens.withdraw("root")
    Tokens(api.desk.queue).make("root", "admin")
    api.refused(api.get("/v1/tokens", None, headers=mine), 401)


def test_requests_of_a_token_at_a_time(serve_api, monkeypatch):
    api = serve_api(at_once=1)
    answered = []

    def status(desk, name):
        answered.extend([api.get("/v1/me", "ann"), api.get("/v1/me", "bob")])
        return {}

    monkeypatch.setattr(type(api.desk), "status", status)
    assert api.get("/v1/studies/x", "ann").status_code == 200
    api.refused(answered[0], 429, "token 'ann' has 1 requests that are being answered")
    assert answered[0].headers["retry-after"] == "2"
    assert answered[1].status_code == 200
    assert api.get("/v1/me", "ann").status_code == 200


def test_mlflow_sees_no_host_origin_or_token_of_this_service(serve_api):
    """It lets in hosts of its own: under another name, whoever passed the entry was refused by MLflow."""
    seen = []

    async def look(scope, receive, send):
        seen.extend(scope["headers"])
        await mlflow(scope, receive, send)

    api = serve_api(mlflow=look, hosts=("bp.example",))
    headers = {"Host": "bp.example", "Origin": "https://bp.example", "Cookie": "a=b", "Accept": "text/x"}
    assert api.get("/mlflow/", headers=headers).status_code == 200
    names = [name for name, _ in seen]
    assert [value for name, value in seen if name == b"host"] == [b"localhost"]
    assert not {b"origin", b"cookie", b"authorization"} & set(names)
    assert (b"accept", b"text/x") in seen


@pytest.mark.parametrize(
    "path",
    [
        *("/mlflow/..", "/v1/../mlflow/", "/%6dlflow/", "/mlflow%2fx", "//mlflow/", "/mlflow%2f..%2fv1%2ftokens"),
        *(
            "/MLFLOW/",
            "/mlflow;x/",
            "/mlflow%00/",
            "/./mlflow/",
            "/\\mlflow/",
            "/bpsearch/mlflow",
            "/mlflow/%2e%2e/v1/me",
        ),
    ],
)
def test_no_way_of_writing_its_path_leads_to_mlflow_without_admin(serve_api, path):
    reached = []

    async def look(scope, receive, send):
        reached.append(scope["path"])
        await mlflow(scope, receive, send)

    api, statuses = serve_api(mlflow=look), []

    async def send(message):
        statuses.append(message.get("status", 0))

    async def ask():
        for who in ("eve", "ann"):
            own = (b"authorization", f"Bearer {api.secrets[who]}".encode())
            scope = {
                "type": "http",
                "method": "GET",
                "path": unquote(path),
                "raw_path": path.encode(),
                "scheme": "http",
            }
            scope |= {"headers": [(b"host", b"127.0.0.1"), own], "query_string": b"", "root_path": "", "app": None}
            await api.client.app(scope, None, send)

    anyio.run(ask)
    assert set(statuses) <= {0, 403, 404}
    assert len(statuses) == 4
    assert reached == []


def test_an_address_is_remembered_as_far_as_addresses_go(serve_api):
    api = serve_api(failed_logins=1)
    client = TestClient(api.client.app, base_url="http://127.0.0.1:8000", client=("x" * 100_000, 1))
    assert client.get("/v1/me", headers={"Authorization": "Bearer x"}).status_code == 401
    (known,) = api.client.app._application._failures._left
    assert len(known) == entry.LONGEST_ADDRESS
