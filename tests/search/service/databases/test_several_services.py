"""Two services with folders of their own, and one PostgreSQL: either may be killed or stand still. No trial is lost."""

import json
import os
import shutil
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from search.loop.database.journal import DatabaseJournal
from search.project import store as project
from search.service.states import ENDED
from tests.fuzz.parts import service

pytestmark = [pytest.mark.slow, pytest.mark.cluster]

N_TRIALS = 600


@pytest.fixture
def homes(write, folder, store, monkeypatch, tmp_path):
    """Two folders of one project, as on two machines: a store, a place for copies of data, and MLflow are shared."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv(project.VARIABLE, store)
    monkeypatch.setenv(project.COPIES, str(tmp_path / "copies"))
    write("first", n_trials=N_TRIALS)
    write("second", n_trials=N_TRIALS)
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy("bpsearch.toml", other) if Path("bpsearch.toml").exists() else None
    return Path.cwd(), other


def row(home, name):
    return json.loads(service.run(home, "status", name, "--json").stdout)


def has_ended(home, name):
    return row(home, name)["state"] in ENDED


def trials(store, name):
    content = DatabaseJournal(store, name).content()
    return sorted(trial.user_attrs["number"] for trial in content.trials) if content else []


def has(store, name, count):
    journal = DatabaseJournal(store, name)
    return journal.exists() and len(trials(store, name)) >= count


def test_studies_go_on_elsewhere_when_a_service_is_killed_or_stands_still(homes, store):
    first, second = homes
    for name in ("first", "second"):
        done = service.run(first, "submit", f"studies/{name}.toml")
        assert done.returncode == 0, done.stderr
    with ExitStack() as stack:
        here = stack.enter_context(service.service(first, "--workers", "1", "--at-once", "1"))
        service.until(lambda: row(first, "first")["state"] == "running", "one of them runs")
        there = stack.enter_context(service.service(second, "--workers", "1", "--at-once", "1"))
        service.until(lambda: row(first, "second")["state"] == "running", "the other one runs elsewhere")
        for name in ("first", "second"):
            service.until(lambda name=name: has(store, name, 5), "both have trials")

        token = (first / "studies/service/token").read_text()
        assert token != (second / "studies/service/token").read_text()

        here.kill()
        for each in here.coordinators():
            each.kill()
        there_coordinator = there.coordinators()[0]
        here = stack.enter_context(service.service(first, "--workers", "1", "--at-once", "2"))
        service.until(lambda: here.coordinators(), "the study of the service that was killed goes on")

        for each in (there.process.pid, there_coordinator.pid):
            os.kill(each, signal.SIGSTOP)
        service.until(lambda: len(here.coordinators()) == 2, "that of the one that stands still is taken over")
        service.until(lambda: has(store, "second", N_TRIALS // 2) or has_ended(first, "second"), "it goes on")
        for each in (there.process.pid, there_coordinator.pid):
            os.kill(each, signal.SIGCONT)
        for name in ("first", "second"):
            service.until(lambda name=name: has_ended(first, name), f"{name} ends")
            assert row(first, name)["state"] == "done"
            assert trials(store, name) == list(range(N_TRIALS))
        service.until(lambda: not there.coordinators(), "what was taken over has ended there")
    found = service.run(first, "verify")
    assert found.returncode == 0, found.stdout + found.stderr
