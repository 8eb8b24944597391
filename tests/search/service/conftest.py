"""A folder with a queue, and studies to put into it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from search.service.place import Place
from search.service.queue import Queue

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


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A project with a table, as the current folder."""
    monkeypatch.chdir(tmp_path)
    rows = [f"{i},{(i * 7) % 11},{3 * i - (i * 7) % 11}" for i in range(40)]
    Path("table.csv").write_text("\n".join(["a,b,y", *rows]) + "\n")
    Path("studies").mkdir()
    return tmp_path


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
