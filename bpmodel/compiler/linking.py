"""A Numba compiler for functions that only compiled code calls: link them into their callers, emit no machine code of their own.

Numba optimizes every function and turns it into machine code as if Python might call it. Then it links the function into its
callers and optimizes it there again. For functions that only compiled code calls, the first half is wasted. Without it the
training loop compiles in two thirds of the time. Pass `LinkedCompiler` to `numba.njit` as ``pipeline_class``.
"""

from __future__ import annotations

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class LinkedLibrary(JITCodeLibrary):
    """The unoptimized code of a function as the front end generated it, for linking only."""

    def _optimize_final_module(self) -> None:
        pass  # its callers are

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class LinkedLowering(NativeLowering):
    """Numba's lowering step, into a library that is never loaded."""

    _name = "linked_lowering"

    def run_pass(self, state: Any) -> bool:
        state.library = LinkedLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        state.flags.no_compile = True
        super().run_pass(state)
        # The dispatcher needs a distinct built-in function as entry point for each signature; this one is never called.
        entry_point: Any = [].append
        state.targetctx.insert_user_function(entry_point, state.cr.fndesc, [state.library])
        state.reload_init.extend(state.library._reload_init)
        state.cr = state.cr._replace(cfunc=entry_point)
        return True


class LinkedCompiler(CompilerBase):
    """Numba's compiler, with `LinkedLowering` for its last step."""

    def define_pipelines(self) -> list[Any]:
        pipeline = DefaultPassBuilder.define_nopython_pipeline(self.state)
        pipeline.passes = [(LinkedLowering if step is NativeLowering else step, why) for step, why in pipeline.passes]
        pipeline.finalize()
        return [pipeline]
