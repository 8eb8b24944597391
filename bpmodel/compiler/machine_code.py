"""Machine code on disk, and how it is loaded in the first hundredths of a second of a search.

Numba keeps what it compiled, but before it loads any of it, it gets ready to compile more: it imports and registers everything
that compiled code could call, and compiles a part of its runtime, two thirds of the time until a first network is trained. And it
reads the code again in the compiler's own form, a fifth, in case it is to be linked into other functions. What is loaded here is
called by Python alone, and needs neither.
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
    """The cache of one entry point, as Numba asks it.

    Parameters
    ----------
    function : callable
        The Python function.
    registered : str
        Hash of the rows that are compiled with the built-in ones.
    """

    def __init__(self, function: Callable, registered: str) -> None:
        self._function, self._registered = function, registered

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the machine code for a signature, or None if it is not there, is damaged or is not to be trusted."""
        if needs_runtime_alone():
            _name_runtime()
        else:
            target_context.refresh()
        content = disk.read(self._file(sig, target_context.codegen()))
        if content is None:
            return None
        try:
            return CompileResult._rebuild(target_context, *pickle.loads(content))
        except Exception:  # whatever is wrong with it: the function is compiled, and the file written anew
            return None

    def save_overload(self, sig: Any, cres: Any) -> None:
        """Keep the machine code for a signature, if it can be kept: not where it holds addresses of this process."""
        if not cres.library.has_dynamic_globals:
            disk.write(self._file(sig, cres.codegen), dumps(_called_by_python(cres)))

    def _file(self, sig: Any, codegen: Any) -> str:
        key = (self._function.__module__, self._function.__qualname__, self._registered, sig, codegen.magic_tuple())
        return f"{self._function.__name__}-{hashlib.sha256(repr(key).encode()).hexdigest()[:24]}.machine"


def _called_by_python(cres: Any) -> tuple[Any, ...]:
    """Return what is kept of a compiled function: machine code, and in the compiler's form only the name that Python calls."""
    reduced = cres._reduce()
    if not needs_runtime_alone():
        return reduced
    (name, kind, (code, _)), *rest = reduced
    stub = llvm.parse_assembly(f'define void @"{cres.fndesc.llvm_cpython_wrapper_name}"() {{ ret void }}')
    return (name, kind, (code, stub.as_bitcode())), *rest


@cache
def _name_runtime() -> None:
    """Tell the linker where the functions of Numba's runtime are; Numba compiles a few more, which are in the machine code."""
    for name, address in runtime.c_helpers.items():
        llvm.add_symbol(name if name.startswith("_") else f"NRT_{name}", address)
