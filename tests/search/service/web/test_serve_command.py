"""`bpsearch serve` as it is: how it ends, and what another user of the machine sees of it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from tests.fuzz.parts import service

pytestmark = pytest.mark.slow

ANOTHER = """
import http.client, json, os, socket, ssl, sys, urllib.request
"x".encode("idna")  # loads what a connection needs: the other user may not be able to read this Python
ssl.create_default_context()
os.setgid(65534); os.setuid(65534)
ports, pids, files, web = json.loads(sys.argv[1])
for name in files:
    try:
        open(name, "rb").read(1)
    except PermissionError:
        continue
    sys.exit(f"{name} can be read")
for pid in pids:
    for name in ("environ", "mem", "fd/0"):
        try:
            open(f"/proc/{pid}/{name}", "rb").read(1)
        except OSError:
            continue
        sys.exit(f"{name} of {pid} can be read")

def said(port, secure, sent):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
            connection = plain
            if secure:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                connection = context.wrap_socket(plain)
            if sent:
                connection.sendall(sent)
            return connection.recv(1000)
    except OSError:
        return b""

found = {}
for port in ports:
    get = b"GET %b HTTP/1.1\\r\\nHost: 127.0.0.1:%d\\r\\nConnection: close\\r\\n\\r\\n"
    paths = (b"/", b"/status", b"/json/identity.json", b"/info/main/workers.html", b"/metrics", b"/v1/studies", b"/mlflow/")
    statuses = {said(port, False, get % (path, port))[9:12].decode() for path in paths}
    found[port] = [sorted(statuses), said(port, True, b"").decode("latin-1")]
print(json.dumps(found))
"""


@pytest.fixture
def home(monkeypatch):
    """A folder that everybody may enter, and only that of the service is not."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    before = os.umask(0o022)
    yield folder
    os.umask(before)
    shutil.rmtree(folder)


def family(running):
    return [psutil.Process(running.process.pid), *running.coordinators(), *running.workers()]


def test_it_ends_in_order_and_leaves_nothing(home):
    with service.service(home, "--workers", "1") as running:
        address, token = (home / "studies/service" / name for name in ("address", "token"))
        url = service.until(lambda: address.exists() and address.read_text().strip(), "it serves")
        service.until(running.workers, "it has workers")
        service.until(lambda: "page:" in running.said.read_text(), "it says where")
        assert f"page:     {url}/?token={token.read_text().strip()}" in running.said.read_text()
        assert running.stop() == 128 + signal.SIGTERM
        service.until(running.is_gone, "nothing is left of it", 20)
        assert not address.exists()
        said = running.said.read_text().splitlines()
        assert said[-1] == "stopped: finished trials are kept; bpsearch serve goes on where it was"
        assert "Traceback" not in "\n".join(said)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no /proc on this system")
def test_another_user_reads_nothing_and_gets_in_nowhere(home):
    with service.service(home, "--workers", "1") as running:
        address = home / "studies/service/address"
        url = service.until(lambda: address.exists() and address.read_text().strip(), "it serves")
        service.until(running.workers, "it has a worker")
        everyone = family(running)
        ports = {
            each.laddr.port: process.pid
            for process in everyone
            for each in process.net_connections("tcp")
            if each.status == psutil.CONN_LISTEN
        }
        web = int(url.rpartition(":")[2])
        assert web in ports
        assert len(ports) >= 3, "there are those of Dask"
        secret = (home / "studies/service/token").read_text().strip()
        for process in everyone:
            assert secret not in " ".join(process.cmdline())
            assert "BEGIN" not in " ".join(process.cmdline()), "no key of Dask either"
        files = [str(path) for path in (home / "studies/service").iterdir() if path.is_file()]
        assert {Path(each).name for each in files} >= {"token", "queue.db", "address"}
        asked = json.dumps([list(ports), [each.pid for each in everyone], files, web])
        done = subprocess.run(
            [sys.executable, "-c", ANOTHER, asked], cwd="/", capture_output=True, text=True, timeout=service.PATIENCE
        )
        assert done.returncode == 0, done.stderr
        found = {int(port): told for port, told in json.loads(done.stdout).items()}
        assert found.pop(web) == [["401"], ""]
        for port, (statuses, said) in found.items():
            assert set(statuses) <= {"", "404"}, f"port {port} answers over HTTP"
            assert said == "", f"port {port} talks to whoever has no key"
