"""A small problem, outcomes made by hand, and a folder with an empty MLflow store to work in."""

import base64
import json
import os
import shutil
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from sklearn.metrics import get_scorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bpmodel import BPClassifier, BPRegressor
from bpmodel.compiler.announcement import silence
from bpmodel.preprocessing.columns import kind
from search import cli
from search.cv import folds
from search.cv.kinds import Scheme
from search.loop.database.server import forget
from search.plots import canvas, gallery
from search.profiling.evidence import Evidence
from search.profiling.finding import Finding
from search.profiling.findings import findings
from search.tracking import library, stores
from search.tracking.writers import schema
from search.trials.outcomes import Divergence, Outcome
from search.trials.problem import Problem
from tests.search.postgresql import Database, started

collect_ignore_glob = ["*conftest.py"]  # several files of this name are no modules with examples

silence()  # so that no test depends on whether it is the one that compiles
settings.register_profile("untimed", deadline=None)  # a busy machine is no fault of a test
settings.load_profile("untimed")

NETWORK = {"hidden_layer_sizes": (8,), "learning_rate_init": 0.02, "batch_size": 16, "max_iter": 12}
SCORERS = {"regression": "neg_root_mean_squared_error", "classification": "neg_log_loss"}


class Result(NamedTuple):
    """What a command ended with."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The only JSON document on standard output, by a strict reader."""

        def refuse(name: str) -> None:
            raise ValueError(f"{name} is no JSON")

        return json.loads(self.out, parse_constant=refuse)


@pytest.fixture
def command(capsys) -> Callable[..., Result]:
    """Run a command in this process."""

    def command(*arguments: str) -> Result:
        capsys.readouterr()
        try:
            code = cli.main(arguments)
        except SystemExit as error:  # argparse
            code = error.code
        return Result(code, *capsys.readouterr())

    return command


BLANK = base64.b64decode(
    b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)
"""A picture of one dot."""

FOLDERS_OF_FIGURES = {"plots", "report", "results"}
FEW = {name: gallery.PICTURES[name] for name in ("history", "importance")}


@pytest.fixture(autouse=True)
def few_figures(request, monkeypatch) -> None:
    """Have studies make few figures, and draw none, which is half of the time of a short study; `all_figures` has them made."""
    if request.path.parent.name not in FOLDERS_OF_FIGURES:
        monkeypatch.setattr(canvas.Drawing, "png", lambda figure: BLANK)
        if "all_figures" not in request.fixturenames:
            monkeypatch.setattr(gallery, "PICTURES", FEW)


STORE = "MLFLOW_TRACKING_URI"


@pytest.fixture(autouse=True)
def store_put_back() -> Iterator[None]:
    """Put back which store the environment names: `mlflow.set_tracking_uri` sets that, and later tests would write there."""
    before = os.environ.get(STORE)
    yield
    if before is None:
        os.environ.pop(STORE, None)
    else:
        os.environ[STORE] = before


@pytest.fixture
def all_figures() -> None:
    """Have studies make all of their figures."""


TABLE_ROWS = 400
"""Rows of the tables in which findings are looked for."""


@pytest.fixture(scope="session")
def rows() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Make X of shape (n, 4) and y, a smooth function of it, in large units or as three classes."""

    def make(task: str = "regression", n: int = 90) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng(7)
        X = random.normal(5, 3, size=(n, 4))
        signal = X[:, 0] - 0.5 * X[:, 1] + 0.3 * random.normal(size=n)
        return X, 40 * signal if task == "regression" else np.digitize(signal, np.quantile(signal, [0.33, 0.67]))

    return make


@pytest.fixture(scope="session")
def make_problem(rows) -> Callable[..., Problem]:
    """Make a problem of three folds; keywords go to the network."""

    def make(task: str = "regression", *, seed: int = 0, steps: tuple = (), **model: Any) -> Problem:
        X, y = rows(task)
        network = (
            BPClassifier(**NETWORK | model)
            if task == "classification"
            else BPRegressor(scale_target=True, **NETWORK | model)
        )
        pipeline = make_pipeline(*(steps or (StandardScaler(),)), network)
        kind = "stratified" if task == "classification" else "k_fold"
        splits = folds.split(Scheme(kind, 3), y, seed=seed, where="test")
        return Problem(pipeline, X, y, splits, get_scorer(SCORERS[task]), seed, f"{pipeline.steps[-1][0]}__")

    return make


def finding(code: str) -> dict[str, Any]:
    """Return a finding as an outcome has it."""
    change = {"learning_rate_init": 0.1, "hidden_layer_sizes": [8, 8]}
    return {
        "code": code,
        "epoch": 1,
        "evidence": {"ratio": None, "rate": 1.0},
        "cause": "Ü.",
        "remedy": "",
        "change": change,
    }


@pytest.fixture(scope="session")
def make_outcome() -> Callable[..., Outcome]:
    """Make an outcome by hand."""

    def make(
        number: int = 0, verdict: str = "ok", scores: tuple = (-0.5, -0.25), params: dict | None = None, **more: Any
    ) -> Outcome:
        divergence = None
        if verdict == "diverged":
            survived, ratio = more.pop("survived", 0.25), more.pop("ratio", 100.0)
            code = more.pop("code", "exploding_step")
            divergence = Divergence(1, 3, 17, "the loss exploded", ratio, survived, [finding(code)] if code else [])
        if verdict in ("diverged", "error"):
            scores = ()
        fields = {
            "reason": f"why it is {verdict}",
            "epoch": 6 if scores else 0,
            "curve": {4: -0.5, 6: -0.375} if scores else {},
            "losses": {"training": [1.0, 0.5], "validation": [1.25, 0.75]},
            "seconds": 0.125,
        }
        return Outcome(number, params or {}, verdict, fold_scores=list(scores), divergence=divergence, **fields | more)

    return make


@pytest.fixture(scope="session")
def mlflow() -> ModuleType:
    """MLflow, imported before any thread does: filters for warnings are not kept apart by thread."""
    return library.load()


@pytest.fixture(scope="session")
def empty_database(mlflow, tmp_path_factory) -> Path:
    """An MLflow database without runs: creating its tables takes seconds, copying it does not."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    schema.create(path)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch, empty_database) -> Path:
    """An own current directory, with an empty MLflow store where the default tracking URI says."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mlruns").mkdir()
    path = shutil.copy(empty_database, tmp_path / "mlruns" / "mlflow.db")
    # absolute, because MLflow keeps its connections by URI: they would go to the database of an earlier test
    monkeypatch.setattr(stores, "DEFAULT_URI", f"sqlite:///{path}")
    return tmp_path


@pytest.fixture(scope="session")
def wait_for() -> Callable[..., None]:
    """Wait until a condition holds, or fail."""

    def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited {seconds} s in vain"
            time.sleep(0.005)

    return wait_for


class Health(BaseHTTPRequestHandler):
    """A server that has nothing but a status for every path; below 100 it does not speak HTTP."""

    status = 200

    def do_GET(self) -> None:
        if self.status < 100:
            self.wfile.write(b"hello\r\n")
        else:
            self.send_response(self.status)
            self.end_headers()

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[[int], str]]:
    """Start a server that answers with a status; return its URI."""
    servers = []

    def serve(status: int) -> str:
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Health,), {"status": status})))
        threading.Thread(target=servers[-1].serve_forever, kwargs={"poll_interval": 0.01}).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Find a port that nobody listens on."""

    def free_port() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    return free_port


@pytest.fixture(scope="session")
def postgresql(free_port, wait_for) -> Iterator[Database]:
    """A PostgreSQL server for many tests: none of them stops it."""
    with started(free_port(), wait_for) as made:
        yield made


@pytest.fixture
def store(postgresql) -> Iterator[str]:
    """The address of an empty database."""
    yield postgresql.made(f"test_{uuid.uuid4().hex}")
    forget()


@pytest.fixture(scope="session")
def find() -> Callable[..., dict[str, list[Finding]]]:
    """Return the findings of a table by their codes; kinds that are not given follow from the columns."""

    def find(
        X: Mapping[str, Sequence] | pd.DataFrame, y: Sequence, task: str = "regression", **kinds: str
    ) -> dict[str, list[Finding]]:
        X = pd.DataFrame(X)
        found: dict[str, list[Finding]] = {}
        own = {name: kinds.get(name) or kind(X[name]) for name in X.columns}
        for finding in findings(Evidence.of(X, own, pd.Series(y), task)):
            found.setdefault(finding.code, []).append(finding)
        return found

    return find


@pytest.fixture
def plain() -> pd.DataFrame:
    """A table that nothing is wrong with, and its target."""
    random = np.random.default_rng(1)
    frame = pd.DataFrame(random.normal(size=(TABLE_ROWS, 3)), columns=list("abc"))
    frame["town"] = random.choice(["Ulm", "Bonn", "Jena"], TABLE_ROWS)
    return frame.assign(y=frame.a - frame.b + random.normal(size=TABLE_ROWS))


@pytest.fixture(scope="session")
def apart() -> Callable[[float], tuple[np.ndarray, np.ndarray]]:
    """Return two columns whose correlation is as given, but for rounding."""

    def apart(correlation: float) -> tuple[np.ndarray, np.ndarray]:
        base = np.random.default_rng(2).normal(size=(TABLE_ROWS, 2))
        u, v = np.linalg.qr(base - base.mean(axis=0))[0].T
        return u, correlation * u + (1 - correlation**2) ** 0.5 * v

    return apart


SMALL = """
name = "small"
[data]
source = "homes.csv"
target = "price"
task = "regression"
[model]
max_iter = 4
[space]
hidden_layer_sizes = [[2], [3]]
[search]
n_trials = 2
[cv]
n_splits = 2
"""


@pytest.fixture(scope="session")
def small_project() -> Callable[..., Path]:
    """Write a table and a study of a moment into a folder; changes are pairs of an old and a new text of the study."""

    def write(folder: Path, *changes: tuple[str, str]) -> Path:
        random = np.random.default_rng(0)
        frame = pd.DataFrame({"area": random.uniform(30, 200, 40), "rooms": random.integers(1, 9, 40)})
        frame.assign(price=50 * frame.rooms + frame.area).to_csv(folder / "homes.csv", index=False)
        text = SMALL
        for old, new in changes:
            text = text.replace(old, new)
        (folder / "small.toml").write_text(text)
        return folder

    return write
