"""A wheel has what a stranger needs and nothing else, and works without the rest of this folder."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bpsearch

ROOT = Path(__file__).parents[1]
PACKAGES = ["bpmodel", "search"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Build the wheel from a copy: building writes into the folder that it builds from."""
    copy, built = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("bpsearch.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for name in ("tests", "benchmarks", "docs"):
        (copy / name).mkdir()
        (copy / name / "__init__.py").touch()
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", built, "."], cwd=copy, check=True)
    (path,) = built.iterdir()
    return path


def test_contents(wheel):
    files = [
        file
        for name in PACKAGES
        for ending in ("py", "pyi", "typed", "js", "css", "html")
        for file in (ROOT / name).rglob(f"*.{ending}")
    ]
    sources = {file.relative_to(ROOT).as_posix() for file in files} | {"bpsearch.py"}
    assert {"bpmodel/py.typed", "search/py.typed", "search/loop/runner.py"} <= sources
    info = f"bpsearch-{bpsearch.__version__}.dist-info"
    assert wheel.name == f"bpsearch-{bpsearch.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as packed:
        names = {name for name in packed.namelist() if not name.startswith(info)}
        about = packed.read(f"{info}/METADATA").decode()
        scripts = packed.read(f"{info}/entry_points.txt").decode()
        licence = packed.read(f"{info}/licenses/LICENSE").decode()
    assert names == sources
    assert licence == (ROOT / "LICENSE").read_text()
    assert "License-Expression: BSD-3-Clause\n" in about
    assert "Author: the bpsearch developers\n" in about
    assert "Classifier: Typing :: Typed\n" in about
    assert scripts == "[console_scripts]\nbpsearch = bpsearch:main\n"


@pytest.mark.slow
def test_a_stranger_tunes_a_network(wheel, tmp_path):
    """Outside of this folder, from the unpacked wheel alone, and messages name commands that are there."""
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "site")
    rows = np.random.default_rng(0).normal(size=(40, 2))
    home = tmp_path / "home"
    home.mkdir()
    pd.DataFrame({"a": rows[:, 0], "b": rows[:, 1], "y": rows.sum(axis=1)}).to_csv(home / "rows.csv", index=False)
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    environment["PYTHONPATH"] = str(tmp_path / "site")

    def told(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    assert told("-c", "import search; print(search.__file__)") == f"{tmp_path / 'site/search/__init__.py'}\n"
    assert "usage: bpsearch " in told("-m", "search", "--help")
    assert "next:    bpsearch tune studies/rows.toml\n" in told("-m", "search", "init", "rows.csv", "--target", "y")
    tuned = told("-m", "search", "tune", "studies/rows.toml", "--trials", "2")
    assert "model:  models:/rows@champion" in tuned
    assert tuned.endswith("next:   bpsearch ui\n")
    assert "make " not in tuned
