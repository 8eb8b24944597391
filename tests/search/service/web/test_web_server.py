"""The web server, really listening: TLS, hosts, addresses behind a proxy, its files, and clients that do not mean well."""

import http.client
import json
import os
import socket
import ssl
import stat
import time
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import pytest

from search.files import writing
from search.service import tokens as of_tokens
from search.service.limits import Limits
from search.service.web import server
from search.service.web.patience import Patient
from search.service.web.server import LateMLflow

NAME = "search.example.org"


def ask(url, path="/v1/health", *, context=None, method="GET", body=None, **headers):
    """Return status and document of the answer to a request."""
    place = urlsplit(url)
    kind = http.client.HTTPConnection if context is None else http.client.HTTPSConnection
    connection = kind(place.hostname, place.port, timeout=60, **({} if context is None else {"context": context}))
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def opened(made):
    """Return a connection to a server."""
    place = urlsplit(made.url)
    return socket.create_connection((place.hostname, place.port), timeout=60)


def is_closed(connection):
    """Wait until the other side closes a connection, and return whether it said nothing before."""
    try:
        return connection.recv(1000) == b""
    except ConnectionError:
        return True


# ------------------------------------------------------------------------------------------------------------ who gets in


def test_tls_is_for_those_who_verify_the_certificate(web, serving, tokens, certificate, trusting):
    crt, key = certificate()
    secret = tokens.make("ann")
    with serving(web(host="0.0.0.0", certificate=crt, key=key, names=(NAME,))) as made:
        assert made.url.startswith("https://127.0.0.1:")
        mine = {"context": trusting(crt), "Authorization": f"Bearer {secret}"}
        assert ask(made.url, "/v1/me", **mine)[1]["name"] == "ann"
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(made.url, context=ssl.create_default_context())
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            ask(made.url.replace("https", "http"))
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(made.url, context=old)


def test_names_pass_and_others_do_not(web, serving, tokens):
    tokens.make("ann")
    with serving(web(behind_proxy=True, names=(NAME,))) as made:
        for host in (NAME, f"{NAME}:443", NAME.upper(), "127.0.0.1:1", "localhost", "[::1]:9"):
            assert ask(made.url, Host=host)[0] == 200, host
        for host in (
            "evil.example",
            f"{NAME}.evil.example",
            f"x{NAME}",
            "127.0.0.2",
            "0.0.0.0",
            "",
            f"{NAME}@evil.example",
        ):
            assert ask(made.url, Host=host)[0] == 403, host
        with opened(made) as plain:
            plain.sendall(b"GET /v1/health HTTP/1.0\r\n\r\n")
            assert plain.recv(100).split()[1] == b"403", "without a host"


@pytest.mark.parametrize("behind_proxy", [False, True])
def test_the_address_that_a_proxy_tells_counts_only_behind_one(web, serving, tokens, behind_proxy, monkeypatch):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "192.0.2.1" if behind_proxy else "*")
    secret = tokens.make("ann")
    with serving(web(Limits(failed_logins=1), behind_proxy=behind_proxy)) as made:

        def wrong(forwarded):
            return ask(made.url, "/v1/me", Authorization="Bearer x", X_Forwarded_For=forwarded)[0]

        assert wrong("198.51.100.1") == 401
        assert wrong("198.51.100.1") == 429
        assert wrong("198.51.100.2") == (401 if behind_proxy else 429)
        assert wrong("203.0.113.9, 198.51.100.1") == 429, (
            "what a client has written before the proxy is nobody's address"
        )
        assert ask(made.url, "/v1/me", Authorization=f"Bearer {secret}", X_Forwarded_For="198.51.100.1")[0] == 200


# ----------------------------------------------------------------------------------------------------------------- files


def test_the_address_is_in_a_file_while_it_serves(web, serving, queue):
    made = web()
    assert not queue.place.address.exists()
    with serving(made):
        assert queue.place.address.read_text() == f"{made.url}\n"
    assert not queue.place.address.exists()
    with pytest.raises(ConnectionRefusedError):
        opened(made)


def test_the_link_has_the_token_at_the_first_start_only(web, queue):
    first = web()
    secret = of_tokens.find(queue.place)
    assert first.link == f"{first.url}/?token={secret}"
    assert secret not in first.url
    again = web()
    assert again.link == ""
    assert of_tokens.find(queue.place) == secret


def test_nobody_else_may_read_the_token_for_a_moment(web, queue, monkeypatch):
    """Its file, and the draft of it, whatever the user's mask says."""
    seen, own = [], writing.os.open

    def opening(path, flags, mode=0o777, **more):
        handle = own(path, flags, mode, **more)
        if flags & os.O_CREAT:
            seen.append((Path(path).name, stat.S_IMODE(os.fstat(handle).st_mode)))
        return handle

    before = os.umask(0)
    try:
        monkeypatch.setattr(writing.os, "open", opening)
        web()
    finally:
        os.umask(before)
    assert [mode for name, mode in seen if name.endswith(".new")] == [0o600]
    assert stat.S_IMODE(queue.place.token.stat().st_mode) == 0o600
    assert stat.S_IMODE(queue.place.folder.stat().st_mode) == 0o700


# ---------------------------------------------------------------------------------------------------------------- MLflow


def test_mlflow_is_made_when_there_is_a_database(tmp_path, monkeypatch):
    made, answers = [], []

    def application(uri):
        made.append(uri)

        async def inner(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})

        return inner

    async def send(message):
        answers.append(message.get("status", message.get("body")))

    monkeypatch.setattr(server.mlflow, "application", application)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    late = LateMLflow(uri)
    anyio.run(late, {}, None, send)
    assert answers == [404, server.NOT_YET]
    assert made == []
    assert not (tmp_path / "mlflow.db").exists(), "to look makes none"
    (tmp_path / "mlflow.db").touch()
    for _ in range(2):
        anyio.run(late, {}, None, send)
    assert answers[2:] == [200, 200]
    assert made == [uri]


# ------------------------------------------------------------------------------------------------- clients that mean harm


def test_a_connection_that_asks_for_nothing_is_closed(web, serving):
    """uvicorn waited for ever, and a thousand of them were all that a process may have."""
    with serving(web(Limits(head_seconds=0.3))) as made, opened(made) as silent, opened(made) as slow:
        slow.sendall(b"GET /v1/health HTTP/1.1\r\n")
        begun = time.monotonic()
        while time.monotonic() - begun < 0.25:
            slow.sendall(b"X: y\r\n")  # what arrives makes the time no longer
            time.sleep(0.05)
        assert is_closed(silent)
        assert is_closed(slow)
        assert ask(made.url)[0] == 200


def test_what_is_left_of_a_body_is_not_waited_for(web, serving):
    """A body without end, of somebody without a token, which was answered at its beginning."""
    with serving(web(Limits(head_seconds=0.3))) as made, opened(made) as endless:
        host = urlsplit(made.url).netloc.encode()
        endless.sendall(b"POST /v1/studies HTTP/1.1\r\nHost: %b\r\nTransfer-Encoding: chunked\r\n\r\n" % host)
        assert endless.recv(5000).split()[1] == b"401"
        with pytest.raises(ConnectionError):  # noqa: PT012 - at one of them
            for _ in range(10_000):
                endless.sendall(b"1\r\nx\r\n")
                time.sleep(0.01)


def test_a_connection_that_asks_again_and_again_stays(web, serving):
    with serving(web(Limits(head_seconds=0.3))) as made:
        place = urlsplit(made.url)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
        connection.connect()
        kept = connection.sock
        for _ in range(5):
            connection.request("GET", "/v1/health")
            assert connection.getresponse().read()
            time.sleep(0.1)
        assert connection.sock is kept
        connection.close()


def test_a_request_that_is_being_answered_is_not_cut_off(web, serving, tokens):
    """A stream of events goes on, though its client says nothing, and it does not make way."""
    secret = tokens.make("ann")
    with serving(web(Limits(head_seconds=0.2, connections=2))) as made, opened(made) as stream:
        host = urlsplit(made.url).netloc
        stream.sendall(f"GET /v1/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {secret}\r\n\r\n".encode())
        said = b""
        while b"data:" not in said:
            said += stream.recv(5000)
        others = [opened(made) for _ in range(3)]
        assert is_closed(others[0])
        time.sleep(0.4)
        stream.settimeout(0.05)
        with pytest.raises(TimeoutError):
            stream.recv(100)
        for each in others:
            each.close()


def test_of_too_many_connections_the_one_makes_way_that_waits_for_longest(web, serving):
    with serving(web(Limits(connections=3))) as made:
        many = [opened(made) for _ in range(20)]
        assert all(is_closed(each) for each in many[:16])
        assert ask(made.url)[0] == 200, "another one gets in"
        many[-1].sendall(b"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert many[-1].recv(100).split()[1] == b"200", "the latest is still there"
        for each in many:
            each.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        + b"".join(b"X%d: %b\r\n" % (i, b"y" * 4000) for i in range(50))
        + b"\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["headers", "path", "nonsense", "lengths", "tls"],
)
def test_what_is_no_request_is_answered_and_forgotten(web, serving, sent, capfd):
    with serving(web(Limits(head_seconds=0.5))) as made:
        with opened(made) as connection:
            try:
                connection.sendall(sent)
                said = connection.recv(100)
            except ConnectionError:
                said = b""
        assert not said or said.split()[1] in (b"400", b"401", b"431")
        assert ask(made.url)[0] == 200
    assert capfd.readouterr().err == "", "clients without a token write into no log"


def test_a_socket_of_the_web_is_a_request_like_any_other(web, serving):
    with serving(web()) as made, opened(made) as connection:
        connection.sendall(
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert connection.recv(100).split()[1] == b"401"


def test_no_token_reaches_a_log_or_another_page(web, serving, tokens, capfd):
    secret = tokens.make("ann")
    with serving(web()) as made:
        place = urlsplit(made.url)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
        for path, status in (
            (f"/?token={secret}", 303),
            (f"/none?token={secret}x", 401),
            (f"//evil.example/?token={secret}", 303),
        ):
            connection.request("GET", path)
            answer = connection.getresponse()
            said = answer.read().decode() + str(answer.headers)
            assert answer.status == status
            assert secret not in said
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers.get("location", "/").startswith("/")
            assert not answer.headers.get("location", "/").startswith("//")
        connection.close()
    told = capfd.readouterr()
    assert secret not in told.out + told.err


def test_timers_end_with_their_connection(web, serving):
    with serving(web(Limits(head_seconds=60))) as made:
        waiting = []
        before = Patient.connection_lost

        def lost(self, exc):
            before(self, exc)
            waiting.append(self._waiting)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Patient, "connection_lost", lost)
            opened(made).close()
            while not waiting:
                time.sleep(0.01)
        assert waiting == [None]
