"""Numba's insides: where they are not as known, public means compute the same."""

import json
import os
import subprocess
import sys

import numba
import numpy as np
import pytest

from bpmodel.compiler import denormals, insides
from bpmodel.compiler.numba_cache import NumbaCached

PARTS = ("linking", "raw_views", "machine_code")
OTHER_VERSION = "import numba; numba.version_info = numba.version_info._replace(short=(0, 99))\n"
ABSENT = "import sys; sys.modules['bpmodel.compiler.{}'] = None\n"
BROKEN = {
    "linking": ABSENT.format("linking"),
    "raw_views": ABSENT.format("raw_views"),
    "machine_code": ABSENT.format("machine_code"),
    "renamed": "import numba.core.codegen; del numba.core.codegen.JITCodeLibrary\n",
    "all": OTHER_VERSION,
}
SMALL = """
import json
import numpy as np
from bpmodel.compiler import denormals, insides, kernels, views
from bpmodel.compiler.tables import Table
from bpmodel.functions.schedules import SCHEDULES

factor = kernels.choose(SCHEDULES, lambda row: row.factor)

@kernels.inner
def halved(values):
    for i in range(values.size):
        values[i] *= 0.5

@kernels.entry_point
def compute(values, code):
    before = denormals.flush_denormals()
    block = views.matrix(values, 2, 2, 3)
    halved(views.flat(block))
    product = np.dot(block, block.T)
    small = values[0] * 1e-300
    denormals.restore_denormals(before)
    return product.sum() * factor(code, 0.5, 1.0, 10.0, 0.5), small

found = compute(np.arange(1.0, 12.0) * 1e-10, SCHEDULES.code("cosine"))
print(json.dumps({
    "found": found[0], "flushed": found[1] == 0.0, "cached": sum(compute.compiled.stats.cache_hits.values()),
    "reached": [insides.reach(name) is not None for name in ("linking", "raw_views", "machine_code")],
}))
"""


def compute(broken, folder):
    module = folder / "small.py"
    if not module.exists():  # its age is part of the key of Numba's own cache
        module.write_text(SMALL)
    environment = os.environ | {
        "NUMBA_CACHE_DIR": str(folder / "cache"),
        "PYTHONPATH": os.pathsep.join([str(folder), *sys.path]),
    }
    command = [sys.executable, "-c", f"{BROKEN[broken]}import small"]
    return json.loads(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def assert_done_without(broken, first):
    block = 1e-10 * np.arange(3.0, 9.0).reshape(2, 3)
    assert first["found"] == pytest.approx((block @ block.T).sum() / 4 / 2)
    assert first["flushed"] is (broken != "all" and denormals.HAS_MXCSR)
    assert first["cached"] == 0
    reached = {"all": [False, False, False], "renamed": [False, True, True]}
    assert first["reached"] == reached.get(broken, [name != broken for name in PARTS])


@pytest.mark.slow
@pytest.mark.parametrize("broken", [name for name in BROKEN if name != "all"])
def test_a_part_that_cannot_be_used_is_done_without(tmp_path, broken):
    assert_done_without(broken, compute(broken, tmp_path))


@pytest.mark.slow
def test_without_all_parts_numbas_own_cache_is_used_and_may_be_damaged(tmp_path):
    first = compute("all", tmp_path)
    assert_done_without("all", first)
    assert compute("all", tmp_path) == first | {"cached": 1}
    for path in (tmp_path / "cache").rglob("*.nbi"):
        path.write_bytes(path.read_bytes()[:10])
    assert compute("all", tmp_path) == first


def count_and_fail(counter):
    counter[0] += 1
    raise ValueError("its own")


def test_with_numbas_own_cache_a_function_that_fails_runs_once(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    compiled, counter = NumbaCached(count_and_fail, {}, ""), np.zeros(1)
    for calls in (1, 2):
        with pytest.raises(ValueError, match="its own"):
            compiled(counter)
        assert counter[0] == calls


FIT = """
import json, warnings
import numpy as np
from bpmodel import BPClassifier
warnings.simplefilter("ignore")
X = np.random.default_rng(0).normal(size=(50, 3))
model = BPClassifier(hidden_layer_sizes=(5, 4), solver="lbfgs", random_state=0, max_iter=20)  # compiles less than the loop
print(json.dumps([model.fit(X, X[:, 0] > 0).loss_curve_, model.predict_proba(X).tolist()]))
"""


def fit(broken):
    command = [sys.executable, "-c", broken + FIT]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.slow
def test_a_fit_is_the_same_with_a_numba_of_which_nothing_is_known():
    for known, public in zip(fit(""), fit(OTHER_VERSION), strict=True):
        assert public == [pytest.approx(value, rel=1e-9) for value in known]


@pytest.mark.parametrize(
    ("version", "usable"), [((0, 62), False), ((0, 63), True), ((0, 68), True), ((0, 69), False), ((1, 0), False)]
)
def test_versions_between_the_first_and_the_last_are_used(monkeypatch, version, usable):
    monkeypatch.setattr(numba, "version_info", numba.version_info._replace(short=version))
    assert insides.usable() is usable
    assert (insides.reach("linking") is not None) is usable


def test_the_installed_numba_is_known():
    assert insides.usable(), (
        f"Numba {numba.__version__} is not known: everything works, but compiling and loading are slower. Set `LAST` in "
        "bpmodel/compiler/insides.py to it, run all tests, and see whether loading needs the runtime alone "
        "(`NEEDS_RUNTIME_ALONE`, test_kernels.py)"
    )
    assert all(insides.reach(name) for name in PARTS)
    assert insides.LAST in insides.NEEDS_RUNTIME_ALONE, "see whether the newest version needs the runtime alone"
