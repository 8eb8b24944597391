"""Compiled code: chosen by row number, and served from disk to the next process."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from bpmodel.compiled import choose, kernel


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


@pytest.mark.parametrize("count", [1, 2, 3])
def test_choose_calls_the_row_of_the_code(count):
    kernels = list(ROWS.values())[:count]
    picked = choose(kernels)
    assert [picked(code, 5.0) for code in range(count)] == [row(5.0) for row in kernels]


def test_choose_gives_the_last_row_every_code_beyond_it():
    assert choose(list(ROWS.values()))(99, 5.0) == negated(5.0)


def test_kernels_keep_single_precision():
    """A double precision constant would turn the whole loop into double precision."""
    from bpmodel.activations import ACTIVATIONS

    for row in ACTIVATIONS.values():
        for function in (row.value, row.slope):
            function(np.float32(0.5))
            overload = function.overloads[(next(t for (t,) in function.overloads if str(t) == "float32"),)]
            assert str(overload.signature.return_type) == "float32", row.name


FIT = """
import json, numpy as np
from bpmodel import BPRegressor
from bpmodel.network import predict_into
from bpmodel.training import train
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
