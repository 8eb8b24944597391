"""A real server that stops to answer, or is killed, in the middle of a study: it is told, and Ctrl-C works."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from search import tracking
from search.errors import StudyError

pytestmark = pytest.mark.slow  # a server takes ten seconds to start

ROOT = Path(__file__).parents[3]
TRIALS = 8
STUDY = f"""\
# Trials of a few epochs.
name = "%s"
data = {{ source = "sklearn:diabetes", task = "regression" }}
model = {{ max_iter = 8 }}
cv = {{ n_splits = 3 }}
search = {{ method = "random", n_trials = {TRIALS}, n_seeds = 1, n_jobs = 1 }}
space = {{ learning_rate_init = {{ low = 0.001, high = 0.1, log = true }} }}
"""

# what starts pytest may have it ignore SIGINT, and children inherit that
TUNE = """\
import itertools, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
place, count, number, server, patience = sys.argv[1], *map(int, sys.argv[2:6])
import bpsearch
from importlib import import_module
from search.tracking import waiting
waiting.LOOK_SECONDS, waiting.PATIENCE = 0.5, patience
if place:
    module, name = place.split(":")
    module = import_module(f"search.tracking.{module}")
    function, calls = getattr(module, name), itertools.count(1)
    def gone(*arguments, **more):
        if next(calls) == count:  # from several threads at once
            os.killpg(server, number)
        return function(*arguments, **more)
    setattr(module, name, gone)
sys.argv[1:] = ["tune", "gone.toml"]
sys.exit(bpsearch.main())
"""

PLACES = {
    "a trial": ("writers.client:write_one", 6),
    "registration": ("models.registration:register", 1),
    "the report": ("writers.client:finish", 1),
}


class Server:
    """An MLflow server on the loopback interface, which can be stopped, killed and started again."""

    def __init__(self, folder: Path, port: int, wait_for) -> None:
        self.folder, self.port, self.wait_for = folder, port, wait_for
        self.uri = f"http://127.0.0.1:{port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{self.folder}/server.db"]
        command += ["--artifacts-destination", f"{self.folder}/artifacts"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},  # half a dozen processes
            )
        self.wait_for(self.answers, 180)

    def answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with suppress(StudyError):
            tracking.check(self.uri)
            return True
        return False

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(60)

    def back(self) -> None:
        """Let it answer again, whatever it is that keeps it from that."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGCONT)
        else:
            self.start()


@pytest.fixture(scope="module")
def server(tmp_path_factory, empty_database, free_port, wait_for):
    """A server for all tests: each leaves it as it was, and has a study of its own."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "server.db").write_bytes(empty_database.read_bytes())
    made = Server(folder, free_port(), wait_for)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def tune(tmp_path, server):
    """Start the study in a process of its own; at a place, the server is sent a signal."""
    (tmp_path / "gone.toml").write_text(STUDY % name_of(tmp_path))
    started = []

    def tune(place: str = "", number: int = 0, patience: int = 600) -> subprocess.Popen:
        where, count = PLACES.get(place, ("", 0))
        arguments = [where, str(count), str(int(number)), str(server.process.pid), str(patience)]
        with (tmp_path / "out").open("w") as out, (tmp_path / "err").open("w") as err:
            started.append(
                subprocess.Popen(
                    [sys.executable, "-c", TUNE, *arguments],
                    cwd=tmp_path,
                    stdout=out,
                    stderr=err,
                    env=os.environ | {"PYTHONPATH": str(ROOT), "MLFLOW_TRACKING_URI": server.uri},
                )
            )
        return started[-1]

    yield tune
    for process in started:
        with process:
            process.kill()
    server.back()  # also after a failure


def name_of(folder: Path) -> str:
    """Return the name of the study of a test."""
    return re.sub(r"\W", "_", folder.name)


def in_journal(folder: Path) -> list[int]:
    lines = [json.loads(line) for line in (folder / f"studies/{name_of(folder)}.journal").read_text().splitlines()]
    return sorted(line["user_attrs"]["number"] for line in lines if line["op_code"] == 4)


def assert_complete(tune, folder: Path, mlflow, uri: str) -> None:
    """Let the study go on; each trial is there once, under one parent."""
    process = tune()
    assert process.wait(300) == 0, (folder / "err").read_text() + (folder / "out").read_text()
    assert in_journal(folder) == [*range(TRIALS)]
    client = mlflow.MlflowClient(uri)
    runs = client.search_runs([client.get_experiment_by_name(name_of(folder)).experiment_id])
    children = [run for run in runs if "trial" in run.data.tags]
    assert sorted(int(run.data.tags["trial"]) for run in children) == [*range(TRIALS)]
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert len(runs) == TRIALS + 1


@pytest.mark.parametrize(
    ("place", "number"),
    [("a trial", signal.SIGSTOP), ("registration", signal.SIGSTOP), ("the report", signal.SIGKILL)],
    ids=["a trial", "registration", "the report"],
)
def test_ctrl_c_while_the_server_is_gone(tune, server, tmp_path, mlflow, wait_for, place, number):
    """Ctrl-C had no effect for 243 s, nor had a second one, and there was no word for 510 s."""
    process = tune(place, number)
    wait_for(lambda: "does not answer" in (tmp_path / "err").read_text() or process.poll() is not None, 300)
    assert (tmp_path / "err").read_text() == f"MLflow at {server.uri} does not answer, waiting (Ctrl-C stops)\n"
    said = (tmp_path / "out").read_text()
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130  # MLflow's client alone takes minutes
    told = (tmp_path / "out").read_text().removeprefix(said).splitlines()
    assert told[-1] == "interrupted: finished trials are kept; run the same command again to continue"
    assert len(told) + len((tmp_path / "err").read_text().splitlines()[1:]) <= 2
    assert in_journal(tmp_path) == [*range(TRIALS)]
    server.back()
    assert_complete(tune, tmp_path, mlflow, server.uri)


@pytest.mark.parametrize("place", ["a trial", "registration"])
def test_a_server_that_does_not_come_back_ends_the_study_with_one_line(tune, server, tmp_path, mlflow, place):
    process = tune(place, signal.SIGSTOP, patience=3)
    assert process.wait(300) == 1
    (note,) = [line for line in (tmp_path / "out").read_text().splitlines() if line.startswith("note: ")]
    assert note.startswith(f"note:   MLflow at {server.uri} does not answer: waited ")
    assert (tmp_path / "err").read_text().count("does not answer") == 1
    server.back()
    assert_complete(tune, tmp_path, mlflow, server.uri)
