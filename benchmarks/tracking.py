"""What tracking costs a search: studies without it, with MLflow's SQLite store, and with a tracking server on the same machine.

    python -m benchmarks.tracking [--repeats 3] [--markdown FILE]

Each study runs in a process of its own, and a round has one run of each kind, so that all see the same machine. Database and
server are there already, as from the second study of a project on. Two times are taken of each: that of the trials, which is
what tracking must not slow down, and that of the whole study, in which MLflow is imported, the model is stored and registered,
and the report is drawn, at the end.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.common import ROOT, Table, in_a_new_process, main, say
from search.tracking.writers import schema

STUDIES = {
    "exploding": ("exploding", ""),
    "diabetes": ("diabetes", ""),
    "breast_cancer": ("breast_cancer", ""),
    "digits": ("digits", ""),
    "diabetes, 1,000 trials": ("diabetes", "random:1000"),
}
"""row -> study file, and the method and number of trials if they are not those of the file."""

KINDS = UNTRACKED, SQLITE, SERVER = "untracked", "SQLite", "server"

RUN = """
import os, sys, time, warnings
warnings.simplefilter("ignore")
path, plan, uri, folder = sys.argv[1:]
os.chdir(folder)
from search import experiment, tuning
from search.study import study_file
from search.tracking import Nowhere

class Untracked(Nowhere):
    uri = "sqlite:///mlruns/mlflow.db"
    def __init__(self, *_, **__): pass
    def others(self, *_): return []
    def keeps(self, *_): return True

study = study_file.load(path)
if plan:
    method, _, trials = plan.partition(":")
    study = study.with_search(method=method, n_trials=int(trials))
if not uri:
    tuning.MLflowTracker = Untracked
run, taken = experiment._trials, []
def timed(*arguments):
    started = time.perf_counter()
    try:
        return run(*arguments)
    finally:
        taken.append(time.perf_counter() - started)
experiment._trials = timed
started = time.perf_counter()
result = tuning.tune(study, tracking_uri=uri or None)
assert not result.problem, result.problem
print(time.perf_counter() - started, sum(taken), len(result.outcomes))
"""


@contextmanager
def server(folder: Path, database: Path) -> Iterator[str]:
    """Run a tracking server with one worker; yield its address."""
    shutil.copy(database, folder / "server.db")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    where = ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--artifacts-destination", f"{folder}/artifacts"]
    address = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    own = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("w") as log:
        command = [sys.executable, "-m", "mlflow", "server", *where, *address]
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=own)
    try:
        uri = f"http://127.0.0.1:{port}"
        _wait(uri)
        yield uri
    finally:
        process.terminate()
        process.wait()


def _wait(uri: str) -> None:
    for _ in range(600):
        with suppress(OSError):
            urllib.request.urlopen(f"{uri}/health", timeout=5).close()
            return
        time.sleep(0.2)
    raise RuntimeError("the server did not start")


def study(name: str, plan: str, uri: str, database: Path) -> tuple[float, float, int]:
    """Run a study in a new folder; return the seconds of all of it and of its trials, and the number of trials."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "mlruns").mkdir()
        shutil.copy(database, Path(folder) / "mlruns" / "mlflow.db")
        told = in_a_new_process(RUN, str(ROOT / "studies" / f"{name}.toml"), plan, uri, folder, PYTHONPATH=str(ROOT))
    whole, trials, n = told.split()[-3:]
    return float(whole), float(trials), int(n)


def measure(repeats: int, studies: Mapping[str, tuple[str, str]] = STUDIES) -> Table:
    """Time studies with and without tracking."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        database = Path(name) / "empty.db"
        schema.create(database)
        with server(Path(name), database) as address:
            uris = {UNTRACKED: "", SQLITE: "sqlite:///mlruns/mlflow.db", SERVER: address}
            for row, (file, plan) in studies.items():
                rows.append(_row(row, file, plan, uris, database, repeats))
                say(*rows[-1])
    head = ["study", "trials", *(f"{kind}, s" for kind in KINDS)]
    head += [*(f"trials, {kind}" for kind in KINDS[1:]), *(f"ms a trial, {kind}" for kind in KINDS[1:])]
    head += [f"study, {kind}" for kind in KINDS[1:]]
    note = (
        f"Seconds of the trials and, in brackets, of the whole study: medians of {repeats} repeats; then how many times as long "
        "the trials take, what tracking adds to each of them, and how many times as long the study takes: medians of the "
        "ratios and differences within a round."
    )
    return Table(head, rows, note)


def _row(row: str, file: str, plan: str, uris: dict[str, str], database: Path, repeats: int) -> list[str]:
    rounds = [{kind: study(file, plan, uri, database) for kind, uri in uris.items()} for _ in range(repeats)]
    n = rounds[0][UNTRACKED][2]

    def middle(kind: str, place: int) -> float:
        return statistics.median(found[kind][place] for found in rounds)

    def times(kind: str, place: int) -> str:
        return f"{statistics.median(found[kind][place] / found[UNTRACKED][place] for found in rounds):.2f}"

    def added(kind: str) -> str:
        return f"{statistics.median(1000 * (found[kind][1] - found[UNTRACKED][1]) / n for found in rounds):.1f}"

    tracked = KINDS[1:]
    seconds = [f"{middle(kind, 1):.1f} ({middle(kind, 0):.1f})" for kind in KINDS]
    return [
        row,
        f"{n:,}",
        *seconds,
        *(times(k, 1) for k in tracked),
        *map(added, tracked),
        *(times(k, 0) for k in tracked),
    ]


if __name__ == "__main__":
    main("tracking", measure, repeats=3)
