"""Decorators for compiled code: one set of flags, one cache on disk, and dispatch on table rows.

Every function inside the training loop is a `kernel`, or an `inner` kernel if only compiled code calls it. The few functions that
Python calls are `entry_point`s: they are compiled at their first call and loaded from a cache on disk afterwards. `choose` turns
a table column of kernels into one kernel whose first argument is the row's code. The loop is therefore compiled once for all
options, not once per combination.

Rows may be added to the tables at any time (`bpmodel.register_activation` and similar functions). The next call of an entry point
then recompiles it, together with all functions between it and the tables.

What keeps the loops fast (each point was measured):

- `fastmath` leaves out ``nnan`` and ``ninf``: with them the compiler may delete the checks for non-finite values.
- ``error_model="numpy"``: a division that may raise prevents vectorization of the loop.
- Constants are ``np.float32`` where that is exact; otherwise they go through `arithmetic.like`. A Python float would turn
  single precision arithmetic into double precision.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any

from bpmodel.compiler.announcement import watch
from bpmodel.compiler.denormals import keep_denormals
from bpmodel.compiler.fingerprint import fingerprint
from bpmodel.compiler.insides import reach
from bpmodel.compiler.jit import enabled, is_disabled, njit
from bpmodel.compiler.numba_cache import NumbaCached
from bpmodel.compiler.tables import Table

FLAGS: dict[str, Any] = {
    "fastmath": {"contract", "reassoc", "nsz", "arcp", "afn"},
    "error_model": "numpy",
    "nogil": True,
    "forceinline": False,
}

_linking, _machine_code = reach("linking"), reach("machine_code")
_LINKED = {"pipeline_class": _linking.LinkedCompiler} if _linking else {}

_inner_functions: list[Any] = []
_choices: list[Choice] = []
_outdated: list[Any] = []
"""old machine code of recompiled functions, kept because other threads may still be running it"""
_lock = threading.Lock()
_revision = Table.revision
"""revision of the tables that the functions between tables and entry points were compiled for"""

kernel = njit(**FLAGS, no_cfunc_wrapper=True)

formula = njit(**{**FLAGS, "forceinline": True}, no_cfunc_wrapper=True)
"""A kernel on scalars that a loop calls for each element: it is inlined, so that the compiler can vectorize the loop."""


def inner(function: Callable) -> Any:
    """A kernel that only compiled code can call: it becomes machine code only within its callers (`linking`)."""
    return _inner(function, **FLAGS)


def part(function: Callable) -> Any:
    """An `inner` kernel that is called in one place: a named piece of its caller, inlined at no cost."""
    return _inner(function, **{**FLAGS, "forceinline": True})


def _inner(function: Callable, **options: Any) -> Any:
    compiled = njit(**options, **_LINKED, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)
    _inner_functions.append(compiled)
    return compiled


def choose(table: Table, kernel_of: Callable[[Any], Callable]) -> Callable:
    """Return one kernel ``picked(code, *args)`` that calls ``kernel_of(row)(*args)`` for the row with that code.

    A tuple of functions inside compiled code would be a table of addresses, which cannot be cached. A chain of comparisons can
    be cached, and its cost is negligible next to an array operation. The chain is one generated function: if each comparison
    called the next as a function, the compiler would optimize the code again at every level. An unknown code raises ValueError.
    """
    choice = Choice(table, kernel_of)
    _choices.append(choice)
    return inner(choice.picked)


class Choice:
    """The chain of comparisons of `choose`; it can be regenerated when its table has grown."""

    def __init__(self, table: Table, kernel_of: Callable[[Any], Callable]) -> None:
        self._table, self._kernel_of = table, kernel_of
        self._scope: dict[str, Any] = {}
        self._count = 0
        exec("def picked(code, *args): pass", self._scope)
        self.picked: Any = self._scope["picked"]
        self.write()

    def write(self) -> None:
        """Generate the chain for all current rows of the table."""
        rows = list(self._table.values())
        for i in range(self._count, len(rows)):
            self._scope[f"kernel_{i}"] = self._kernel_of(rows[i])
        self._count = len(rows)
        calls = "".join(f"    if code == {i}:\n        return kernel_{i}(*args)\n" for i in range(self._count))
        written: dict[str, Any] = {}
        exec(f"def picked(code, *args):\n{calls}    raise ValueError('no row of the table has this code')\n", written)
        self.picked.__code__ = written["picked"].__code__

    def added(self) -> Sequence[Any]:
        """Return the registered rows, which are not built in."""
        return self._table.added


class EntryPoint:
    """A compiled function that Python calls."""

    def __init__(self, function: Callable) -> None:
        if getattr(function, "__closure__", None):
            raise ValueError(
                f"{function.__qualname__} is a closure: the cache cannot tell it from others of the same name"
            )
        update_wrapper(self, function)
        self._function = function
        self._revision = -1
        self._compiled: Any = None
        watch(function)

    def __call__(self, *arguments: Any) -> Any:
        compiled = self.compiled
        try:
            if is_disabled():
                with enabled():
                    return compiled(*arguments)
            return compiled(*arguments)
        except BaseException:
            keep_denormals()  # an error in compiled code skips `restore_denormals`
            raise

    @property
    def compiled(self) -> Any:
        """Numba's dispatcher, compiled for all current rows of the tables."""
        if self._revision != Table.revision:
            with _lock:
                _update_inner_functions()
                self._compiled, self._revision = _compiled(self._function), _revision
        return self._compiled


entry_point = EntryPoint
"""Decorator for a function that only Python calls; its machine code is cached on disk for the next process (`cache`)."""


def _update_inner_functions() -> None:
    """Mark the functions that call table rows for recompilation if rows were added."""
    global _revision
    if _revision == Table.revision:
        return
    _revision = Table.revision
    for choice in _choices:
        choice.write()
    for function in _inner_functions:
        _outdated.append(dict(function.overloads))
        function.overloads.clear()


def _compiled(function: Callable) -> Any:
    options = {**FLAGS, "no_cfunc_wrapper": True}
    registered = fingerprint([row for choice in _choices for row in choice.added()])
    if _machine_code is None:
        return NumbaCached(function, options, registered)
    compiled = njit(**options)(function)
    compiled._cache = _machine_code.MachineCode(function, registered)
    return compiled
