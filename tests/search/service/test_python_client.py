"""The Python client against a server that follows the contract: what it sends, what it makes of answers, and its errors."""

import datetime
import io
import ipaddress
import json
import os
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pandas as pd
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bpsearch import Client, ServiceError, StudyError
from search.service import client as client_module
from search.service import connection

ROOT = Path(__file__).parents[3]
TOKEN = "a-token"
STUDY = 'name = "wine"\n[data]  # mine\ntarget = "price"\ntask = "regression"\n'


class Handler(BaseHTTPRequestHandler):
    """Answers from a list, and keeps what was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.server.asked.append(Asked(self.command, unquote(parts.path), query, dict(self.headers), body))
        answer = self.server.answers.pop(0) if self.server.answers else {}
        if callable(answer):
            answer(self)
            return
        status, content, headers = answer if isinstance(answer, tuple) else (200, answer, {})
        written = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(written), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(written)

    do_POST = do_PATCH = do_GET  # noqa: N815 - the names that http.server looks for

    def log_message(self, *_: object) -> None:
        pass


class Asked:
    """A request."""

    def __init__(self, method: str, path: str, query: dict, headers: dict, body: bytes) -> None:
        self.line, self.query, self.headers, self.body = f"{method} {path}", query, headers, body

    @property
    def document(self) -> dict:
        return json.loads(self.body)


def stream(*events: str, cut: bool = False) -> Callable[[Handler], None]:
    """Send parts of a stream of events, a chunk each; one that is cut off has no last chunk."""

    def send(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for event in events:
            data = event.encode()
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            handler.wfile.flush()
        if not cut:
            handler.wfile.write(b"0\r\n\r\n")
        handler.close_connection = True

    return send


def breaks(handler: Handler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True


def problem(status: int, detail: str, **more: object) -> tuple:
    headers = {"Content-Type": "application/problem+json"}
    return status, {"type": "about:blank", "title": "no", "status": status, "detail": detail, **more}, headers


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.answers, server.asked = [], []
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def client(server, monkeypatch) -> Iterator[Client]:
    monkeypatch.setattr(connection, "PAUSES", (0.001, 0.001, 0.001))
    monkeypatch.setattr(client_module, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(client_module, "FIRST_POLL_SECONDS", 0.001)
    with Client(f"http://127.0.0.1:{server.server_port}/", TOKEN) as client:
        yield client


def state(name: str) -> dict:
    return {"name": "wine", "state": name}


CALLS = {
    "studies": (lambda c: c.studies(), {"studies": [state("done")]}, "GET /v1/studies", [state("done")]),
    "status": (lambda c: c.status("房价"), state("done"), "GET /v1/studies/房价", state("done")),
    "result": (lambda c: c.result("wine"), {"a": 1}, "GET /v1/studies/wine/result", {"a": 1}),
    "trial": (lambda c: c.trial("wine", 7), {"a": 1}, "GET /v1/studies/wine/trials/7", {"a": 1}),
    "findings": (lambda c: c.findings("wine"), {"a": 1}, "GET /v1/studies/wine/findings", {"a": 1}),
    "report": (lambda c: c.report("wine"), b"<p>\xc3\xa4</p>", "GET /v1/studies/wine/report", "<p>ä</p>"),
    "pause": (lambda c: c.pause("wine"), state("paused"), "POST /v1/studies/wine/pause", state("paused")),
    "resume": (lambda c: c.resume("wine"), state("queued"), "POST /v1/studies/wine/resume", state("queued")),
    "cancel": (lambda c: c.cancel("wine"), state("cancelled"), "POST /v1/studies/wine/cancel", state("cancelled")),
    "change": (lambda c: c.change("wine", n_trials=9), state("queued"), "PATCH /v1/studies/wine", state("queued")),
    "submit": (lambda c: c.submit(STUDY), (201, state("queued"), {}), "POST /v1/studies", state("queued")),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_method_is_a_request(client, server, call):
    ask, answer, line, result = CALLS[call]
    server.answers.append(answer)
    assert ask(client) == result
    (asked,) = server.asked
    assert asked.line == line
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"


def test_names_stay_one_part_of_the_path(client, server):
    client.status("../data?x#y")
    assert server.asked[0].line == "GET /v1/studies/../data?x#y"  # unquoted by the server: it was one part


def test_only_what_is_asked_for_is_sent(client, server):
    client.change("wine", priority=0)
    assert server.asked[0].document == {"priority": 0}
    client.submit(STUDY, timeout=5.0)
    assert server.asked[1].document == {"toml": STUDY, "timeout": 5.0}


class TestSubmit:
    """What is submitted, and where its rows come from."""

    def test_a_study_file_takes_its_table_along(self, client, server, tmp_path):
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "wine.csv").write_bytes(b"a,price\n1,2\n")
        text = STUDY + 'source = "data/wine.csv"  # kept\n'
        (tmp_path / "wine.toml").write_text(text)
        server.answers += [(201, {"data": "data:12", "bytes": 12}, {}), state("queued")]
        client.submit(tmp_path / "wine.toml", priority=3)
        upload, submit = server.asked
        assert (upload.line, upload.query, upload.body) == ("POST /v1/data", {"name": "wine.csv"}, b"a,price\n1,2\n")
        assert submit.document == {"toml": text.replace("data/wine.csv", "data:12"), "priority": 3}

    def test_a_path_as_text_is_a_path(self, client, server, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "a=b.toml").write_text(STUDY + 'source = "sklearn:wine"\n')
        client.submit("a=b.toml")
        assert [asked.line for asked in server.asked] == ["POST /v1/studies"]

    @pytest.mark.parametrize("source", ["sklearn:wine", "data:12", "shared:wine.csv", "sqlite:///a.db?table=b", 7])
    def test_sources_that_are_no_files_are_left_to_the_service(self, client, server, tmp_path, source):
        text = STUDY + f"source = {json.dumps(source)}\n"
        (tmp_path / "wine.toml").write_text(text)
        client.submit(tmp_path / "wine.toml")
        assert [asked.document for asked in server.asked] == [{"toml": text}]

    def test_a_text_names_no_file_of_this_machine(self, client, server):
        client.submit(STUDY + 'source = "wine.csv"\n')
        assert [asked.line for asked in server.asked] == ["POST /v1/studies"]

    @pytest.mark.parametrize("before", ["", 'source = "anything"\n'])
    def test_a_frame_takes_the_place_of_the_source(self, client, server, before):
        frame = pd.DataFrame({"town": ["Ulm", None], "price": [1.5, 2.0]}, index=[7, 9])
        server.answers += [(201, {"data": "data:12", "bytes": 12}, {}), state("queued")]
        client.submit(STUDY + before, data=frame)
        upload, submit = server.asked
        assert upload.query == {"name": "table.parquet"}
        pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(upload.body)), frame.reset_index(drop=True))
        assert submit.document["toml"].count('source = "data:12"') == 1
        assert "anything" not in submit.document["toml"]

    def test_tables_are_sent_as_tables(self, client, server, tmp_path):
        study = {"name": "wine", "data": {"target": "price"}, "space": {"alpha": (0.1, np.float64(1.0))}}
        (tmp_path / "a.csv").write_text("a\n1\n")
        server.answers += [(201, {"data": "data:12", "bytes": 12}, {}), state("queued")]
        client.submit(study, data=tmp_path / "a.csv")
        sent = server.asked[1].document["study"]
        assert sent["data"] == {"target": "price", "source": "data:12"}
        assert sent["space"] == {"alpha": [0.1, 1.0]}
        assert study["data"] == {"target": "price"}
        client.submit({"name": "wine"})
        assert server.asked[2].document == {"study": {"name": "wine"}}

    @pytest.mark.parametrize(
        ("study", "data", "told"),
        [
            ("none.toml", None, "none.toml: no such study file; a text of a study has two lines or more"),
            ("name =\n[", "wine.csv", "study: is not valid TOML: "),
            ('name = "a"\n', "wine.csv", "[data] is missing: it says what the columns of the rows are"),
            ('a = """\n[data]\n"""\n', "wine.csv", "[data] must stand on a line of its own"),
            ({"a": object()}, None, "this cannot be sent as JSON: object is no value of a row"),
            ({"a": float("inf")}, None, "this cannot be sent as JSON: "),
            ("lost.toml", None, "[data] source = 'lost.csv': there is no file lost.csv"),
            (STUDY, "lost.csv", "lost.csv cannot be read: No such file or directory"),
            (STUDY, pd.DataFrame({"a": [1, "b"]}), "the DataFrame cannot be sent: "),
        ],
    )
    def test_what_cannot_be_sent_is_told(self, client, server, tmp_path, monkeypatch, study, data, told):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "wine.csv").write_text("a\n1\n")
        (tmp_path / "lost.toml").write_text(STUDY + 'source = "lost.csv"\n')
        server.answers += [{"data": "data:12", "bytes": 1}]
        with pytest.raises(StudyError) as error:
            client.submit(study, data=data)
        assert str(error.value).startswith(told)
        assert "\n" not in str(error.value)
        assert [asked.line for asked in server.asked if asked.line != "POST /v1/data"] == []


class TestAnswers:
    """Answers of several requests, and tables."""

    def test_trials_come_page_by_page(self, client, server):
        server.answers += [
            {"trials": [{"trial": 2}, {"trial": 3}], "next": 5},
            {"trials": [{"trial": 5}], "next": None},
        ]
        found = client.trials("wine", 2)
        assert next(found) == {"trial": 2}
        assert len(server.asked) == 1  # the second page is asked for when it is needed
        assert [trial["trial"] for trial in found] == [3, 5]
        assert [asked.query for asked in server.asked] == [{"first": "2"}, {"first": "5"}]

    def test_a_log_comes_in_parts_that_may_split_a_character(self, client, server):
        text = "trial 1: ä\n".encode()
        for first, end in ((3, 10), (10, 12), (12, 12)):
            server.answers.append((200, text[first:end], {"X-Next-Byte": end}))
        assert client.log("wine", 3) == "al 1: ä\n"
        assert [asked.query["first"] for asked in server.asked] == ["3", "10", "12"]

    def test_a_log_without_a_next_byte_is_whole(self, client, server):
        server.answers.append(b"all")
        assert client.log("wine") == "all"
        assert len(server.asked) == 1

    def test_rows_are_sent_as_json_knows_them(self, client, server):
        server.answers.append({"predictions": [{"predicted_price": 3.5}]})
        row = {"a": np.int64(3), "b": float("nan"), "c": pd.Timestamp("2024-02-29"), "d": pd.NaT, "e": pd.NA, 5: "x"}
        assert client.predict("wine", iter([row]), probabilities=True) == [{"predicted_price": 3.5}]
        (asked,) = server.asked
        assert (asked.line, asked.query) == ("POST /v1/studies/wine/predictions", {"probabilities": "true"})
        assert asked.document == {
            "rows": [{"a": 3, "b": None, "c": "2024-02-29T00:00:00", "d": None, "e": None, "5": "x"}]
        }

    def test_a_frame_is_predicted_as_a_frame(self, client, server):
        server.answers.append({"predictions": [{"p": 1.0}, {"p": 2.0}]})
        frame = pd.DataFrame({"a": [1, 2]}, index=["x", "y"])
        expected = pd.DataFrame({"p": [1.0, 2.0]}, index=["x", "y"])
        pd.testing.assert_frame_equal(client.predict("wine", frame), expected)
        (asked,) = server.asked
        assert asked.query == {"name": "table.parquet"}
        assert pd.read_parquet(io.BytesIO(asked.body)).a.tolist() == [1, 2]

    def test_a_file_is_sent_as_it_is(self, client, server, tmp_path):
        (tmp_path / "new.csv").write_bytes(b"a;b\n1;2\n")
        server.answers.append({"predictions": []})
        assert client.predict("wine", tmp_path / "new.csv") == []
        assert (server.asked[0].body, server.asked[0].query) == (b"a;b\n1;2\n", {"name": "new.csv"})
        assert server.asked[0].headers["Content-Type"] == "application/octet-stream"

    def test_an_upload_may_have_another_name(self, client, server, tmp_path):
        (tmp_path / "x").write_bytes(b"a\n1\n")
        server.answers.append((201, {"data": "data:12", "bytes": 4}, {}))
        assert client.upload(tmp_path / "x", "x.csv") == "data:12"
        assert server.asked[0].query == {"name": "x.csv"}


class TestWaiting:
    """Looking on until a study has ended."""

    def test_wait(self, client, server):
        server.answers += [state("queued"), state("running"), state("failed"), state("done")]
        assert client.wait("wine") == state("failed")
        assert len(server.asked) == 3

    def test_wait_has_an_end(self, client, server):
        server.answers += [state("paused")] * 1000
        with pytest.raises(TimeoutError, match=r"^study 'wine' is paused after 0\.01 seconds$"):
            client.wait("wine", timeout=0.01)

    def test_wait_asks_less_and_less_often(self, client, server, monkeypatch):
        pauses = []
        monkeypatch.setattr(client_module.time, "sleep", pauses.append)
        monkeypatch.setattr(client_module, "FIRST_POLL_SECONDS", 0.5)
        monkeypatch.setattr(client_module, "POLL_SECONDS", 2.0)
        server.answers += [state("running")] * 5 + [state("done")]
        client.wait("wine")
        assert pauses == [0.5, 1.0, 2.0, 2.0, 2.0]

    def test_follow_by_events(self, client, server):
        first, last = (f"data: {json.dumps(state(name))}\r\n\r\n" for name in ("queued", "done"))
        server.answers.append(
            stream(": hello\n\n", "event: status\n", first[:20], first[20:], ": still here\n\n", last)
        )
        assert list(client.follow("wine")) == [state("queued"), state("done")]
        assert [asked.line for asked in server.asked] == ["GET /v1/studies/wine/events"]

    @pytest.mark.parametrize(
        "broken",
        [
            stream(f"data: {json.dumps(state('queued'))}\n\n"),
            stream(f"data: {json.dumps(state('queued'))}\n\n", cut=True),
            problem(404, "no such route"),
            stream("data: {\n\n"),
        ],
    )
    def test_follow_falls_back_to_looking(self, client, server, broken):
        server.answers += [broken, state("queued"), state("queued"), state("running"), state("cancelled")]
        states = [document["state"] for document in client.follow("wine")]
        assert states == ["queued", "running", "cancelled"]
        assert [asked.line for asked in server.asked[1:]] == ["GET /v1/studies/wine"] * 4

    def test_too_many_streams(self, client, server):
        server.answers += [problem(429, "too many streams")] * 4 + [state("done")]
        assert list(client.follow("wine")) == [state("done")]

    def test_follow_tells_what_is_wrong_with_the_study(self, client, server):
        server.answers += [problem(404, "there is no study 'wine'")] * 2
        with pytest.raises(ServiceError, match="there is no study 'wine'"):
            next(client.follow("wine"))


class TestErrors:
    """One line, and what the service has said."""

    def test_a_problem_document(self, client, server):
        said = {"key": "[cv] kind", "value": "x", "allowed": ["k_fold"], "instance": "/v1/studies"}
        server.answers.append(problem(422, "study: [cv] kind = 'x'\nis wrong", **said))
        with pytest.raises(ServiceError) as error:
            client.submit(STUDY)
        assert str(error.value) == "study: [cv] kind = 'x'\\nis wrong"
        assert (error.value.status, error.value.type, error.value.title) == (422, "about:blank", "no")
        assert {name: getattr(error.value, name) for name in said} == said
        assert isinstance(error.value, StudyError)

    @pytest.mark.parametrize("content", [b"<h1>no</h1>", b"[]", b"{}", b'{"detail": 7'])
    def test_an_error_that_is_no_problem_document(self, client, server, content):
        server.answers.append((500, content, {"Content-Type": "text/html"}))
        with pytest.raises(ServiceError, match=r"^http://127\.0\.0\.1:\d+ answers 500 Internal Server Error$") as error:
            client.pause("wine")
        assert (error.value.status, error.value.detail) == (500, None)

    def test_an_answer_of_something_else(self, client, server):
        server.answers.append((200, b"<h1>hello</h1>", {}))
        with pytest.raises(ServiceError, match=r"answers without JSON: it is no bpsearch service$"):
            client.status("wine")

    def test_a_redirect_is_not_followed_with_the_token(self, client, server):
        server.answers.append((302, b"", {"Location": "http://127.0.0.1:9/elsewhere"}))
        with pytest.raises(ServiceError, match=r"answers 302 Found$"):
            client.status("wine")

    def test_nobody_listens(self, free_port, monkeypatch):
        """It is told at once: where nobody listens, nobody will in a moment."""
        pauses = []
        monkeypatch.setattr(connection.time, "sleep", pauses.append)
        port = free_port()
        with pytest.raises(ServiceError) as error:
            Client(f"http://127.0.0.1:{port}", TOKEN).studies()
        assert str(error.value) == (
            f"http://127.0.0.1:{port} cannot be reached: connection refused; start it with bpsearch serve"
        )
        assert error.value.status is None
        assert pauses == []

    def test_no_answer_in_time(self, server):
        server.answers.append(lambda handler: threading.Event().wait(1.0))
        client = Client(f"http://127.0.0.1:{server.server_port}", TOKEN, timeout=0.05)
        with pytest.raises(ServiceError, match=r"does not answer in time; the request may have reached it$"):
            client.pause("wine")

    def test_plain_http_where_tls_is_expected(self, server):
        with pytest.raises(ServiceError, match=r"it does not speak TLS; allowed may be http://$"):
            Client(f"https://127.0.0.1:{server.server_port}", TOKEN).studies()


@pytest.fixture
def secure(server, tmp_path) -> Path:
    """Have the server speak TLS; return the file of its certificate, which nobody else has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - day).not_valid_after(now + day)
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    own = x509.BasicConstraints(ca=True, path_length=0)
    certificate = made.add_extension(host, False).add_extension(own, True).sign(key, hashes.SHA256())
    pem, secret = tmp_path / "ca.pem", tmp_path / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return pem


def test_a_certificate_is_verified(server, secure, monkeypatch):
    url = f"https://127.0.0.1:{server.server_port}"
    with pytest.raises(ServiceError, match=r"its certificate cannot be verified; verify= names the file of its CA$"):
        Client(url, TOKEN).status("wine")
    assert server.asked == []
    server.answers += [state("done")] * 2
    assert Client(url, TOKEN, verify=secure).status("wine") == state("done")
    monkeypatch.setattr(connection, "LOOPBACK", ())  # as for another machine: settings of the environment count
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", requests.certs.where())
    assert Client(url, TOKEN, verify=secure).status("wine") == state("done")


class TestAgain:
    """Only requests that read are sent again."""

    @pytest.mark.parametrize("fault", [breaks, problem(503, "busy"), problem(429, "slowly"), problem(502, "gone")])
    def test_a_request_that_reads(self, client, server, fault):
        server.answers += [fault, fault, fault, state("done")]
        assert client.status("wine") == state("done")
        server.answers += [fault] * 4
        with pytest.raises(ServiceError):
            client.status("wine")
        assert len(server.asked) == 8

    @pytest.mark.parametrize("fault", [breaks, problem(503, "busy"), problem(429, "slowly")])
    def test_a_request_that_changes(self, client, server, fault):
        server.answers += [fault, state("done")]
        with pytest.raises(ServiceError):
            client.pause("wine")
        assert len(server.asked) == 1

    @pytest.mark.parametrize(
        ("given", "slept"), [("7", 7.0), ("1e9", 60.0), ("-1", 0.001), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.001)]
    )
    def test_the_service_says_when(self, client, server, monkeypatch, given, slept):
        pauses = []
        monkeypatch.setattr(connection.time, "sleep", pauses.append)
        status, content, headers = problem(429, "slowly")
        server.answers += [(status, content, {**headers, "Retry-After": given}), state("done")]
        client.status("wine")
        assert pauses == [slept]


NO_ADDRESSES = ("", "host", "ftp://host", "http://", "http://h:x", "http://a b")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        *[(url, "url: allowed are addresses such as") for url in NO_ADDRESSES],
        ("http://127.0.0.1:8765/?token=s3cret", "the token is an argument of its own"),
        ("https://me:s3cret@host", "the token is an argument of its own"),
        (b"http://host", "url: allowed are addresses such as"),
    ],
)  # fmt: skip
def test_addresses_that_are_none(url, told):
    with pytest.raises(ServiceError, match=told) as error:
        Client(url, TOKEN)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "ä"])
def test_tokens_that_are_none(token):
    with pytest.raises(ServiceError, match=r"^token: allowed are tokens as bpsearch token make prints them$"):
        Client("http://127.0.0.1:1", token)


def test_a_ca_that_is_not_there(tmp_path):
    with pytest.raises(ServiceError, match=r"^verify = '.*none\.pem': there is no such file$"):
        Client("https://127.0.0.1:1", TOKEN, verify=tmp_path / "none.pem")


def test_neither_proxies_nor_passwords_of_others_come_in_between(server, tmp_path, monkeypatch):
    """A proxy would be sent the token, and a file .netrc would take its place."""
    (tmp_path / ".netrc").write_text("default login me password other\n")
    (tmp_path / ".netrc").chmod(0o600)
    for name, value in {
        "HOME": str(tmp_path),
        "http_proxy": "http://127.0.0.1:9",
        "NETRC": str(tmp_path / ".netrc"),
    }.items():
        monkeypatch.setenv(name, value)
    Client(f"http://127.0.0.1:{server.server_port}", TOKEN).status("wine")
    assert server.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"
    monkeypatch.setattr(connection, "LOOPBACK", ())
    for name in ("http_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    Client(f"http://127.0.0.1:{server.server_port}", TOKEN).status("wine")
    assert server.asked[1].headers["Authorization"] == f"Bearer {TOKEN}"


PROGRAM = re.search(r"```python\n(.*?)```", (ROOT / "docs/assistants.md").read_text(encoding="utf-8"), re.DOTALL)[1]


def test_the_program_of_the_documents_runs(server, tmp_path, monkeypatch, capsys):
    """It stands in docs/assistants.md, and finds the service of the folder."""
    place = tmp_path / "studies" / "service"
    place.mkdir(parents=True)
    (place / "address").write_text(f"http://127.0.0.1:{server.server_port}")
    (place / "token").write_text(TOKEN)
    (place / "token").chmod(0o600)
    (tmp_path / "studies" / "prices.toml").write_text(STUDY + 'source = "sklearn:diabetes"\n')
    monkeypatch.chdir(tmp_path)
    status = {**state("done"), "trials": {"ok": 3}}
    server.answers += [status, stream(f"data: {json.dumps(status)}\n\n"), {"study": {"judgment": ["good"]}}]
    server.answers.append({"predictions": [{"predicted_price": 3.5}]})
    exec(PROGRAM, {})
    assert capsys.readouterr().out == "done {'ok': 3}\n['good']\n[{'predicted_price': 3.5}]\n"


def test_a_client_says_where_it_asks_and_not_with_what():
    assert repr(Client("http://127.0.0.1:1", TOKEN)) == "Client('http://127.0.0.1:1')"


def test_a_client_loads_little():
    """It runs where studies do not: neither pandas nor what trains networks is loaded before it is needed."""
    code = "import sys; from bpsearch import Client; Client('http://127.0.0.1:1', 'x'); print({*sys.modules} & {HEAVY})"
    code = code.replace("{HEAVY}", str({"pandas", "numpy", "sklearn", "optuna", "mlflow", "sqlalchemy", "bpmodel"}))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
