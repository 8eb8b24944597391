"""One message that explains the delay when code must be compiled because it is not in the cache yet."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from numba.core import event

from bpmodel.compiler import cache

TAKES = {
    "train": ("the training loop", "half a minute"),
    "predict_into": ("the prediction loop", "ten seconds"),
}
"""Per entry point: what a user calls it, and about how long it takes to compile; all others belong to full-batch solvers."""

OTHERS = ("a solver's loop", "ten seconds")

NOT_KEPT = "in every process, because no folder for it is this user's alone (NUMBA_CACHE_DIR may name one, as an absolute path)"

_functions: set[Callable] = set()
_silent = False


def watch(function: Callable) -> None:
    """Print the message when this function is compiled."""
    _functions.add(function)


def silence() -> None:
    """Announce nothing more in this process."""
    global _silent
    _silent = True


class _Listener(event.Listener):
    def on_start(self, event: Any) -> None:
        """Called when Numba starts to compile a function that is not in the cache."""
        function = event.data["dispatcher"].py_func
        if _silent or function not in _functions:
            return
        silence()  # one message per process is enough
        what, time = TAKES.get(function.__name__, OTHERS)
        often = "once on this machine" if cache.folders() else NOT_KEPT
        print(f"bpmodel: compiling {what}, {often}; takes about {time}", file=sys.stderr, flush=True)

    def on_end(self, event: Any) -> None:
        """Called when the function is compiled; does nothing."""


event.register("numba:compile", _Listener())
