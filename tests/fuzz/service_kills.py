"""A service is killed several times, or its coordinator or a worker is, or one is stopped for a while; then it is left in peace.

In the end the study is done: each trial is there once, in the journal and in MLflow, with one parent run, none running, and one
version of the model. Nothing that a service has started outlives it.
"""

import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil

from search.service.states import FAILED
from tests.fuzz.parts import service, whole

NAME = "service_kills"
FAULTS = 6
"""In one attempt, at most."""

GOAL, SHORT = 50, 1
SECONDS = 900.0
LONGEST = 9.0
"""Seconds after the last fault, or the start of the service, within which the next one comes."""

STOPPED = 2.0
"""Seconds for which a process is stopped, at most."""


def attempt(seed: int, number: int, folder: Path) -> str | None:
    """Run one study of a service, with faults."""
    chance = random.Random(seed * 1_000_003 + number)
    home, name = folder / "project", f"served-{seed}-{number}"
    home.mkdir()
    file = whole.prepare(home, name)
    uri = f"sqlite:///{home}/mlruns/mlflow.db"
    submitted = service.run(home, "submit", file, MLFLOW_TRACKING_URI=uri)
    if submitted.returncode:
        return f"submit: exit {submitted.returncode}: {submitted.stderr[-300:]}"
    done: list[str] = []
    while len(done) < FAULTS:
        with service.service(home, "--workers", "1", MLFLOW_TRACKING_URI=uri) as running:
            _disturb(running, chance, done)
            running.kill()
            service.until(running.is_gone, f"all of the service has ended after {done}", 60)
    if (
        service.state(home, name) == FAILED
    ):  # three kills in a row, without a trial between them, are enough for the service
        service.run(home, "resume", name)
    with service.service(home, "--workers", "1", MLFLOW_TRACKING_URI=uri) as running:
        service.until(lambda: service.has_ended(home, name), f"the study has ended after {done}")
        service.until(running.serves, "the service has started")  # the study may have ended before
        code = running.stop()
        if code != 128 + signal.SIGTERM:
            return f"the service ended with {code} after {done}"
    with service.queue(home) as opened:
        row = opened.get(name)
    if row.state != "done":
        return f"{row.state}: {row.reason} after {done}"
    found = whole.faults(uri, name, home)
    return found and f"{found} after {done}"


def _disturb(running: service.Service, chance: random.Random, done: list[str]) -> None:
    """Kill or stop coordinators and workers of a service, until it is the service's own turn."""
    while len(done) < FAULTS:
        time.sleep(chance.uniform(0, LONGEST))
        who = chance.choice(["service", "coordinator", "coordinator", "worker"])
        how = chance.choice(["kill", "kill", "stop"])
        done.append(f"{how} {who}")
        if who == "service" and how == "kill":
            return
        victims = {
            "service": [psutil.Process(running.process.pid)],
            "coordinator": running.coordinators(),
            "worker": running.workers(),
        }[who]
        with suppress(psutil.Error, IndexError):  # it is between two of them
            victim = victims[0]
            if how == "kill":
                victim.kill()
                continue
            victim.suspend()
            time.sleep(chance.uniform(0, STOPPED))
            victim.resume()
