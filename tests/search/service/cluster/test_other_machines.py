"""A scheduler and workers on other machines: they join, get the data, die and come back, and no trial is lost or doubled."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from search import cli
from search.loop import journal
from search.service.place import Place
from tests.docs.blocks import blocks, commands
from tests.fuzz.parts import hosts, service

pytestmark = [pytest.mark.slow, pytest.mark.cluster]

PORT = "18786"


@pytest.fixture
def home(write, folder, monkeypatch) -> Path:
    """A project whose MLflow store is in it."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return folder


class Site:
    """Two machines: a scheduler and the project's folder on the first one, workers on the second."""

    def __init__(self, home: Path, logs: Path, first: hosts.Host, second: hosts.Host) -> None:
        self.home, self.logs, self.first, self.second = home, logs, first, second
        self.keys = logs / "keys"
        _, *made = self.written("bpsearch certificates")
        assert cli.main(made) == 0

    def written(self, beginning: str, *more: str) -> list[str]:
        """Return a command of the documents, with the address and the folder of this site."""
        (words,) = [words for words in WRITTEN if words[: beginning.count(" ") + 1] == beginning.split()]
        here = [word.replace("10.0.0.1", self.first.address).replace("8786", PORT) for word in words]
        return [re.sub(r"^keys\b", str(self.keys), word) for word in here] + list(more)

    def scheduler(self) -> subprocess.Popen[bytes]:
        """Start a scheduler."""
        started = self.first.start(self.logs / "scheduler.log", *_program(self.written("dask scheduler")))
        hosts.listens(self.logs / "scheduler.log", "Scheduler at:")
        return started

    def worker(self, *more: str, log: str = "worker", **environment: str) -> subprocess.Popen[bytes]:
        """Start workers."""
        command = _program(self.written("bpsearch worker", *more))
        return self.second.start(self.logs / f"{log}.log", *command, **environment)

    def serve(self) -> subprocess.Popen[bytes]:
        """Start the service."""
        return self.first.start(self.home / "serve.log", *_program(self.written("bpsearch serve")))

    def submit(self, path: Path) -> None:
        done = service.run(self.home, "submit", str(path))
        assert done.returncode == 0, done.stderr

    def trials(self, name: str) -> list[int]:
        path = self.home / "studies" / f"{name}.journal"
        stored = journal.read(path) if path.exists() else None
        return [] if stored is None else sorted(stored.outcomes)

    def processes(self, started: subprocess.Popen[bytes]) -> list[psutil.Process]:
        """The processes that train."""
        family = psutil.Process(started.pid).children(recursive=True)
        return [each for each in family if any("spawn_main" in part for part in each.cmdline())]


WRITTEN = [
    words
    for block in blocks("docs/scale.md")
    if block.language == "sh"
    for words in commands(block)
    if "--copies" not in words
]


def _program(words: list[str]) -> list[str]:
    """Return a command whose program is run by this Python."""
    program, *arguments = words
    module = {"bpsearch": ["search"], "dask": ["dask.__main__"]}[program]
    return [sys.executable, "-P", "-m", *module, *arguments]


@pytest.fixture
def site(home, tmp_path_factory):
    logs = tmp_path_factory.mktemp("site")
    with hosts.two(home) as (first, second):
        yield Site(home, logs, first, second)


def test_workers_join_get_the_data_die_and_a_scheduler_comes_back(site, write):
    scheduler = site.scheduler()
    site.submit(write("first", n_trials=400))
    site.serve()
    until = service.until
    until(lambda: "no worker is connected" in _log(site, "first"), "it says that it waits for a worker")
    assert site.trials("first") == []

    workers = site.worker("--workers", "2")
    until(lambda: len(site.trials("first")) > 20, "workers that have joined are used")
    assert "working:  2 processes" in (site.logs / "worker.log").read_text()
    site.processes(workers)[0].kill()
    until(lambda: len(site.trials("first")) > 120, "others go on")

    scheduler.kill()
    until(lambda: "tried again" in service_reason(site, "first"), "a scheduler that is gone is waited for")
    site.scheduler()
    until(lambda: service.has_ended(site.home, "first"), "the workers have come back, and the study ends")
    assert service.state(site.home, "first") == "done"
    assert site.trials("first") == list(range(400))
    assert "killed" not in _log(site, "first")

    workers.send_signal(signal.SIGTERM)
    assert workers.wait(60) == 128 + signal.SIGTERM
    said = (site.logs / "worker.log").read_text().splitlines()
    assert [line.split("  ")[0] for line in said] == [
        "working:",
        "the scheduler is gone; it is tried again",
        "working:",
        "stopped: what was running runs again elsewhere",
    ]


def test_a_trial_that_no_worker_can_hold_is_not_sent(site, write):
    site.scheduler()
    workers = site.worker("--workers", "1", "--memory", "1500MB")
    hosts.listens(site.logs / "worker.log", "working:")
    path = write("wide", n_trials=3)
    text = (
        path.read_text().replace("hidden_layer_sizes = 4\n", "").replace("n_trials = 3", "n_trials = 3\nprune = false")
    )
    path.write_text(
        text.replace("[space]", "[space]\nhidden_layer_sizes = [[4], [9000, 9000]]").replace('"random"', '"grid"')
    )
    site.serve()
    site.submit(path)
    service.until(lambda: service.has_ended(site.home, "wide"), "it ends")
    verdicts = {o.verdict for o in journal.read(site.home / "studies/wide.journal").outcomes.values()}
    assert {"ok", "error"} <= verdicts <= {"ok", "error", "diverged"}
    reasons = {
        o.reason for o in journal.read(site.home / "studies/wide.journal").outcomes.values() if o.verdict == "error"
    }
    (reason,) = reasons
    assert "it takes about" in reason
    assert "the workers have up to 1." in reason
    assert all(each.create_time() for each in site.processes(workers))


def test_workers_with_other_versions_are_refused_by_name(site, write, tmp_path_factory):
    """A worker whose NumPy says that it is another one."""
    other = tmp_path_factory.mktemp("other") / "numpy-0.1.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.1\n")
    site.scheduler()
    site.worker("--workers", "1", log="other", PYTHONPATH=os.pathsep.join([str(other.parent), *sys.path]))
    hosts.listens(site.logs / "other.log", "working:")
    refused = site.serve()
    assert refused.wait(60) == 2
    said = (site.home / "serve.log").read_text()
    assert "has numpy 0.1 (the service has " in said

    site.worker("--workers", "1")
    hosts.listens(site.logs / "worker.log", "working:")
    assert Place(site.home / "studies/service").made()


def _log(site: Site, name: str) -> str:
    return (
        Place(site.home / "studies/service").log(name).read_text()
        if Place(site.home / "studies/service").log(name).exists()
        else ""
    )


def service_reason(site: Site, name: str) -> str:
    done = service.run(site.home, "status", name, "--json")
    return json.loads(done.stdout).get("reason") or ""
