"""The compose file: read, and its programs started without containers, until a study is done."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from search.project import store as project
from tests.fuzz.parts import hosts, service
from tests.search.postgresql import PASSWORD

ROOT = Path(__file__).parents[3]
COMPOSE = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text())
SERVICES = COMPOSE["services"]
OWN = [name for name, each in SERVICES.items() if each["image"] == "bpsearch"]
"""Those of our image; PostgreSQL is started by a fixture, and Caddy is not here."""


def test_whoever_needs_another_one_names_it_and_finds_its_volumes():
    for name, each in SERVICES.items():
        assert set(each.get("depends_on", ())) <= set(SERVICES), name
        assert {volume.split(":")[0] for volume in each.get("volumes", ())} <= set(COMPOSE["volumes"]), name
        assert each.get("network_mode", "service:service").partition(":")[2] in SERVICES


def test_nothing_is_published_but_the_page_on_this_machine():
    assert {name: each["ports"] for name, each in SERVICES.items() if "ports" in each} == {
        "service": ["127.0.0.1:8443:8443"]
    }


def test_the_image_has_all_extras_that_its_programs_need():
    text = (ROOT / "deploy/Containerfile").read_text()
    assert "'/src[cluster,postgres]'" in text
    assert all(f"image: {each['image']}" for each in SERVICES.values())
    steps = [line.split()[0] for line in text.splitlines() if re.match(r"[A-Z]+ ", line)]
    assert steps[0] == "FROM"
    assert "USER" in steps
    assert steps.index("USER") < max(place for place, step in enumerate(steps) if step == "RUN")


class Machine:
    """The services of the file as processes of this machine."""

    def __init__(self, folder: Path, uri: str, ports: dict[str, int]) -> None:
        self.folder, self.host = folder, hosts.Host("", "127.0.0.1")
        place = re.sub(r".*@", "me@", uri)
        self._here = {
            "bpsearch@postgres:5432/bpsearch": place,
            "mlflow:5000": f"127.0.0.1:{ports['mlflow']}",
            "--port 5000": f"--port {ports['mlflow']}",
            "scheduler:8786": f"127.0.0.1:{ports['scheduler']}",
            "--port 8786": f"--port {ports['scheduler']}",
            "--port 8000": f"--port {ports['service']}",
            "0.0.0.0": "127.0.0.1",
            "/home/bpsearch": str(folder),
        }
        (folder / "project").mkdir()
        self.environment = {
            key: self._translated(value).replace("${POSTGRES_PASSWORD:?}", PASSWORD)
            for key, value in SERVICES["service"]["environment"].items()
        }

    def _translated(self, text: str) -> str:
        for there, here in self._here.items():
            text = text.replace(there, here)
        return text

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Start the program of a service."""
        program, *arguments = shlex.split(self._translated(SERVICES[name]["command"]))
        found = {"sh": ["sh"], "mlflow": [sys.executable, "-m", "mlflow"], "dask": [sys.executable, "-m", "dask"]}
        command = [*found.get(program, [sys.executable, "-P", "-m", "search"]), *arguments]
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        log = self.folder / "project" / f"{name}.log"
        return self.host.start(log, *command, PATH=path, **self.environment)

    def says(self, name: str, words: str) -> None:
        hosts.listens(self.folder / "project" / f"{name}.log", words)


@pytest.mark.slow
@pytest.mark.cluster
def test_its_programs_run_a_study_together(folder, postgresql, store, free_port, monkeypatch, tmp_path_factory):
    postgresql.execute("CREATE SCHEMA IF NOT EXISTS mlflow", store)
    ports = {name: free_port() for name in ("mlflow", "scheduler", "service")}
    machine = Machine(tmp_path_factory.mktemp("machine"), store, ports)
    home = machine.folder / "project"
    for name in ("MLFLOW_TRACKING_URI", project.VARIABLE):
        monkeypatch.delenv(name, raising=False)
    try:
        assert machine.start("certificates").wait(60) == 0
        started = {name: machine.start(name) for name in OWN if name != "certificates"}
        assert set(started) == {"mlflow", "scheduler", "worker", "service"}
        machine.says("worker", "working:")
        machine.says("service", "page:")
        machine.says("mlflow", "Uvicorn running on")
        (home / "table.csv").write_text("a,b,y\n" + "".join(f"{i},{i * 7 % 11},{3 * i}\n" for i in range(60)))
        (home / "small.toml").write_text(STUDY)
        run = lambda *words: service.run(home, *words, **machine.environment)  # noqa: E731
        done = run("submit", "small.toml", "--wait", "--json")
        assert done.returncode == 0, done.stdout + done.stderr + run("logs", "small").stdout
        status = json.loads(run("status", "small", "--json").stdout)
        assert (status["state"], sum(status["trials"].values())) == ("done", 8)
        verified = run("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        for name in ("service", "worker"):
            started[name].send_signal(signal.SIGTERM)
            assert started[name].wait(60) == 128 + signal.SIGTERM
    finally:
        machine.host.end()


STUDY = """\
name = "small"
[data]
source = "table.csv"
target = "y"
task = "regression"
[model]
hidden_layer_sizes = 4
max_iter = 5
[space]
alpha = { low = 1e-5, high = 1.0, log = true }
[search]
method = "random"
n_trials = 8
n_members = 1
[cv]
n_splits = 3
"""
