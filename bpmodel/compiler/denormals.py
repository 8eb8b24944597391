"""Flush denormal numbers to 0 while a network trains or predicts.

Some values decay until they are denormal, below 1.2e-38 in single precision: a weight that is shrunk by a penalty and whose
inputs are 0, or the optimizer moments of a dead unit. On x86 an operation on such a number takes a hundred times as long, and a
fit may slow down sixtyfold (`docs/benchmarks.md`). Values this small do not change the loss.

Each thread has its own register MXCSR with two bits for this: denormal results become 0 (flush to zero, bit 15), and denormal
operands count as 0 (denormals are zeros, bit 6). On other processors, and under unknown versions of Numba, nothing is changed.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, register_jitable

from bpmodel.compiler.insides import usable
from bpmodel.compiler.jit import njit

FLUSH = 1 << 15 | 1 << 6
HAS_MXCSR = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686")
FLUSHES = HAS_MXCSR and usable()


def _flush_denormals(typing: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        before = _access(builder, "stmxcsr")
        _access(builder, "ldmxcsr", builder.or_(before, ir.Constant(ir.IntType(32), FLUSH)))
        return before

    return types.uint32(), build


def _restore_denormals(typing: Any, before: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _access(builder, "ldmxcsr", arguments[0])
        return context.get_dummy_value()

    return types.void(types.uint32), build


def _access(builder: Any, name: str, value: Any = None) -> Any:
    """Emit code that reads the register and returns its content, or that writes a value to it."""
    place = builder.alloca(ir.IntType(32))
    if value is not None:
        builder.store(value, place)
    pointer = ir.IntType(8).as_pointer()
    function = builder.module.declare_intrinsic(f"llvm.x86.sse.{name}", fnty=ir.FunctionType(ir.VoidType(), [pointer]))
    builder.call(function, [builder.bitcast(place, pointer)])
    return builder.load(place)


@register_jitable
def _leave():
    return np.uint32(0)


@register_jitable
def _leave_as_it_is(before):
    pass


compiled: Any = intrinsic  # Numba's annotations claim that Python cannot call the result

flush_denormals: Callable[[], int] = compiled(_flush_denormals) if FLUSHES else _leave
"""``flush_denormals()``, in compiled code: flush denormals to 0 in this thread; returns the value for `restore_denormals`"""

restore_denormals: Callable[[int], None] = compiled(_restore_denormals) if FLUSHES else _leave_as_it_is
"""``restore_denormals(before)``, in compiled code: restore the previous setting"""


@njit()
def keep_denormals():
    """Stop flushing denormals in this thread, from Python."""
    restore_denormals(flush_denormals() & ~np.uint32(FLUSH))  # type: ignore[arg-type]
