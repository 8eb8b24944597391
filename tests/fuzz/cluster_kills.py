"""All of a cluster is killed or stopped at random: services, coordinators, workers, scheduler, PostgreSQL, MLflow's server.

Two services with folders of their own share a store, and a scheduler with workers. What is killed is started again. In the end
two studies are done: each trial is there once, in the store and in MLflow, and `verify` finds nothing.
"""

import json
import os
import random
import signal
import socket
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil

from search.loop.database.journal import DatabaseJournal
from search.project import store
from search.service.cluster import certificates
from search.service.states import ENDED
from tests.fuzz.parts import hosts, service
from tests.search import postgresql

NAME = "cluster_kills"
FAULTS = 14
GOAL, SHORT = 20, 1
SECONDS = 1500.0
LONGEST, STOPPED = 8.0, 25.0
"""Seconds between two faults, and for which something is stopped, at most: more than the length of a lease."""

N_TRIALS = 300
STUDIES = ("one", "two")
STUDY = """\
name = "{name}"
data = {{ source = "rows.csv", target = "y", task = "regression" }}
model = {{ max_iter = 5, hidden_layer_sizes = [4] }}
cv = {{ n_splits = 3 }}
search = {{ method = "random", n_trials = {n_trials}, n_members = 1, n_seeds = 1 }}
[space]
alpha = {{ low = 1e-5, high = 1.0, log = true }}
learning_rate_init = {{ low = 1e-3, high = 10.0, log = true }}
"""


def attempt(seed: int, number: int, folder: Path) -> str | None:
    """Run two studies, with faults."""
    chance = random.Random(seed * 1_000_003 + number)
    with ExitStack() as stack:
        site = Site(folder, stack)
        site.begin()
        done: list[str] = []
        while len(done) < FAULTS:
            time.sleep(chance.uniform(0, LONGEST))
            done.append(site.disturb(chance))
        return site.end(done)


class Site:
    """All that runs."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.homes = [folder / "first", folder / "second"]
        for home in self.homes:
            home.mkdir()
        self.logs, self._stack = folder, stack
        self.database = stack.enter_context(postgresql.started(_port(), _wait))
        uri = self.database.made("everything")
        os.environ["PGPASSWORD"] = postgresql.PASSWORD
        self.uri = store.checked(uri, "store")
        self.ports = {"scheduler": _port(), "mlflow": _port()}
        self.environment = {
            store.VARIABLE: uri,
            store.COPIES: str(folder / "copies"),
            "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{self.ports['mlflow']}",
        }
        certificates.make(folder / "keys", 2)
        self.running: dict[str, psutil.Process] = {}

    def begin(self) -> None:
        """Start everything, and submit the studies."""
        self.database.execute("CREATE SCHEMA mlflow", self.uri)
        for name in ("mlflow", "scheduler", "worker"):
            self.start(name)
        home = self.homes[0]
        rows = "".join(f"{i % 7},{i * i % 11},{i % 7 + 0.5 * (i * i % 11)}\n" for i in range(60))
        (home / "rows.csv").write_text("a,b,y\n" + rows)
        for name in STUDIES:
            (home / f"{name}.toml").write_text(STUDY.format(name=name, n_trials=N_TRIALS))
            service.until(lambda name=name: self.run("submit", f"{name}.toml").returncode == 0, "it is submitted")
        for name in ("service0", "service1"):
            self.start(name)

    def start(self, name: str) -> None:
        """Start one of the programs."""
        address = f"tls://127.0.0.1:{self.ports['scheduler']}"
        keys = self.logs / "keys"
        tls = [f"--tls-{key}={keys / file}" for key, file in FILES.items()]
        mlflow = f"{store.in_schema(self.uri, 'mlflow')}"
        port, cluster = str(self.ports["scheduler"]), [address, "--tls", str(keys)]
        own = ["--artifacts-destination", str(self.logs / "artifacts"), "--backend-store-uri", mlflow]
        quiet = ["--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
        serve = ["search", "serve", "--scheduler", *cluster, "--at-once", "1"]
        commands = {
            "mlflow": ["mlflow", "server", "--port", str(self.ports["mlflow"]), "--workers", "1", *own],
            "scheduler": [
                "dask",
                "scheduler",
                "--host",
                "127.0.0.1",
                "--port",
                port,
                "--protocol",
                "tls",
                *quiet,
                *tls,
            ],
            "worker": ["search", "worker", *cluster, "--workers", "2", "--folder", str(self.logs / "kept")],
            "service0": serve,
            "service1": serve,
        }
        home = self.homes[1 if name == "service1" else 0]
        started = hosts.Host("", "127.0.0.1").python(home / f"{name}.log", *commands[name], **self.environment)
        self._stack.callback(_end, started)
        self.running[name] = psutil.Process(started.pid)

    def disturb(self, chance: random.Random) -> str:
        """Kill or stop something; what was killed, and does not come back by itself, is started again."""
        whole = [*self.running, "database"]
        parts = {"a coordinator": "search.service.coordinator", "a worker": "spawn_main"}
        who = chance.choice([*whole, *parts, *parts])
        how = chance.choice(["kill", "kill", "stop"])
        with suppress(psutil.Error, IndexError):
            if who == "database":
                self.database.kill() if how == "kill" else self.database.kill(signal.SIGINT)
                time.sleep(chance.uniform(0, LONGEST))
                self.database.start()
            elif who in parts:
                self._fault(chance.choice(self._of(parts[who])), how, chance)
            else:
                self._fault(self.running[who], how, chance)
        for name, process in self.running.items():
            if not _lives(process):
                self.start(name)
        return f"{how} {who}"

    def _of(self, part: str) -> list[psutil.Process]:
        found = [child for each in self.running.values() if _lives(each) for child in each.children(recursive=True)]
        return [each for each in found if any(part in word for word in each.cmdline())]

    def _fault(self, victim: psutil.Process, how: str, chance: random.Random) -> None:
        if how == "kill":
            victim.kill()
            with suppress(psutil.TimeoutExpired):
                victim.wait(5)
            return
        victim.suspend()
        time.sleep(chance.uniform(0, STOPPED))
        victim.resume()

    def run(self, *words: str):
        """Run a command in the first folder."""
        return service.run(self.homes[0], *words, **self.environment)

    def state(self, name: str) -> str:
        """Return the state of a study; a failed one is resumed, as a user would."""
        done = self.run("status", name, "--json")
        found = json.loads(done.stdout).get("state", "") if done.returncode == 0 else ""
        if found == "failed":
            self.run("resume", name)
        return found

    def end(self, done: list[str]) -> str | None:
        """Wait until the studies are done; return what is wrong with them."""
        for name in STUDIES:
            service.until(lambda name=name: self.state(name) in ENDED - {"failed"}, f"{name} ends after {done}", 400)
            content = DatabaseJournal(self.uri, name).content()
            numbers = sorted(trial.user_attrs["number"] for trial in content.trials) if content else []
            if numbers != list(range(N_TRIALS)):
                return f"{name} has {len(numbers)} trials, {len(set(numbers))} different ones, after {done}"
        verified = self.run("verify")
        if verified.returncode:
            return f"verify: {verified.stdout[-600:]}{verified.stderr[-300:]} after {done}"
        said = "".join(path.read_text(errors="replace") for home in self.homes for path in home.glob("*.log"))
        return f"a traceback in a log after {done}" if "Traceback" in _own(said) else None


FILES = {"ca-file": "ca.pem", "cert": "certificate.pem", "key": "key.pem"}


def _own(said: str) -> str:
    """Return the logs without those of MLflow and Dask, whose servers print tracebacks when their database goes."""
    return "\n".join(line for line in said.splitlines() if "search/" in line)


def _wait(condition, seconds: float = 60.0) -> None:
    service.until(condition, "the database answers", seconds)


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _end(started) -> None:
    """Kill a program and all that it has started, in whatever sessions: MLflow's server has several."""
    family: list[psutil.Process] = []
    with suppress(psutil.Error):
        whole = psutil.Process(started.pid)
        family = [whole, *whole.children(recursive=True)]
    for each in family:
        with suppress(psutil.Error):
            each.kill()
    started.wait(60)


if __name__ == "__main__":
    print(attempt(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
