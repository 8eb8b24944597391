"""Compiled code: chosen by row number, and served from disk to the next process."""

import gc
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from numba.core.caching import FunctionCache

from bpmodel.activations import ACTIVATIONS
from bpmodel.compiled import choose, kernel
from bpmodel.epochs import train


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


FIT = """
import json, numpy as np
from bpmodel import BPRegressor
from bpmodel.prediction import predict_into
from bpmodel.epochs import train
X = np.random.default_rng(0).normal(size=(40, 3))
model = BPRegressor(hidden_layer_sizes=(4,), tol=10.0, random_state=0).fit(X, X[:, 0])
prediction = model.predict(X).tolist()
stats = [[sum(f.stats.cache_hits.values()), sum(f.stats.cache_misses.values())] for f in (train, predict_into)]
print(json.dumps({"stats": stats, "prediction": prediction}))
"""


def fit_in_a_new_process(cache):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache)}
    result = subprocess.run([sys.executable, "-c", FIT], env=environment, capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


def test_a_second_process_compiles_nothing(tmp_path):
    first, second = fit_in_a_new_process(tmp_path), fit_in_a_new_process(tmp_path)
    assert first["stats"] == [[0, 1], [0, 1]]
    assert second["stats"] == [[1, 0], [1, 0]]
    assert first["prediction"] == second["prediction"]
    assert list(tmp_path.glob("bpmodel/*/*/*.nbc")), "the cache lies where NUMBA_CACHE_DIR says"


@pytest.mark.parametrize("collecting", [True, False])
def test_no_garbage_is_looked_for_while_machine_code_is_loaded(monkeypatch, collecting):
    seen = []
    monkeypatch.setattr(FunctionCache, "load_overload", lambda *_: seen.append(gc.isenabled()))
    (gc.enable if collecting else gc.disable)()
    try:
        train._cache.load_overload(None, None)
        assert (seen, gc.isenabled()) == ([False], collecting)
    finally:
        gc.enable()
