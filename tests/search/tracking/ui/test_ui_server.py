"""The UI, really served: what is open without the token, what works with it, what another user sees, and how it ends."""

import http.cookiejar
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from search.tracking import Header, MLflowTracker, Report, stores

pytestmark = pytest.mark.slow  # a server takes some seconds to start

SEARCH = "/ajax-api/2.0/mlflow/experiments/search"
UI = "import sys; from search import cli; sys.exit(cli.main(['ui', *sys.argv[1:]]))"
WITHOUT_INSIDES = """
import sys
sys.modules["mlflow.server.fastapi_app"] = None  # as if it had gone
import uvicorn, mlflow.server.handlers
del mlflow.server.handlers.initialize_backend_stores
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory, empty_database):
    """A folder with a study that has a picture."""
    from matplotlib.figure import Figure

    folder = tmp_path_factory.mktemp("project")
    (folder / "mlruns").mkdir()
    shutil.copy(empty_database, folder / "mlruns" / "mlflow.db")
    tracker = MLflowTracker(f"sqlite:///{folder}/mlruns/mlflow.db")
    tracker.begin(Header("prices", "one", {}))
    tracker.finish(Report({}, {}, "", figures={"history": Figure()}))
    tracker.end("FINISHED")
    return folder


def server_of(address):
    return "{0.scheme}://{0.netloc}".format(urlsplit(address))


def token_of(address):
    (token,) = parse_qs(urlsplit(address).query)["token"]
    return token


@contextmanager
def serving(folder, port, *arguments, before=""):
    """Serve a folder; yield the process and the address that it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    process = subprocess.Popen(
        [sys.executable, "-c", before + UI, "--port", str(port), *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    limit = threading.Timer(120, process.kill)  # so that nothing here waits for ever
    limit.start()
    try:
        line = process.stdout.readline()
        address = re.search(r"http://\S+", line)
        assert address, line + process.stdout.read()
        yield process, address[0]
    finally:
        limit.cancel()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def status(request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def request(address, path, method="GET", data=None, **headers):
    found = urllib.request.Request(server_of(address) + path, method=method)
    if data is not None:
        found.data = json.dumps(data).encode()
        found.add_header("Content-Type", "application/json")
    for name, value in headers.items():
        found.add_header(name, value)
    return found


@pytest.fixture(scope="module")
def running(project, free_port):
    with serving(project, free_port()) as (process, address):
        assert status(address) == 401  # without a place for cookies; the server answers from here on
        yield process, address


@pytest.fixture
def browser(running):
    """Visit the printed address as a browser does; return what opens further ones."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    with opener.open(running[1], timeout=60) as page:
        assert page.url == running[1].partition("?")[0]  # the token is in no history
        assert b'location.replace("/" + location.hash)' in page.read()
    with opener.open(server_of(running[1]) + "/", timeout=60) as page:
        assert b"<title>MLflow" in page.read()
    return opener


PATHS = ["/", "/health", "/version", SEARCH, SEARCH.replace("ajax-", ""), "/graphql", "/get-artifact", "/none"]
PATHS += ["/model-versions/get-artifact", "/static-files/x", "/ajax-api/2.0/mlflow/upload-artifact"]


@pytest.mark.parametrize("path", PATHS)
def test_nobody_gets_in_without_the_token(running, path):
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        assert status(request(running[1], path, method)) == 401, method


def test_what_an_attacker_did_without_a_password_bug(running, project):
    """An experiment with a location of its own, a model with a pickle, and the champion moved to it."""
    elsewhere = project / "elsewhere"
    for path, content in {
        "experiments/create": {"name": "evil", "artifact_location": elsewhere.as_uri()},
        "registered-models/create": {"name": "prices"},
        "model-versions/create": {"name": "prices", "source": elsewhere.as_uri()},
        "registered-models/alias": {"name": "prices", "alias": "champion", "version": "2"},
        "experiments/delete": {"experiment_id": "0"},
    }.items():
        for root in ("/api", "/ajax-api"):
            assert status(request(running[1], f"{root}/2.0/mlflow/{path}", "POST", content)) == 401
    assert not elsewhere.exists()


def test_a_socket_of_the_web_needs_the_token(running):
    host, _, port = server_of(running[1]).removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(
            f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert connection.recv(100).split()[1] in (b"401", b"403", b"400")


def test_the_ui_works_in_a_browser(running, browser):
    origin = server_of(running[1])
    asked = request(running[1], SEARCH, "POST", {"max_results": 10}, Origin=origin)
    with browser.open(asked, timeout=60) as answer:
        (experiment,) = [each for each in json.load(answer)["experiments"] if each["name"] == "prices"]
    asked = request(
        running[1], "/ajax-api/2.0/mlflow/runs/search", "POST", {"experiment_ids": [experiment["experiment_id"]]}
    )
    with browser.open(asked, timeout=60) as answer:
        (run,) = json.load(answer)["runs"]
    picture = request(running[1], f"/get-artifact?path=plots%2Fhistory.png&run_uuid={run['info']['run_id']}")
    with browser.open(picture, timeout=60) as answer:
        assert answer.read(4) == b"\x89PNG"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        browser.open(request(running[1], SEARCH, "POST", {"max_results": 10}, Origin="http://127.0.0.1:1"), timeout=60)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        browser.open(request(running[1], "/", Host="evil.example"), timeout=60)


@pytest.mark.parametrize("names", [["MLFLOW_TRACKING_TOKEN"], ["MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"]])
def test_mlflows_client_gets_in_with_the_token(running, mlflow, names, monkeypatch):
    uri, token = server_of(running[1]), token_of(running[1])
    for name in names:
        monkeypatch.setenv(name, token)
    stores.check(uri)
    assert "prices" in {each.name for each in mlflow.MlflowClient(uri).search_experiments()}


def test_files_that_are_uploaded_have_no_place_of_their_own(running, browser):
    """MLflow's proxy for artifacts would write to a folder beside the project's."""
    with pytest.raises(urllib.error.HTTPError, match="503"):
        browser.open(request(running[1], "/api/2.0/mlflow-artifacts/artifacts/x", "PUT", {}), timeout=60)


def test_experiments_that_are_made_in_the_ui_are_in_mlruns(running, browser, project):
    made = request(running[1], "/ajax-api/2.0/mlflow/experiments/create", "POST", {"name": "made"})
    with browser.open(made, timeout=60) as answer:
        number = json.load(answer)["experiment_id"]
    with browser.open(
        request(running[1], f"/api/2.0/mlflow/experiments/get?experiment_id={number}"), timeout=60
    ) as answer:
        place = json.load(answer)["experiment"]["artifact_location"]
    assert place.startswith((project / "mlruns" / "artifacts").resolve().as_uri())


def test_it_is_one_process_that_tells_the_token_to_nobody(running, project):
    process, address = running
    token = token_of(address)
    if not Path("/proc").is_dir():
        pytest.skip("there is no /proc on this system")
    about = Path(f"/proc/{process.pid}")
    assert (about / "task" / str(process.pid) / "children").read_text() == ""
    assert token.encode() not in (about / "cmdline").read_bytes()
    assert token.encode() not in (about / "environ").read_bytes()
    assert not [path for path in project.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]


READ = """
import os, sys, urllib.request, urllib.error
"x".encode("idna")  # loads what a connection needs: the other user may not be able to read this Python
os.setgid(65534); os.setuid(65534)
pid, address = sys.argv[1:]
for name in ("environ", "mem", "maps", "fd/0"):
    try:
        open(f"/proc/{pid}/{name}", "rb").read(1)
    except OSError:
        continue
    sys.exit(f"{name} can be read")
print(open(f"/proc/{pid}/cmdline").read())
try:
    urllib.request.urlopen(address, timeout=60)
except urllib.error.HTTPError as error:
    print(error.code)
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no /proc on this system")
def test_another_user_neither_finds_the_token_nor_gets_in(running):
    process, address = running
    clean = server_of(address)
    asked = [sys.executable, "-c", READ, str(process.pid), clean]
    done = subprocess.run(asked, cwd="/", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "401"
    assert token_of(address) not in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_when_it_is_stopped_nothing_goes_on_serving(project, free_port, number):
    """Fourteen processes went on after a kill."""
    port = free_port()
    with serving(project, port) as (process, address):
        assert status(address) == 401
        process.send_signal(number)
        told = process.stdout.read()  # ends when the last process that could write does
        assert process.wait(60) == {signal.SIGINT: 130}.get(number, process.returncode)
        assert process.returncode != 0
        assert "Traceback" not in told
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port), timeout=60)


def test_without_a_token_everybody_on_this_machine_gets_in(project, free_port):
    with serving(project, free_port(), "--no-token") as (process, address):
        assert "every user of this machine" in process.stdout.readline()
        assert status(address) == 200
        assert status(request(address, "/", Host="evil.example")) == 403
        assert status(request(address, SEARCH, "POST", {"max_results": 1}, Origin="http://evil.example")) == 403


def test_the_ui_needs_no_insides_of_mlflow(project, free_port):
    with serving(project, free_port(), before=WITHOUT_INSIDES) as (_, address):
        assert status(address) == 401
        token = token_of(address)
        asked = request(address, SEARCH, "POST", {"max_results": 10}, Authorization=f"Bearer {token}")
        with urllib.request.urlopen(asked, timeout=60) as answer:
            assert "prices" in {each["name"] for each in json.load(answer)["experiments"]}
        assert status(request(address, "/", Authorization=f"Bearer {token}")) == 200
