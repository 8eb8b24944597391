"""A folder with a queue, and studies for it; another with one study that ran without it, and half of whose trials diverge."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from search import cli
from search.plots import gallery
from search.service.desk import Desk
from search.service.place import Place
from search.service.queue import Queue
from search.tracking import stores

TEXT = """\
name = "{name}"
[data]
source = "{source}"
target = "y"
task = "regression"
[model]
hidden_layer_sizes = 4
max_iter = 5
[space]
alpha = [1e-4, 1e-2, 1.0]
learning_rate_init = {{ low = 1e-3, high = 1.0, log = true }}
[search]
method = "random"
n_trials = {n_trials}
n_seeds = 1
n_members = 1
[cv]
n_splits = 3
"""

STUDY = """\
name = "homes"
[data]
source = "homes.csv"
target = "price"
task = "regression"
[model]
max_iter = 8
[space]
hidden_layer_sizes = [[2], [3]]
learning_rate_init = [0.01, 50.0]
[search]
method = "grid"
n_members = 1
[cv]
n_splits = 3
"""


@pytest.fixture
def folder(folder) -> Path:
    """A project with a table, as the current folder, whose MLflow store is empty."""
    rows = [f"{i},{(i * 7) % 11},{3 * i - (i * 7) % 11}" for i in range(40)]
    Path("table.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")
    Path("studies").mkdir(exist_ok=True)
    return folder


@pytest.fixture
def write(folder) -> Callable[..., Path]:
    """Write a study file."""

    def write(name: str = "small", source: str = "../table.csv", n_trials: int = 4) -> Path:
        path = Path("studies", f"{name}.toml")
        path.write_text(TEXT.format(name=name, source=source, n_trials=n_trials))
        return path

    return write


@pytest.fixture
def queue(folder):
    """An empty queue, whose clock counts its questions."""
    ticks = iter(range(1, 1_000_000))
    queue = Queue(Place(), clock=lambda: float(next(ticks)))
    yield queue
    queue.close()


@pytest.fixture(scope="session")
def finished(tmp_path_factory, empty_database) -> Path:
    """The folder in which the study was run; nobody writes into it."""
    folder = tmp_path_factory.mktemp("homes")
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"area": random.uniform(30, 200, 60).round(1), "rooms": random.integers(1, 9, 60)})
    frame.assign(price=50 * frame.rooms + frame.area + random.normal(0, 20, 60)).to_csv(
        folder / "homes.csv", index=False
    )
    (folder / "homes.toml").write_text(STUDY)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.chdir(folder)
        (folder / "mlruns").mkdir()
        path = shutil.copy(empty_database, folder / "mlruns" / "mlflow.db")
        patch.setattr(stores, "DEFAULT_URI", f"sqlite:///{path}")
        patch.setattr(gallery, "PICTURES", {"history": gallery.PICTURES["history"]})  # to draw them all takes longer
        assert cli.main(["tune", "homes.toml", "--quiet"]) == 0
    return folder  # with the patches undone: they would hold for all tests that follow


@pytest.fixture
def homes(finished, tmp_path, monkeypatch) -> Path:
    """A folder with the journal and the files of the study; models come from the folder in which it was run."""
    (tmp_path / "studies").mkdir()
    for name in ("homes.csv", "homes.toml", "studies/homes.journal", "studies/homes.report.html"):
        shutil.copy(finished / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stores, "DEFAULT_URI", f"sqlite:///{finished}/mlruns/mlflow.db")
    return tmp_path


@pytest.fixture
def desk(homes) -> Iterator[Desk]:
    """The desk of that folder."""
    queue = Queue(Place())
    yield Desk(queue, stores.answering_uri)
    queue.close()
