"""A real service: studies run, stop, go on, and survive what is killed."""

import json
import signal
import time
from pathlib import Path

import pytest

from search.errors import StudyError
from search.loop import journal
from search.service import serving
from search.service.place import Place
from tests.fuzz import service_kills
from tests.fuzz.parts import service, whole

pytestmark = pytest.mark.slow

MANY = 200_000
"""Trials of a study that does not end by itself: one takes a few milliseconds."""


@pytest.fixture
def home(write, folder, monkeypatch) -> Path:
    """A project whose MLflow store is in it."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return folder


def submit(home, path, *more):
    done = service.run(home, "submit", str(path), "--json", *more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def trials(home, name):
    path = home / "studies" / f"{name}.journal"
    stored = journal.read(path) if path.exists() else None
    return [] if stored is None else sorted(stored.outcomes)


def test_studies_run_beside_each_other_stop_and_go_on(home, write):
    for name, n_trials in (("long", MANY), ("short", 6), ("broken", 4)):
        submit(home, write(name, n_trials=n_trials))
    next((home / "studies/service/data").iterdir()).chmod(0o700)
    with service.queue(home) as queue, queue.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE studies SET text = replace(text, 'table.csv', 'gone.csv') WHERE name = 'broken'"
        )
    with service.service(home, "--workers", "1") as running:
        service.until(lambda: service.state(home, "short") == "done", "the short study does not wait for the long one")
        assert trials(home, "short") == list(range(6))
        service.until(lambda: service.state(home, "broken") == "failed", "a study without data fails")
        service.until(lambda: len(trials(home, "long")) > 3, "the long study has trials")
        assert service.state(home, "long") == "running"

        status = json.loads(service.run(home, "status", "long", "--json").stdout)
        assert status["trials"]["ok"] > 0
        assert status["best"] is not None
        said = service.run(home, "status", "broken").stdout
        assert "there is no file" in said
        assert "gone.csv" in said

        assert service.run(home, "pause", "long").stdout == "long: stopping, to be paused\n"
        service.until(lambda: service.state(home, "long") == "paused", "it is paused")
        assert running.coordinators() == []
        kept = trials(home, "long")
        assert kept == list(range(len(kept)))
        assert 0 < len(kept) < MANY

        submit(home, home / "studies/long.toml", "--trials", str(len(kept) + 4))
        assert service.run(home, "resume", "long").stdout == "long: queued\n"
        service.until(lambda: service.state(home, "long") == "done", "it goes on")
        assert trials(home, "long") == list(range(len(kept) + 4))
        followed = service.run(home, "logs", "long", "--follow")
        assert "stopped: finished trials are kept" in followed.stdout
        assert "Best of" in followed.stdout

        submit(home, home / "studies/long.toml", "--trials", str(MANY))
        service.until(lambda: service.state(home, "long") == "running", "more trials")
        assert service.run(home, "cancel", "long", "short").returncode == 2  # the short one is done
        service.until(lambda: service.state(home, "long") == "cancelled", "it is cancelled")
        assert "a service runs in this folder already" in service.run(home, "serve").stderr
        assert running.stop() == 128 + signal.SIGTERM
        service.until(running.is_gone, "nothing is left of it", 10)


def test_more_is_given_while_it_runs(home, write):
    path = write("grows", n_trials=3)
    submit(home, path)
    with service.service(home, "--workers", "1"):
        service.until(lambda: service.state(home, "grows") == "running", "it runs")
        submit(home, path, "--trials", "9")
        service.until(lambda: service.state(home, "grows") == "done", "it has ended")
        assert trials(home, "grows") == list(range(9))
        waited = service.run(home, "submit", str(path), "--trials", "11", "--wait")
        assert waited.returncode == 0
        assert "grows: done (is complete)" in waited.stdout
        assert trials(home, "grows") == list(range(11))


def test_a_service_that_is_killed_leaves_nothing_running(home, write):
    submit(home, write("long", n_trials=MANY))
    with service.service(home, "--workers", "1") as running:
        service.until(lambda: len(trials(home, "long")) > 1, "it has trials")
        assert running.coordinators()
        running.kill()
        service.until(running.is_gone, "all of it has ended", 30)
    assert not journal.running(home / "studies/long.journal")
    assert service.state(home, "long") == "running"  # nobody was left to say so
    kept = trials(home, "long")
    submit(home, home / "studies/long.toml", "--trials", str(len(kept) + 2))
    with service.service(home, "--workers", "1"):
        service.until(lambda: service.state(home, "long") == "done", "the next service goes on")
    assert trials(home, "long") == list(range(len(kept) + 2))


def test_a_service_that_a_script_starts_in_its_background_pauses_studies(home, write):
    """Shells have such programs ignore Ctrl-C, and the coordinators, which inherit that, ignored their own interruption."""
    submit(home, write("long", n_trials=MANY))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        started = service.Service(home, "--workers", "1")
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        service.until(lambda: trials(home, "long"), "it has trials")
        service.run(home, "pause", "long")
        service.until(lambda: service.state(home, "long") == "paused", "it is paused")
        assert started.stop() == 128 + signal.SIGTERM
    finally:
        started.end()


def test_a_coordinator_that_is_stopped_for_a_while_goes_on(home, write):
    submit(home, write("long", n_trials=400))
    with service.service(home, "--workers", "1") as running:
        service.until(lambda: trials(home, "long"), "it has trials")
        (coordinator,) = running.coordinators()
        coordinator.suspend()
        time.sleep(2)
        with pytest.raises(StudyError, match="in use by another run"), journal.held(home / "studies/long.journal"):
            pass
        coordinator.resume()
        service.until(lambda: service.state(home, "long") == "done", "it goes on")
        assert trials(home, "long") == list(range(400))


def test_a_service_is_alone_in_its_folder(folder):
    with serving.alone(Place()):
        Place().address.write_text("https://127.0.0.1:1\n")
        with (
            pytest.raises(StudyError, match=r"runs in this folder already at https://127\.0\.0\.1:1$"),
            serving.alone(Place()),
        ):
            pass
    with serving.alone(Place()):
        pass


def test_it_is_killed_again_and_again(tmp_path):
    """Quick: one of the attempts of the fuzz target `service_kills`, which counts trials and runs."""
    assert service_kills.attempt(1, 0, tmp_path) is None
    assert whole.TRIALS == 3
