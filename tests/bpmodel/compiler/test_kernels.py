"""Compiled code: chosen by row number, and served from disk to the next process."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from bpmodel.compiler.kernels import choose, kernel
from bpmodel.functions.activations import ACTIVATIONS
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


ROWS = {"plus one": plus_one, "doubled": doubled, "negated": negated}


def from_python(picked):
    """What `choose` returns has no wrapper for Python: give it one."""

    @kernel
    def call(code, x):
        return picked(code, x)

    return call


@pytest.mark.parametrize("count", [1, 2, 3])
def test_choose_calls_the_row_of_the_code(count):
    kernels = list(ROWS.values())[:count]
    picked = from_python(choose(kernels))
    assert [picked(code, 5.0) for code in range(count)] == [row(5.0) for row in kernels]
    assert picked(99, 5.0) == kernels[-1](5.0), "the last row takes every code beyond it"


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
    assert any(dtype in str(signature) for signature in train.signatures)
    assert any(dtype in str(signature) for signature in predict_into.signatures)


LOAD_ALL = """
import json, warnings
import numpy as np
from numba.core.cpu import CPUContext

refreshed = []
def refresh(context, refresh=CPUContext.refresh):
    refreshed.append(context)
    refresh(context)
CPUContext.refresh = refresh

from bpmodel import BPRegressor, sharpness
from bpmodel.compiler import machine_code
from bpmodel.full_batch import objective
from bpmodel.network import prediction
from bpmodel.network.loop import train

X = np.random.default_rng(0).normal(size=(40, 3))
given = {"hidden_layer_sizes": (4,), "random_state": 0, "max_iter": 20, "early_stopping": True, "dtype": "float64"}
warnings.simplefilter("ignore")
found = {}
for solver in ("adam", "lbfgs", "lm"):
    model = BPRegressor(solver=solver, **given).fit(X, X[:, 0])
    found[solver] = [model.predict(X).tolist(), sharpness(model, X, X[:, 0])]
functions = {name: f for module in (objective, prediction) for name, f in vars(module).items()} | {"train": train}
caches = {name: f for name, f in functions.items() if hasattr(f, "_cache") and f._cache.__class__.__name__ != "NullCache"}
print(json.dumps({
    "found": found,
    "compiled": sum(sum(f.stats.cache_misses.values()) for f in caches.values()),
    "loaded": sorted(name for name, f in caches.items() if f.stats.cache_hits),
    "understood": machine_code.understood(),
    "refreshed": len(refreshed),
}))
"""


def load_all_in_a_new_process(cache):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    result = subprocess.run(
        [sys.executable, "-c", LOAD_ALL], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(result.stdout)


def test_a_second_process_compiles_nothing_and_does_not_get_ready_to(tmp_path):
    first, second = load_all_in_a_new_process(tmp_path), load_all_in_a_new_process(tmp_path)
    assert second["loaded"] == ["add_up", "linearize_rows", "predict_into", "score", "train"]
    assert (first["compiled"], second["compiled"]) == (5, 0)
    assert first["refreshed"]
    assert bool(second["refreshed"]) != second["understood"]
    assert second["found"] == first["found"]
    assert list(tmp_path.glob("bpmodel/*/*/*.nbc")), "the cache lies where NUMBA_CACHE_DIR says"
