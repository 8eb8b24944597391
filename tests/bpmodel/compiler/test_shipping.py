"""Machine code that travels with a copy of the package: found where it fits, and never written by a stranger."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bpmodel
from bpmodel import BPRegressor
from bpmodel.compiler import cache, shipping

PREDICT = """\
import sys; sys.path.insert(0, sys.argv[1])
import pickle, bpmodel
from bpmodel.network.prediction import predict_into
assert bpmodel.__file__.startswith(sys.argv[1]), bpmodel.__file__
model, X = pickle.loads(open(sys.argv[2], "rb").read())
print(model.predict(X).tolist(), sum(predict_into.compiled.stats.cache_hits.values()))
"""


@pytest.fixture(scope="module")
def fitted():
    X = np.linspace(-1, 1, 40).reshape(-1, 2)
    network = BPRegressor(hidden_layer_sizes=(3,), max_iter=20, n_iter_no_change=1, tol=1e9, random_state=0)
    network.fit(X, X[:, 0]).predict(X)
    return network, X


@pytest.fixture(scope="module")
def copy(fitted, tmp_path_factory):
    """A copy of the package, with the machine code of this process, and where it is."""
    folder = tmp_path_factory.mktemp("model") / "code"
    shutil.copytree(Path(bpmodel.__file__).parent, folder / "bpmodel", ignore=shutil.ignore_patterns("__pycache__"))
    return folder, shipping.ship(folder / "bpmodel")


def predicted(folder, tmp_path, fitted):
    """Predict in a process that has the copy and an empty cache; return its predictions, whether it loaded, what it wrote."""
    import pickle

    (tmp_path / "model.pickle").write_bytes(pickle.dumps(fitted))
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "NUMBA_CACHE_DIR")}
    environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    command = [sys.executable, "-c", PREDICT, str(folder), str(tmp_path / "model.pickle")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    values, _, hits = done.stdout.strip().rpartition(" ")
    return values, hits == "1", sorted(file.name for file in (tmp_path / "cache").rglob("*.machine"))


@pytest.mark.slow
def test_every_new_copy_of_a_model_compiled_its_predictions_again_bug(copy, fitted, tmp_path):
    """A model that is loaded from a server lies in a new folder each time: ten seconds until its first prediction."""
    network, X = fitted
    assert predicted(copy[0], tmp_path, fitted) == (str(network.predict(X).tolist()), True, [])


def test_only_predictions_travel(copy):
    folder, made = copy
    assert made
    assert {path.name.partition("-")[0] for path in made} == {"predict_into"}
    assert sorted((folder / "bpmodel" / cache.SHIPPED).rglob("*.machine")) == sorted(made)
    assert cache.digest_of(folder / "bpmodel") == cache.source_digest(), "it is no part of the sources"


def test_a_copy_of_other_sources_gets_none(copy, tmp_path):
    other = shutil.copytree(copy[0] / "bpmodel", tmp_path / "bpmodel")
    shutil.rmtree(other / cache.SHIPPED)
    with open(other / "network" / "loop.py", "a") as file:
        file.write("# other\\n")
    assert shipping.ship(other) == []
    assert not (other / cache.SHIPPED).exists()


@pytest.fixture
def shipped(copy, monkeypatch, tmp_path):
    """Read from a copy, with an empty cache."""
    package = shutil.copytree(copy[0] / "bpmodel", tmp_path / "bpmodel")
    monkeypatch.setattr(cache, "PACKAGE", package)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "chosen"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return package / cache.SHIPPED / cache.source_digest() / copy[1][0].name


def test_machine_code_that_came_along_is_read(shipped):
    assert cache.read(shipped.name)
    assert cache.find(shipped.name) == shipped.read_bytes()


def test_damaged_machine_code_that_came_along_is_a_miss(shipped):
    shipped.write_bytes(shipped.read_bytes()[:-1])
    assert cache.read(shipped.name) is None


@pytest.mark.parametrize("which", ["file", "folder"])
def test_machine_code_that_others_can_write_to_is_a_miss(shipped, which):
    path = shipped if which == "file" else shipped.parent
    path.chmod(path.stat().st_mode | 0o020)
    assert cache.read(shipped.name) is None
