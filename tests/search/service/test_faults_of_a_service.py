"""What a real service does while its disk is full, and while MLflow's server is away."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.loop import journal
from search.service.states import DONE, FAILED, QUEUED
from tests.fuzz.parts import served, service

pytestmark = pytest.mark.slow

N_TRIALS = 300


def trials(home, name):
    path = home / "studies" / f"{name}.journal"
    stored = journal.read(path) if path.exists() else None
    return [] if stored is None else sorted(stored.outcomes)


@pytest.fixture
def disk(folder, write) -> Iterator[Path]:
    """A project with a study, on a disk of its own, of 64 MB."""
    if getattr(os, "geteuid", lambda: 1)() != 0 or sys.platform != "linux":
        pytest.skip("only root can mount a small disk, and only on Linux in this way")
    disk = folder / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk]).returncode:
        pytest.skip("this user cannot mount a small disk")
    write("long", n_trials=N_TRIALS)
    for name in ("table.csv", "studies", "mlruns"):
        (shutil.copytree if (folder / name).is_dir() else shutil.copy)(folder / name, disk / name)
    yield disk
    os.chdir(folder)
    subprocess.run(["umount", "-l", disk], check=True)


def fill(disk):
    """Leave no byte of a disk."""
    with (disk / "filler").open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while file.write(b"\0" * size) == size:
                    pass
            except OSError:
                continue


def differences(home, *arguments, **environment):
    """Return the kinds of what differs between journal, MLflow and files, and what has become of each."""
    done = service.run(home, "verify", "--json", *arguments, **environment)
    return [(each["kind"], each["state"]) for each in json.loads(done.stdout)["differences"]]


def test_a_full_disk(disk):
    assert service.run(disk, "submit", "studies/long.toml").returncode == 0
    with service.service(disk, "--workers", "1") as running:
        service.until(lambda: len(trials(disk, "long")) > 5, "it has trials")
        fill(disk)
        service.until(lambda: not running.coordinators(), "the study stops")
        assert running.process.poll() is None, "the service goes on"
        kept = trials(disk, "long")
        (disk / "filler").unlink()
        service.until(
            lambda: running.coordinators() or service.state(disk, "long") == FAILED, "the study is dealt with"
        )
        if service.state(disk, "long") == FAILED:
            assert "disk full" in service.run(disk, "status", "long").stdout
            assert service.run(disk, "resume", "long").returncode == 0
        service.until(lambda: service.state(disk, "long") == DONE, "it goes on once there is room")
        assert set(kept) <= set(trials(disk, "long"))
        assert running.stop() == 128 + signal.SIGTERM
    assert trials(disk, "long") == list(range(N_TRIALS))
    assert set(differences(disk)) <= {("folder_astray", "found")}  # of a run that found no room
    assert set(differences(disk, "--repair")) <= {("folder_astray", "repaired")}
    assert differences(disk) == []


@pytest.fixture
def away(folder, write, tmp_path, empty_database) -> Iterator[None]:
    """A service in mid-study whose MLflow server has just gone away; at the end, all is there once."""
    write("long", n_trials=N_TRIALS)
    with served.server(tmp_path / "server", empty_database) as target, served.proxied(target) as (uri, proxy):
        assert service.run(folder, "submit", "studies/long.toml", MLFLOW_TRACKING_URI=uri).returncode == 0
        with service.service(folder, "--workers", "1", MLFLOW_TRACKING_URI=uri) as running:
            service.until(lambda: len(trials(folder, "long")) > 5, "it has trials")
            proxy.fail("refused")
            yield
            proxy.arm()
            service.until(lambda: service.state(folder, "long") == DONE, "the study ends")
            assert running.stop() == 128 + signal.SIGTERM
        assert trials(folder, "long") == list(range(N_TRIALS))
        assert differences(folder, MLFLOW_TRACKING_URI=uri) == []


@pytest.mark.usefixtures("away")
def test_mlflow_that_is_away_for_a_while(folder):
    service.until(lambda: len(trials(folder, "long")) > N_TRIALS // 2, "the trials do not wait for MLflow")
    assert service.state(folder, "long") == "running"


@pytest.mark.usefixtures("away")
def test_mlflow_that_is_away_until_nobody_waits_any_longer(folder):
    """The study was failed, and waited for somebody to resume it."""

    def reason() -> str:
        with service.queue(folder) as queue:
            row = queue.get("long")
        return row.reason if row.state == QUEUED else ""

    assert "it is tried again" in service.until(reason, "its coordinator gives up", 300)
    assert trials(folder, "long") == list(range(N_TRIALS))
