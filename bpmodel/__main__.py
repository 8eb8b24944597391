"""`python -m bpmodel` compiles the training loop ahead of its first use; later processes load it from the cache."""

import time
import warnings

import numpy as np
from joblib import Parallel, delayed

from bpmodel import BPRegressor


def compile_for(dtype: str) -> None:
    """Compile what fits and predictions in one precision need."""
    X = np.linspace(-1, 1, 40).reshape(-1, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        BPRegressor(hidden_layer_sizes=(2,), max_iter=1, dtype=dtype).fit(X, X.ravel()).predict(X)


def main() -> None:
    """Compile both precisions, each in a process: Numba compiles one function at a time."""
    started = time.perf_counter()
    Parallel(n_jobs=2)(delayed(compile_for)(dtype) for dtype in ("float32", "float64"))
    print(f"training loop ready after {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
