"""Memory that a search needs on top of its data: the peak during the search minus the memory in use before it.

    python -m benchmarks.memory [--repeats 1] [--markdown FILE]

5 folds over 1,000,000 rows of 50 float32 columns (200 MB). Each line runs in a process of its own, with few epochs and a
small network, so what counts are copies of the rows. Compilation and imports come first; then Linux is asked to reset the
peak. Without /proc the figure is the peak of the whole process. A study reads its rows from a Parquet file; they are part
of its data, once.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import Table, in_a_new_process, main, say, take_turns
from bpmodel.network.machine import give_back

ROWS, COLUMNS, FOLDS, EPOCHS, TRIALS = 1_000_000, 50, 5, 2, 2
NETWORK = {"hidden_layer_sizes": (8,), "batch_size": 1000, "max_iter": EPOCHS}
STATUS = Path("/proc/self/status")
MEGA = 1e6
STUDY = """\
name = "memory"
[data]
source = "rows.parquet"
target = "y"
task = "regression"
[preprocessing]
numeric = "standard"
[model]
hidden_layer_sizes = [8]
batch_size = 1000
max_iter = {epochs}
[space]
learning_rate_init = {{ low = 1e-4, high = 1e-3, log = true }}
[cv]
n_splits = {folds}
[search]
method = "random"
n_trials = {trials}
n_seeds = 1
n_members = 1
n_jobs = {n_jobs}
seed = 0
"""


def fit(pipeline: bool, n_jobs: int) -> Callable[[Any, Any], Any]:
    from bpmodel import BPRegressor

    return _model(BPRegressor, pipeline).fit


def search(pipeline: bool, n_jobs: int) -> Callable[[Any, Any], Any]:
    from bpmodel import BPRegressor
    from search import BPSearchCV

    model = _model(BPRegressor, pipeline)
    space = {("bpregressor__" if pipeline else "") + "learning_rate_init": (1e-4, 1e-3, "log")}
    return BPSearchCV(
        model, space, method="random", n_trials=TRIALS, cv=FOLDS, n_jobs=n_jobs, random_state=0, refit=False
    ).fit


def scikit_search(pipeline: bool, n_jobs: int) -> Callable[[Any, Any], Any]:
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPRegressor

    model = _model(MLPRegressor, pipeline)
    space = {("mlpregressor__" if pipeline else "") + "learning_rate_init": [1e-3]}
    return GridSearchCV(model, space, cv=FOLDS, n_jobs=n_jobs, refit=False).fit


def study(pipeline: bool, n_jobs: int) -> Callable[[Any, Any], Any]:
    """Return a function that tunes a study of a file, and reads the file itself."""
    from search.study import study_file
    from search.tuning import tune

    def run(X: Any, y: Any) -> Any:
        text = STUDY.format(epochs=EPOCHS, folds=FOLDS, trials=TRIALS, n_jobs=n_jobs)
        Path("study.toml").write_text(text, encoding="utf-8")
        return tune(study_file.load(Path("study.toml")), tracking_uri="sqlite:///mlflow.db")

    return run


def write(X: Any, y: Any) -> None:
    """Write the rows of a study into the current folder, a few at a time."""
    import pyarrow as pa
    from pyarrow import parquet

    names = [*(f"x{i}" for i in range(X.shape[1])), "y"]
    schema = pa.schema([(name, pa.float32()) for name in names])
    with parquet.ParquetWriter("rows.parquet", schema, compression="none", use_dictionary=False) as file:
        for part in range(0, len(X), 100_000):
            rows = slice(part, part + 100_000)
            file.write_table(pa.table([*X[rows].T.copy(), y[rows]], names=names))


def _model(network: type, pipeline: bool) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = network(**NETWORK)
    return make_pipeline(StandardScaler(), model) if pipeline else model


WAYS: dict[str, tuple[Callable, bool, int]] = {
    "one BPRegressor, all rows": (fit, False, 1),
    "BPSearchCV, BPRegressor": (search, False, 1),
    "BPSearchCV, BPRegressor, n_jobs=2": (search, False, 2),
    "BPSearchCV, scaler and BPRegressor": (search, True, 1),
    "BPSearchCV, scaler and BPRegressor, n_jobs=2": (search, True, 2),
    "study with [preprocessing]": (study, True, 1),
    "study with [preprocessing], n_jobs=2": (study, True, 2),
    "GridSearchCV, MLPRegressor": (scikit_search, False, 1),
    "GridSearchCV, scaler and MLPRegressor": (scikit_search, True, 1),
}


def child(way: str, rows: int) -> float:
    """Run one way in this process; return its peak memory on top of the data, in bytes."""
    kind, *arguments = WAYS[way]
    run = kind(*arguments)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        _run_in(Path(folder, "small"), run, kind, 2000)
        return _run_in(Path(folder, "large"), run, kind, rows)


def _run_in(folder: Path, run: Callable[[Any, Any], Any], kind: Callable, rows: int) -> float:
    """Run one way on so many rows in a folder of its own; return its peak memory on top of the data, in bytes."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, COLUMNS), dtype=np.float32)
    y = X[:, 0] + rng.standard_normal(rows, dtype=np.float32)
    size = X.nbytes
    folder.mkdir()
    os.chdir(folder)
    if kind is study:
        write(X, y)
        X = y = None
    give_back()  # a search that takes memory which was free here before needs it, too
    before = forget_peak() + (size if kind is study else 0)
    run(X, y)
    os.chdir(folder.parent)
    return peak() - before


def forget_peak() -> float:
    """Reset the peak of this process; return its memory in use, in bytes."""
    if not STATUS.exists():
        return peak()
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def peak() -> float:
    """Return the peak memory of this process, in bytes."""
    if STATUS.exists():
        return _status("VmHWM")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)


def _status(field: str) -> float:
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(f"{field}:"))
    return float(line.split()[1]) * 1024


def extra(way: str, rows: int) -> float:
    """Run one way in a process of its own; return its peak memory on top of the data, in bytes."""
    code = "import sys; from benchmarks.memory import child; print(child(sys.argv[1], int(sys.argv[2])))"
    return float(in_a_new_process(code, way, str(rows)))


def measure(repeats: int, rows: int = ROWS, ways: tuple[str, ...] = tuple(WAYS)) -> Table:
    """Measure the extra memory of a search over a large array."""
    size = rows * COLUMNS * 4
    lines = []
    for way in ways:
        (most,) = take_turns({way: partial(extra, way, rows)}, repeats).values()
        lines.append([way, f"{most / MEGA:.0f}", f"{most / size:.2f}x"])
        say(*lines[-1])
    return Table(
        ["what runs", "extra MB", "times the rows"],
        lines,
        f"Peak memory on top of {rows:,} x {COLUMNS} float32 ({size / MEGA:.0f} MB), {FOLDS} folds, {EPOCHS} epochs.",
    )


if __name__ == "__main__":
    main("memory", measure, repeats=1)
