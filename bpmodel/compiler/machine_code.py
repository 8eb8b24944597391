"""Machine code on disk, and how it is loaded in the first hundredths of a second of a search.

Numba keeps what it compiled, but before it loads any of it, it gets ready to compile more: it imports and registers everything
that compiled code could call, and compiles a part of its runtime, two thirds of the time until a first network trained. And it
reads the code again in the compiler's own form, a fifth, in case it is to be linked into other functions. What is loaded here is
called by Python alone.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
from llvmlite import binding as llvm
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.runtime.nrt import _nrt as runtime


def understood() -> bool:
    """Say whether this version of Numba was found to need nothing but its runtime for machine code that is loaded."""
    return numba.version_info.short == (0, 68)


class CalledByPython(CompileResultCacheImpl):
    """What is kept of a compiled function: its machine code, and in the compiler's form only the name that Python calls."""

    def reduce(self, cres: Any) -> tuple[Any, ...]:
        """Return what is written to disk of a function that was compiled."""
        (name, kind, (code, _)), *rest = super().reduce(cres)
        stub = llvm.parse_assembly(f'define void @"{cres.fndesc.llvm_cpython_wrapper_name}"() {{ ret void }}')
        return (name, kind, (code, stub.as_bitcode())), *rest


@cache
def _name_runtime() -> None:
    """Tell the linker where the functions of Numba's runtime are; Numba compiles a few more, which are in the machine code."""
    for name, address in runtime.c_helpers.items():
        llvm.add_symbol(name if name.startswith("_") else f"NRT_{name}", address)


class MachineCodeCache(FunctionCache):
    """Numba's cache on disk, without what only functions need that others are compiled with."""

    _impl_class = CalledByPython

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the machine code for a signature, or None if it is not there."""
        _name_runtime()
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)
