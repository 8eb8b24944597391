"""The commands and programs of the documents, run as they stand, in a project with the tables that they name."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.docs import projects
from tests.docs.blocks import ALL, ROOT, Block, commands

ELSEWHERE = {
    "docs/networks.md": "tests/bpmodel/functions/test_registration.py, because functions cannot be taken back",
    "README.zh-CN.md": "tests/docs/test_chinese.py: it is the README's, to the letter",
}
"""Pages whose programs another test runs."""

PIPELINE = "from sklearn.datasets import load_breast_cancer"
"""The first line of a program of the README that tests/docs/test_docs.py runs."""

WRITTEN = [block for block in ALL if block.language == "python" and not block.is_doctest]
PROGRAMS = [block for block in WRITTEN if block.page not in ELSEWHERE and block.first != PIPELINE]
RUN = [
    block
    for block in ALL
    if block.language == "sh" and any(w[0] == "bpsearch" and w[1] not in ("ui", "list") for w in commands(block))
]
SHOWN = sorted({block.page for block in (*PROGRAMS, *RUN)})
"""The pages with something to run."""


def run(project: Path, commands: Sequence[Sequence[str]], programs: Sequence[Block] = ()) -> None:
    """Run commands and programs in a project, as its user would, in one process."""
    given = {"commands": commands, "programs": [(block.place, block.text) for block in programs]}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs.projects"],
        cwd=project,
        env=environment | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"},
        input=json.dumps(given),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    """Return a project with tables, and the study that `make tune` runs."""
    project = tmp_path_factory.mktemp("project")
    projects.write(project)
    run(project, [("tune", "studies/diabetes.toml")])
    return project


@pytest.fixture(scope="module")
def tuned(fresh, tmp_path_factory) -> Path:
    """Return such a project with the studies and models that the documents go on with."""
    project = tmp_path_factory.mktemp("tuned") / "project"
    shutil.copytree(fresh, project)
    made = [("init", "prices.csv", "--target", "price"), ("init", "二手房.csv", "--target", "总价")]
    run(project, [*made, ("tune", "studies/prices.toml"), ("tune", "studies/二手房.toml")])
    return project


@pytest.fixture
def project(request, page, tmp_path) -> Path:
    """Return a copy: of the fresh project where a page begins with `init`, else of the one with studies."""
    begins = any(words[:2] == ["bpsearch", "init"] for words in of(page))
    return shutil.copytree(request.getfixturevalue("fresh" if begins else "tuned"), tmp_path / "project")


def of(page: str) -> list[list[str]]:
    """Return the commands of a page."""
    return [words for block in RUN if block.page == page for words in commands(block) if words[0] == "bpsearch"]


@pytest.mark.slow
@pytest.mark.parametrize("page", SHOWN)
def test_page_runs(project, page):
    run(project, [words[1:] for words in of(page)], [block for block in PROGRAMS if block.page == page])
