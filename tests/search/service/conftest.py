"""A folder with one study, of which half of the trials diverge, run without the service."""

import shutil
from collections.abc import Iterator
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


@pytest.fixture(scope="session")
def finished(tmp_path_factory, empty_database) -> Iterator[Path]:
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
        yield folder


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
