"""Load and save machine code on disk within hundredths of a second, without initializing Numba's compiler.

Numba has its own cache, but before it loads anything, it prepares to compile more. It imports and registers everything that
compiled code could call and compiles a part of its runtime; this takes two thirds of the time until the first network is trained.
It also parses the code again in the compiler's intermediate form, in case it must be linked into other functions; this takes a
fifth. The functions loaded here are called only by Python and need neither.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from functools import cache
from typing import Any

from llvmlite import binding as llvm
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.runtime.nrt import _nrt as runtime
from numba.core.serialize import dumps

from bpmodel.compiler import cache as disk
from bpmodel.compiler.insides import needs_runtime_alone


class MachineCode(NullCache):
    """The cache of one entry point, with the interface that Numba's dispatcher calls.

    Parameters
    ----------
    function : callable
        The Python function.
    registered : str
        Hash of the registered rows that are compiled with the built-in ones.
    """

    def __init__(self, function: Callable, registered: str) -> None:
        self._function, self._registered = function, registered

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the machine code for a signature, or None if it is missing, damaged or not trustworthy."""
        if needs_runtime_alone():
            _name_runtime()
        else:
            target_context.refresh()
        content = disk.read(self._file(sig, target_context.codegen()))
        if content is None:
            return None
        try:
            return CompileResult._rebuild(target_context, *pickle.loads(content))
        except Exception:  # a bad file is not fatal: the function is compiled, and the file is overwritten
            return None

    def save_overload(self, sig: Any, cres: Any) -> None:
        """Save the machine code for a signature, unless it contains addresses of this process."""
        if not cres.library.has_dynamic_globals:
            disk.write(self._file(sig, cres.codegen), dumps(_called_by_python(cres)))

    def _file(self, sig: Any, codegen: Any) -> str:
        key = (self._function.__module__, self._function.__qualname__, self._registered, sig, codegen.magic_tuple())
        return f"{self._function.__name__}-{hashlib.sha256(repr(key).encode()).hexdigest()[:24]}.machine"


def _called_by_python(cres: Any) -> tuple[Any, ...]:
    """Return the data to save: the machine code, and an intermediate form that holds only the name that Python calls."""
    reduced = cres._reduce()
    if not needs_runtime_alone():
        return reduced
    (name, kind, (code, _)), *rest = reduced
    stub = llvm.parse_assembly(f'define void @"{cres.fndesc.llvm_cpython_wrapper_name}"() {{ ret void }}')
    return (name, kind, (code, stub.as_bitcode())), *rest


@cache
def _name_runtime() -> None:
    """Tell the linker the addresses of Numba's runtime functions; a few more are compiled and part of the machine code."""
    for name, address in runtime.c_helpers.items():
        llvm.add_symbol(name if name.startswith("_") else f"NRT_{name}", address)
