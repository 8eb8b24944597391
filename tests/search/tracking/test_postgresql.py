"""A study in a real PostgreSQL, which is killed in between: it is all there, each trial once, and the password nowhere."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from search.loop import journal
from search.study import study_file
from search.tracking import MLflowTracker, again, waiting
from search.tracking.servers import knock
from search.trials.outcomes import VERDICTS
from search.tuning import tune

pytestmark = pytest.mark.slow  # a database is made, started, killed and started again

PASSWORD = "S3cretPassw0rd"
TRIALS = 10
STUDY = f"""\
# Trials of a few epochs, some of which diverge.
name = "houses"
data = {{ source = "sklearn:diabetes", task = "regression" }}
model = {{ max_iter = 4, solver = "sgd" }}
cv = {{ n_splits = 2 }}
search = {{ method = "random", n_trials = {TRIALS}, n_seeds = 1, n_jobs = 1 }}
space = {{ learning_rate_init = {{ low = 0.001, high = 10.0, log = true }} }}
"""


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; Debian does not put them on the path."""
    found = [*filter(None, [shutil.which("initdb")]), *Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return Path(found[0]).resolve().parent if found else None


def owner() -> str | None:
    """Return who runs the database: it refuses root."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return "nobody"


class Database:
    """A PostgreSQL on the loopback interface, which can be killed and started again."""

    def __init__(self, folder: Path, port: int, wait_for) -> None:
        self.folder, self.port, self.wait_for, self.programs = folder, port, wait_for, programs()
        self.uri = f"postgresql+psycopg2://me:{PASSWORD}@127.0.0.1:{port}/postgres"
        (folder / "password").write_text(PASSWORD)
        if owner():
            shutil.chown(folder, owner())
            shutil.chown(folder / "password", owner())
        self._run("initdb", "-D", folder / "data", "-U", "me", "-A", "scram-sha-256", "--pwfile", folder / "password")

    def _run(self, name: str, *arguments: object) -> None:
        command = [self.programs / name, *map(str, arguments)]
        subprocess.run(command, cwd=self.folder, user=owner(), check=True, capture_output=True)

    def start(self) -> None:
        arguments = ["-D", self.folder / "data", "-p", self.port, "-h", "127.0.0.1", "-k", self.folder]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", *map(str, arguments)],
                cwd=self.folder,
                user=owner(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_for(self.is_open, 180)

    def is_open(self) -> bool:
        if self.process.poll() is not None:  # what is left of one that was killed has not ended yet
            self.start()
        with suppress(OSError):
            knock(self.uri, 1.0)
            return True
        return False

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.process.send_signal(number)
        self.process.wait(60)

    def dump(self) -> str:
        command = [self.programs / "pg_dump", self.uri.replace("+psycopg2", "")]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=self.folder).stdout


@pytest.fixture
def database(free_port, wait_for) -> Iterator[Database]:
    if programs() is None or importlib.util.find_spec("psycopg2") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("PostgreSQL or psycopg2 is not installed")
    # pytest's own folders are closed to other users
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        made = Database(Path(folder), free_port(), wait_for)
        made.start()
        yield made
        made.kill(signal.SIGQUIT)


@pytest.fixture
def record(database, monkeypatch, wait_for) -> list[str]:
    """Kill the database before the fourth trial is written, and start it again once that is told; return what was told."""
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.5)
    monkeypatch.setattr(again, "LONGEST_SECONDS", 0.5)
    told: list[str] = []
    monkeypatch.setattr(waiting, "tell", told.append)
    known = MLflowTracker.record

    def record(self, outcome, value) -> None:
        if outcome.number == 3:
            self.flush()
            told.clear()
            database.kill()
        known(self, outcome, value)
        if outcome.number == 6:
            wait_for(lambda: told, 120)
            database.start()

    monkeypatch.setattr(MLflowTracker, "record", record)
    return told


def test_a_database_that_is_killed_in_mid_study_has_all_of_it_once_bug(
    database, record, tmp_path, mlflow, capfd, monkeypatch
):
    """The first lost connection ended the writing, and MLflow wrote 800 lines of tracebacks to the terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database.uri)
    (tmp_path / "houses.toml").write_text(STUDY)
    tune(study_file.load(tmp_path / "houses.toml"))
    assert len(record) == 1
    assert record[0].startswith(
        f"MLflow at postgresql+psycopg2://***@127.0.0.1:{database.port}/postgres does not answer;"
    )

    client = mlflow.MlflowClient(database.uri, database.uri)
    runs = client.search_runs([client.get_experiment_by_name("houses").experiment_id])
    trials = {int(run.data.tags["trial"]): run for run in runs if "trial" in run.data.tags}
    assert (len(runs), sorted(trials)) == (TRIALS + 1, [*range(TRIALS)])
    outcomes = journal.read(tmp_path / "studies" / "houses.journal").outcomes
    status = {number: VERDICTS[outcome.verdict].run_status for number, outcome in outcomes.items()}
    assert {number: run.info.status for number, run in trials.items()} == status
    assert client.get_model_version_by_alias("houses", "champion").version in (1, "1")

    said = capfd.readouterr()
    assert "Traceback" not in said.out + said.err
    assert PASSWORD not in said.out + said.err + "".join(record) + database.dump()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
