"""Compiled code: chosen by the code of a row, and served from disk to the next process."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bpmodel
from bpmodel import BPRegressor
from bpmodel.compiler import cache, jit
from bpmodel.compiler.kernels import choose, entry_point, kernel
from bpmodel.compiler.tables import Table
from bpmodel.functions.activations import ACTIVATIONS, Activation
from bpmodel.network.loop import train
from bpmodel.network.prediction import predict_into
from bpmodel.preload import preload, preloaded


@kernel
def plus_one(x):
    return x + 1


@kernel
def doubled(x):
    return x * 2


@kernel
def negated(x):
    return -x


ROWS = [
    Activation(function.py_func.__name__, "", function, function, "he_uniform")
    for function in (plus_one, doubled, negated)
]


@pytest.fixture
def own_tables(monkeypatch, tmp_path):
    """Tables, functions and a cache for one test: what is compiled for all others stays as it is."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(Table, "revision", Table.revision)
    for name in ("_choices", "_inner_functions"):
        monkeypatch.setattr(f"bpmodel.compiler.kernels.{name}", [])
    monkeypatch.setattr("bpmodel.compiler.kernels._revision", Table.revision)


def call(code, x):
    return picked(code, x)  # noqa: F821 - a global that tests set


@pytest.fixture
def chosen(own_tables, monkeypatch):
    """Return a function that chooses from a table and can be called from Python, which what `choose` returns cannot."""

    def make(table):
        monkeypatch.setitem(globals(), "picked", choose(table, lambda row: row.value))
        return entry_point(call)

    return make


@pytest.mark.parametrize("count", [1, 2, 3])
def test_choose_calls_the_row_of_the_code_and_no_other(chosen, count):
    rows = ROWS[:count]
    picked = chosen(Table("row", rows))
    assert [picked(code, 5.0) for code in range(count)] == [row.value(5.0) for row in rows]
    for code in (count, 99, -1):
        with pytest.raises(ValueError, match="no row of the table has this code"):
            picked(code, 5.0)


def test_a_row_that_is_added_is_compiled_at_the_next_call(chosen):
    table = Table("row", ROWS[:2])
    picked = chosen(table)
    assert picked(1, 5.0) == 10
    first = picked.compiled
    table.add(ROWS[2])
    assert [picked(code, 5.0) for code in range(3)] == [6, 10, -5]
    assert picked.compiled is not first
    with pytest.raises(ValueError, match="no row"):
        picked(3, 5.0)


def test_an_entry_point_is_no_closure():
    """The cache knows functions by their names."""
    factor = 2

    def scaled(x):
        return factor * x

    with pytest.raises(ValueError, match="scaled is a closure"):
        entry_point(scaled)


def test_a_network_with_an_unknown_code_raises():
    """It trained softplus: the last row took every code beyond it."""
    X = np.linspace(-1, 1, 20).reshape(-1, 1)
    model = BPRegressor(hidden_layer_sizes=(2,), solver="lbfgs", max_iter=1, tol=1e9, dtype="float64").fit(X, X[:, 0])
    network = model._network()
    unknown = network._replace(activations=np.array([len(ACTIVATIONS)]))
    model._network = lambda *_: unknown
    with pytest.raises(ValueError, match="no row of the table has this code"):
        model.predict(X)
    smallest = np.nextafter(0, 1)
    assert smallest * np.ones(1) > 0, "an error leaves denormals as they were, too"


def test_kernels_keep_single_precision():
    """A double precision constant would turn the whole loop into double precision."""
    for row in ACTIVATIONS.values():
        row.value(np.float32(0.5))
        row.slope(np.float32(0.5), np.float32(0.5))
        for function in (row.value, row.slope):
            single = [o for types, o in function.overloads.items() if all(str(t) == "float32" for t in types)]
            assert [str(o.signature.return_type) for o in single] == ["float32"], row.name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_preload(dtype):
    preload(dtype)
    assert preloaded()
    assert any(dtype in str(signature) for signature in train.compiled.signatures)
    assert any(dtype in str(signature) for signature in predict_into.compiled.signatures)


FITTED = """
import numba, numpy as np
from bpmodel import BPRegressor, register_activation
from bpmodel.compiler.kernels import EntryPoint, inner
from bpmodel.compiler.views import matrix

@inner
def halves(a): return matrix(a, 0, 2, 2)
def product(a): return np.dot(halves(a), halves(a)).sum()

def theirs(x): return x
X = np.linspace(-1, 1, 20)[:, None]
network = BPRegressor(hidden_layer_sizes=(3,), max_iter=3, dtype="float32", random_state=0).fit(X, X[:, 0])
print(network.loss_curve_, network.predict(X[:3]).tolist(), EntryPoint(product)(np.arange(4.0)))
register_activation("twice", lambda z: z + z, lambda a, z: z - z + 2, meaning="2 z")
print(numba.config.DISABLE_JIT, numba.njit(theirs) is theirs)
"""


@pytest.mark.slow
def test_fits_are_the_same_where_numba_is_told_not_to_compile():
    """Each fit ended with "<intrinsic _flush_denormals> is not usable in pure-python". The user's functions stay as they are."""
    outputs = []
    for value in ("0", "1"):
        environment = os.environ | {"NUMBA_DISABLE_JIT": value, "PYTHONWARNINGS": "ignore"}
        command = [sys.executable, "-c", FITTED]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        outputs.append(ran.stdout.splitlines())
    assert outputs[0][0] == outputs[1][0]
    assert [lines[1] for lines in outputs] == ["0 False", "1 True"]


def test_the_setting_is_put_back_after_the_last_of_several_threads(monkeypatch):
    monkeypatch.setattr(jit.config, "DISABLE_JIT", 1)
    first, second = jit.enabled(), jit.enabled()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert jit.config.DISABLE_JIT == 0
    assert jit.is_disabled()
    second.__exit__(None, None, None)
    assert jit.config.DISABLE_JIT == 1


LOAD_ALL = """
import json, sys, warnings
import numpy as np
from numba.core.cpu import CPUContext

refreshed = []
def refresh(context, refresh=CPUContext.refresh):
    refreshed.append(context)
    refresh(context)
CPUContext.refresh = refresh

import bpmodel
from bpmodel import BPRegressor, sharpness
from bpmodel.compiler.insides import needs_runtime_alone
from bpmodel.compiler.kernels import EntryPoint
from bpmodel.full_batch import objective
from bpmodel.network import loop, prediction

X = np.random.default_rng(0).normal(size=(40, 3))
given = {"hidden_layer_sizes": (4,), "random_state": 0, "max_iter": 20, "early_stopping": True, "dtype": "float64"}
warnings.simplefilter("ignore")
found = {}
for solver in ("adam", "lbfgs", "lm"):
    model = BPRegressor(solver=solver, **given).fit(X, X[:, 0])
    found[solver] = [model.predict(X).tolist(), sharpness(model, X, X[:, 0])]
functions = {name: f for module in (objective, prediction, loop) for name, f in vars(module).items() if isinstance(f, EntryPoint)}
stats = {name: f.compiled.stats for name, f in functions.items()}
print(json.dumps({
    "where": bpmodel.__file__,
    "found": found,
    "compiled": sum(sum(s.cache_misses.values()) for s in stats.values()),
    "loaded": sorted(name for name, s in stats.items() if s.cache_hits),
    "refreshed": len(refreshed),
    "runtime alone": needs_runtime_alone(),
}))
"""


def load_all_in_a_new_process(folder, path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": str(path)}
    options: dict = {"env": environment, "cwd": path, "capture_output": True, "text": True, "check": True}
    ran = subprocess.run([sys.executable, "-c", LOAD_ALL], **options)
    return json.loads(ran.stdout), ran.stderr


@pytest.fixture
def almost_full_cache(tmp_path):
    """A cache in which all that this machine has compiled before is, but for one function."""
    own = tmp_path / "bpmodel" / cache.source_digest()
    own.mkdir(parents=True)
    for path in [path for shared in cache.folders()[:1] for path in shared.glob("*.machine")]:
        if not path.name.startswith("predict_into-"):
            shutil.copy2(path, own)
    return tmp_path


@pytest.mark.slow
def test_a_second_process_with_a_copy_of_the_code_compiles_nothing_and_does_not_get_ready_to(
    almost_full_cache, tmp_path
):
    """Models from a server bring along a copy of the code: each of them compiled for ten seconds."""
    package = Path(bpmodel.__file__).parent
    copy = shutil.copytree(package, tmp_path / "elsewhere" / "bpmodel", ignore=shutil.ignore_patterns("__pycache__"))
    for path in copy.rglob("*.py"):
        os.utime(path, (1, 1))
    first, told = load_all_in_a_new_process(almost_full_cache, package.parent)
    second, silence = load_all_in_a_new_process(almost_full_cache, copy.parent)
    assert Path(second["where"]).parent == copy
    assert second["loaded"] == ["add_up", "linearize_rows", "predict_into", "score", "train"]
    assert (first["compiled"] > 0, second["compiled"]) == (True, 0)
    assert first["refreshed"]
    assert bool(second["refreshed"]) != second["runtime alone"]
    assert second["found"] == first["found"]
    assert list(tmp_path.glob("bpmodel/*/predict_into-*")), "the cache lies where NUMBA_CACHE_DIR says"
    assert (told.count("\n"), silence) == (1, ""), "one line where something is compiled, none where it is loaded"
    assert re.fullmatch(r"bpmodel: compiling .*, once on this machine; takes about .*\n", told)
