"""The commands and programs of the documents, run as they stand, in a project with the tables that they name."""

import json
import os
import subprocess
import sys

import pytest

from tests.docs import projects
from tests.docs.blocks import ALL, ROOT, commands

ELSEWHERE = {
    "docs/networks.md": "tests/bpmodel/functions/test_registration.py, because functions cannot be taken back",
    "docs/assistants.md": "tests/search/service/test_python_client.py, with a server that follows the contract",
    "docs/ask_and_tell.md": "tests/docs/test_ask_and_tell.py, beside a service",
    "README.zh-CN.md": "tests/docs/test_chinese.py: it is the README's, to the letter",
}
"""Pages whose programs another test runs."""

PIPELINE = "from sklearn.datasets import load_breast_cancer"
"""The first line of a program of the README that tests/docs/test_docs.py runs."""

ON_HOSTS = {"docs/scale.md": "tests/search/service/cluster/test_other_machines.py, with hosts of their own"}
"""Pages whose commands need several machines, and the test that runs them."""

SERVE = ("ui", "serve", "mcp", "worker")
"""Verbs that serve until they are ended; others test them."""

WRITTEN = [block for block in ALL if block.language == "python" and not block.is_doctest]
PROGRAMS = [block for block in WRITTEN if block.page not in ELSEWHERE and block.first != PIPELINE]
RUN = [
    block
    for block in ALL
    if block.language == "sh"
    and block.page not in ON_HOSTS
    and any(w[0] == "bpsearch" and w[1] not in (*SERVE, "list") for w in commands(block))
]
SHOWN = sorted({block.page for block in (*PROGRAMS, *RUN)})
"""The pages with something to run."""


MADE = [
    ("tune", "studies/diabetes.toml"),
    ("init", "prices.csv", "--target", "price"),
    ("init", "二手房.csv", "--target", "总价"),
    ("tune", "studies/prices.toml"),
    ("tune", "studies/二手房.toml"),
]
"""What the pages go on with. A page that begins with `init` writes the same study again, and its `tune` finds it complete."""


def of(page: str) -> list[list[str]]:
    """Return the commands of a page, without `bpsearch`."""
    found = [words for block in RUN if block.page == page for words in commands(block)]
    return [words[1:] for words in found if words[0] == "bpsearch" and words[1] not in SERVE]


def programs(page: str) -> list[tuple[str, str]]:
    """Return the programs of a page, each with its place."""
    return [(block.place, block.text) for block in PROGRAMS if block.page == page]


@pytest.mark.slow
def test_pages_run(tmp_path):
    """All in one process and one project: imports and searches take the time, not the commands."""
    projects.write(tmp_path)
    pages = [("before all pages", MADE, ()), *((page, of(page), programs(page)) for page in SHOWN)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.docs.projects"],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"},
        input=json.dumps(pages),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    failed = json.loads(done.stdout)
    assert not failed, "\n".join([*(f"{page}: {why}" for page, why in failed.items()), done.stderr[-4000:]])
