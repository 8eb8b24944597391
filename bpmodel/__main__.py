"""`python -m bpmodel` compiles the training loop ahead of its first use; later processes load it from the cache."""

import time
import warnings

import numpy as np

from bpmodel import BPRegressor


def main() -> None:
    started = time.perf_counter()
    X = np.linspace(-1, 1, 40).reshape(-1, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        BPRegressor(hidden_layer_sizes=(2,), max_iter=1).fit(X, X.ravel()).predict(X)
    print(f"training loop ready after {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
