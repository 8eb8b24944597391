"""`python -m bpmodel` compiles the training loop before its first use; later processes load it from the cache."""

import time

from joblib import Parallel, delayed

from bpmodel.compiler.announcement import silence
from bpmodel.preload import preload


def compile_loop(dtype: str) -> None:
    """Compile the loop for one precision, without a message."""
    silence()
    preload(dtype)


def main() -> None:
    """Compile both precisions, each in its own process, because Numba compiles one function at a time."""
    started = time.perf_counter()
    Parallel(n_jobs=2)(delayed(compile_loop)(dtype) for dtype in ("float32", "float64"))
    print(f"training loop ready after {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
