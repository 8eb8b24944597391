"""Start-up times: imports, compilation, and a first fit that is served from the cache.

    python -m benchmarks.start [--repeats 3] [--markdown FILE]

Every figure is from a new process; that of a command is processor time, which does not depend on how busy the machine is.
Compilation is measured once, with an empty folder for Numba's cache. The same folder then
serves the cached starts. The fit has 40 rows and one epoch, so what counts is loading the machine code.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial

from benchmarks.common import ROOT, Table, in_a_new_process, main, say, seconds, take_turns
from search.commands import verbs

IMPORT = "import bpmodel"
PEER_IMPORT = "import sklearn.neural_network"
COMMANDS = (["--version"], ["--help"], *([verb, "--help"] for verb in verbs()))
FIT = """
import time, warnings
import numpy as np
from bpmodel import BPRegressor
warnings.simplefilter("ignore")
X = np.linspace(-1, 1, 40).reshape(-1, 1)
started = time.perf_counter()
BPRegressor(hidden_layer_sizes=(2,), max_iter=1, dtype={dtype!r}).fit(X, X.ravel()).predict(X)
print(time.perf_counter() - started)
"""


def processor_seconds(*arguments: str) -> float:
    """Return the processor time, in user and kernel mode, of one `bpsearch` command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "bpsearch", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure(repeats: int, compiling: bool = True, commands: Sequence[Sequence[str]] = COMMANDS) -> Table:
    """Time the first import, the first fit with nothing compiled, and the first fit of a later process."""
    rows = []

    def add(name: str, figure: float) -> None:
        rows.append([name, f"{figure:.2f}"])
        say(*rows[-1])

    def first_fit(dtype: str) -> float:
        return float(in_a_new_process(FIT.format(dtype=dtype), NUMBA_CACHE_DIR=folder))

    with tempfile.TemporaryDirectory() as folder:
        if compiling:
            add("first fit, nothing compiled", first_fit("float32"))
            add("first fit in float64 after that, not compiled yet", first_fit("float64"))
        turns = {
            f"python -c '{code}'": partial(seconds, in_a_new_process, code) for code in ("pass", PEER_IMPORT, IMPORT)
        }
        turns |= {
            f"bpsearch {' '.join(command)} (processor time)": partial(processor_seconds, *command)
            for command in commands
        }
        if compiling:
            turns["first fit, compiled before"] = partial(first_fit, "float32")
        for name, figure in take_turns(turns, repeats).items():
            add(name, figure)
    return Table(
        ["what", "seconds"],
        rows,
        f"Each in a new process; fits without their imports. Compilation measured once, the others medians of {repeats} repeats.",
    )


if __name__ == "__main__":
    main("start", measure, repeats=3)
