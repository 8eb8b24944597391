"""The two ways in: HTTP for whoever has the token, and standard input and output of a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

from search.errors import StudyError
from search.service.mcp import serving
from search.service.place import Place

ROOT = Path(__file__).parents[4]
COMMAND = ["-m", "search", "mcp"]
TOKEN = "the-token-of-the-service"


def ask(gate, **headers):
    """Return status and body of the answer to a request with these headers."""
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "scheme": "http", "method": "POST", "path": "/mcp", "query_string": b"", "headers": given}
    found = gate.answer(scope)
    return (200, "") if found is None else (found.status, found.text)


async def behind(scope, receive, send):
    raise AssertionError("nobody is behind")


def test_who_gets_in():
    gate = serving.TokenGate(behind, 8766, TOKEN)
    good = {"host": "127.0.0.1:8766", "authorization": f"Bearer {TOKEN}"}
    assert ask(gate, **good) == (200, "")
    assert ask(gate, host="127.0.0.1:8766") == (401, serving.UNKNOWN)
    assert ask(gate, host="127.0.0.1:8766", authorization="Bearer x") == (401, serving.UNKNOWN)
    assert ask(gate, **{**good, "host": "evil.example"})[0] == 403
    assert ask(gate, **good, origin="http://evil.example")[0] == 403
    assert "studies/service/token" in serving.UNKNOWN


def test_a_port_that_is_taken(free_port):
    port = free_port()
    with closing(serving.listen(port)) as listening:
        assert listening.getsockname() == ("127.0.0.1", port)
        with pytest.raises(
            StudyError, match=rf"^--http {port}: address already in use; allowed are free ports, such as"
        ):
            serving.listen(port)


def test_a_folder_without_a_queue(folder):
    desk = serving.desk_of(Place(), write=False)
    assert desk() is desk()
    assert desk().list() == []
    with pytest.raises(StudyError, match="there is no study 'a' in the queue, which is empty"):
        desk().status("a")
    desk().queue.close()
    assert not Place().folder.exists()
    assert serving.desk_of(Place(), write=True)().list() == []
    assert Place().exists


def test_without_the_package(command, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp", None)
    done = command("mcp")
    told = (
        "error: bpsearch mcp needs a package that is not installed (mcp); install it with: pip install 'bpsearch[mcp]'"
    )
    assert (done.code, done.out, done.err) == (2, "", told + "\n")


def test_http_needs_the_token_of_the_service(command, folder):
    done = command("mcp", "--http", "8766")
    assert (done.code, done.out) == (2, "")
    assert (
        done.err
        == "error: studies/service/token: there is no token; start it with bpsearch serve, or give one by token=\n"
    )


def environment() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}


@pytest.mark.slow
def test_a_client_starts_the_server_and_asks(finished, tmp_path):
    """The errors of calls and the noise of libraries are not in the protocol: the SDK's client would fail on them."""
    parameters = StdioServerParameters(command=sys.executable, args=COMMAND, cwd=finished, env=environment())

    async def main():
        async with Client(parameters) as client:
            assert client.server_info.name == "bpsearch"
            listed = [tool.name for tool in (await client.list_tools()).tools]
            answers = [
                await client.call_tool("report", {"name": "homes"}),
                await client.call_tool("predict", {"name": "homes", "rows": [{"area": 50, "rooms": 3}]}),
                await client.call_tool("compare", {"names": ["homes", "homes/1"]}),
                await client.call_tool("report", {"name": "none"}),
            ]
            report = await client.read_resource("bpsearch://studies/homes/report")
            return listed, [answer.is_error for answer in answers], report.contents[0].text

    listed, failed, report = anyio.run(main)
    assert "submit_study" not in listed
    assert failed == [False, False, False, True]
    assert report.startswith("<!DOCTYPE html>")


HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}


@pytest.mark.slow
@pytest.mark.parametrize(("sign", "code"), [(None, 0), (signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_it_ends_with_its_client_or_by_a_signal(finished, sign, code):
    process = subprocess.Popen(
        [sys.executable, *COMMAND],
        cwd=finished,
        env={**os.environ, **environment()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        process.stdin.write(b"this is no protocol\n" + json.dumps(HELLO).encode() + b"\n")
        process.stdin.flush()
        lines = [json.loads(process.stdout.readline())]
        if sign is None:
            process.stdin.close()
        else:
            process.send_signal(sign)
        assert process.wait(60) == code
        lines += [json.loads(line) for line in process.stdout]
        told = process.stderr.read().decode()
    assert any(line.get("id") == 1 and "result" in line for line in lines)
    assert "Traceback" not in told
    assert ("stopped" in told) is (sign is not None)


@pytest.mark.slow
def test_http_serves_who_has_the_token(finished, free_port):
    """A request without it, and one for another host, get nothing."""
    import requests

    place = Place(finished / "studies" / "service").made()
    place.token.write_text(TOKEN)
    place.token.chmod(0o600)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, *COMMAND, "--http", str(port)],
        cwd=finished,
        env={**os.environ, **environment()},
        stdout=subprocess.PIPE,
    )
    with process:
        first = process.stdout.readline().decode()
        assert first == f"MCP: http://127.0.0.1:{port}/mcp  (Ctrl-C stops it)\n"
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_studies", "arguments": {}}}
        accept = {"Accept": "application/json, text/event-stream"}
        good = {**accept, "Authorization": f"Bearer {TOKEN}"}

        def post(headers, body=None):
            data = json.dumps(asked) if body is None else body
            return requests.post(
                f"http://127.0.0.1:{port}/mcp",
                data=data,
                headers={"Content-Type": "application/json", **headers},
                timeout=30,
            )

        assert "homes" in post(good).json()["result"]["content"][0]["text"]
        assert [post(headers).status_code for headers in (accept, {**good, "Host": "evil.example"})] == [401, 403]
        assert post(good, b"x" * (serving.MOST_BYTES + 1)).status_code == 413
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", port))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, 143)
    place.token.unlink()
