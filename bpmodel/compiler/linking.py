"""Functions that compiled code alone calls, linked into their callers instead of being made into machine code themselves.

Numba optimises every function and turns it into machine code as if Python might call it; then it links it into its callers
and optimises it there once more. For functions that only other compiled functions call the first half is wasted: without it
the training loop compiles in two thirds of the time. `LinkedCompiler` is for the ``pipeline_class`` of `numba.njit`.
"""

from __future__ import annotations

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class LinkedLibrary(JITCodeLibrary):
    """The code of a function as the front end wrote it, for linking only."""

    def _optimize_final_module(self) -> None:
        pass  # its callers are

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class LinkedLowering(NativeLowering):
    """Numba's own lowering, to a library that is never loaded."""

    _name = "linked_lowering"

    def run_pass(self, state: Any) -> bool:
        state.library = LinkedLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        state.flags.no_compile = True
        super().run_pass(state)
        # The dispatcher tells its signatures apart by their entry points and wants built-in functions: this one is never called.
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
