"""docs/ask_and_tell.md: its programs run beside a real service, in processes of their own."""

import os
import re
import subprocess
import sys

import pytest

from bpsearch import Client
from tests.docs.blocks import ROOT, blocks
from tests.fuzz.parts.service import service, until

PROGRAMS = [block.text for block in blocks("docs/ask_and_tell.md") if block.language == "python"]


def begun(program, home):
    """Start a program in the folder of the service."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", program], cwd=home, env=environment, **pipes)


def said(process):
    """Return what a program has printed, once it has ended."""
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    return out


@pytest.mark.slow
def test_the_programs_find_better_scores_than_their_first_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with service(tmp_path, "--workers", "1") as running:
        until(lambda: "page:" in running.said.read_text(), "the service listens")
        trees, loop = (begun(program, tmp_path) for program in PROGRAMS)
        told = re.fullmatch(r"trial (\d+): (\d+\.\d\d) with \{'learning_rate': .*\}\n", said(trees))
        diverged, best = re.fullmatch(r"(\d+) diverged; trial \d+: (\d\.\d{3})\n", said(loop)).groups()
        with Client() as client:
            found = {trial["trial"]: trial for trial in client.trials("trees")}
            errors = [trial for trial in found.values() if trial["verdict"] == "error"]
            broken = [trial for trial in client.trials("loop") if trial["verdict"] == "diverged"]
        assert running.stop() == 143
    assert sorted(found) == list(range(30))
    assert found[0]["params"] == {"learning_rate": 0.1, "num_leaves": 31, "boosting_type": "gbdt"}
    assert float(told[2]) == pytest.approx(found[int(told[1])]["score"], abs=0.01)
    assert float(told[2]) < found[0]["score"] - 1
    assert {trial["params"]["boosting_type"] for trial in errors} == {"rf"}
    assert all("LightGBMError" in trial["reason"] for trial in errors)
    assert len(errors) < 15  # of a third at random
    assert int(diverged) == len(broken) > 0
    assert all(1 < trial["divergence"]["epoch"] <= 50 for trial in broken)
    assert float(best) < 1.2  # the noise of the data is 1
