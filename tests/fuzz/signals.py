"""SIGINT, SIGTERM and SIGHUP at any moment of a study, to the whole process group as from a terminal; then the study goes on."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path

NAME = "signals"
GOAL = 400
SHORT = 1  # tests/search/signals/test_signals_at_any_moment.py makes some more attempts
SECONDS = 240.0
"""Time after which an attempt hangs: it runs whole programs, which import for seconds."""

TRIALS = 6
STUDY = """\
# Six short trials.
name = "cut"
data = {{ source = "sklearn:diabetes", task = "regression" }}
model = {{ max_iter = 40, batch_size = 16, dtype = "float64" }}
cv = {{ n_splits = 3 }}
search = {{ method = "random", n_trials = {trials}, n_jobs = {jobs}, n_seeds = 1 }}
space = {{ learning_rate_init = {{ low = 0.001, high = 0.1, log = true }} }}
"""

# what starts this may have signals ignored, which children inherit
COMMAND = """\
import pathlib, signal, sys
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
pathlib.Path("started").touch()
from bpsearch import main
sys.exit(main())
"""

MOMENTS = ["start", "journal", *(f"trial {n}" for n in range(1, TRIALS + 1)), "parent", "model", "version", "report"]
NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
END_SECONDS = 60.0
"""Time in which a command must have ended after its first signal, on a machine with other work."""
HURRIED_SECONDS = 10.0
"""The same after its second one, which promises two seconds."""


@cache
def database() -> bytes:
    """Return an MLflow database without runs: making its tables takes seconds."""
    from search.tracking.writers import schema

    with tempfile.TemporaryDirectory() as folder:
        schema.create(Path(folder, "mlflow.db"))
        return Path(folder, "mlflow.db").read_bytes()


def attempt(seed: int, number: int, folder: Path) -> str | None:
    """Cut a study off by a signal, check what is left, and let it go on to its end."""
    chance = random.Random(f"{seed} {number}")
    moment, signum, jobs = MOMENTS[number % len(MOMENTS)], chance.choice(NUMBERS), chance.choice([1, 2])
    delay = chance.uniform(0, 4) if moment == "start" else chance.uniform(0, 0.8)
    twice = chance.random() < 0.25 and chance.uniform(0.0, 0.5)
    (folder / "cut.toml").write_text(STUDY.format(trials=TRIALS, jobs=jobs))
    if fresh := chance.random() < 0.9:  # otherwise the tables are made meanwhile
        (folder / "mlruns").mkdir()
        (folder / "mlruns" / "mlflow.db").write_bytes(database())
    process = start(folder)
    try:
        wait(lambda: (folder / "started").exists() or process.poll() is not None)
        wait(lambda: reached(folder, moment) or process.poll() is not None)
        time.sleep(delay)
        before, sent = written(folder), process.poll() is None
        code, late = interrupted(process, signum, twice if twice else None) if sent else (process.wait(), "")
    finally:
        process.kill()
        process.wait()
    what = f"{signum.name} {'twice ' if twice else ''}{delay:.2f} s after {moment}, {jobs} jobs{'' if fresh else ', no tables'}"
    fault = late or _fault(folder, code, signum, before, bool(twice))
    if fault is None:
        fault = _resumed(folder)
    return None if fault is None else f"{what}: {fault}"


def start(folder: Path) -> subprocess.Popen:
    """Start `bpsearch tune` in a folder, as the leader of its process group."""
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    with (folder / "out").open("ab") as out, (folder / "err").open("ab") as err:
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, "tune", "cut.toml"],
            cwd=folder,
            stdout=out,
            stderr=err,
            start_new_session=True,
            env=environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )


def interrupted(process: subprocess.Popen, number: int, twice: float | None) -> tuple[int, str]:
    """Send a signal, or two; return the exit code, and whether it came too late, in words."""
    os.killpg(process.pid, number)
    if twice is not None:
        time.sleep(twice)
        if process.poll() is None:
            os.killpg(process.pid, number)
    limit = END_SECONDS if twice is None else HURRIED_SECONDS
    try:
        return process.wait(limit), ""
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait(), f"no end within {limit:.0f} s"


def wait(condition: Callable[[], object], seconds: float = 90.0) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("waited in vain")
        time.sleep(0.01)


def written(folder: Path) -> list[str]:
    """Return all lines of output so far."""
    return [*(folder / "out").read_text().splitlines(), *(folder / "err").read_text().splitlines()]


def finished(folder: Path) -> list[int]:
    """Return the numbers of the trials in the journal, in order."""
    path = folder / "studies" / "cut.journal"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    whole = [json.loads(line) for line in lines if line.endswith("\n")]
    return [each["user_attrs"]["number"] for each in whole if each["op_code"] == 4]


def rows(folder: Path, query: str) -> list[tuple]:
    """Return the rows of a query of the MLflow database; none if it has no tables yet."""
    path = folder / "mlruns" / "mlflow.db"
    if not path.exists() or not path.stat().st_size:
        return []
    with closing(sqlite3.connect(path, timeout=30)) as db:
        return db.execute(query).fetchall()


PARENTS = """SELECT status FROM runs WHERE lifecycle_stage = 'active' AND run_uuid NOT IN
(SELECT run_uuid FROM tags WHERE key = 'mlflow.parentRunId')"""
CHILDREN = """SELECT tags.value, status FROM runs JOIN tags USING (run_uuid)
WHERE key = 'trial' AND lifecycle_stage = 'active'"""


def reached(folder: Path, moment: str) -> bool:
    """Return whether a study has come to a moment."""
    kind, _, count = moment.partition(" ")
    if kind == "journal":
        return (folder / "studies" / "cut.journal").exists()
    if kind == "trial":
        return len(finished(folder)) >= int(count)
    if kind == "parent":
        return bool(rows(folder, PARENTS))
    if kind == "model":
        return bool(list((folder / "mlruns").rglob("MLmodel")))
    if kind == "version":
        return bool(rows(folder, "SELECT version FROM model_versions"))
    if kind == "report":
        return bool(list((folder / "mlruns").rglob("*.png")))
    return True


def _fault(folder: Path, code: int, signum: int, before: list[str], twice: bool) -> str | None:
    """Return what is wrong after an interruption."""
    said = len(written(folder)) - len(before)
    text = "".join(written(folder))
    at_first_import = {-signum} if len(before) == 0 else set()
    if code not in {0, 128 + signum} | at_first_import:
        return f"exit code {code}: {' | '.join(written(folder)[-3:])}"
    if "Traceback" in text or "Exception ignored" in text or (code and said > 2):
        return f"{said} lines after the signal: {' | '.join(written(folder)[len(before) :][-4:])}"
    numbers = finished(folder)
    if len(set(numbers)) != len(numbers):
        return f"trials in the journal: {numbers}"
    parents, children = rows(folder, PARENTS), rows(folder, CHILDREN)
    allowed = {"FINISHED"} if code == 0 else {"KILLED", "FINISHED"} | ({"RUNNING"} if twice else set())
    if len(parents) > 1 or not {status for (status,) in parents} <= allowed:
        return f"parents {parents} after exit code {code}"
    if any(status == "RUNNING" for _, status in children):
        return f"children {children}"
    return None


def _resumed(folder: Path) -> str | None:
    """Let the study go on; return what is wrong at its end."""
    process = start(folder)
    try:
        code = process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        return "no end of the resumed study"
    finally:
        process.kill()
        process.wait()
    if code:
        return f"resumed with exit code {code}: {' | '.join(written(folder)[-3:])}"
    if sorted(finished(folder)) != list(range(TRIALS)):
        return f"trials in the journal: {finished(folder)}"
    if sorted(int(trial) for trial, _ in rows(folder, CHILDREN)) != list(range(TRIALS)):
        return f"trials in MLflow: {rows(folder, CHILDREN)}"
    if rows(folder, PARENTS) != [("FINISHED",)]:
        return f"parents {rows(folder, PARENTS)} at the end"
    shutil.rmtree(folder / "mlruns")
    return None
