"""Views of arrays that cost compiled code nothing: matrices within flat arrays, and the other way round.

A network's parameters, and the layers of a minibatch, lie in one flat array each. Numba's `reshape` takes 24 ns, as it looks for
a way to do without a copy and counts references; a step of a small network, which has fourteen of them, takes 4.5 us. The views
of `raw_views` write down where the numbers are and no more: nothing is checked, and a view does not keep its array alive. They
are for arrays that the caller was handed. Where Numba's insides are not known, `reshape` does the same.
"""

from __future__ import annotations

from collections.abc import Callable

from numba.extending import register_jitable
from numpy.typing import NDArray

from bpmodel.compiler.insides import reach

_raw = reach("raw_views")


@register_jitable
def _reshaped(flat, start, rows, columns):
    return flat[start : start + rows * columns].reshape(rows, columns)


@register_jitable
def _flattened(matrix):
    return matrix.reshape(matrix.size)


matrix: Callable[[NDArray, int, int, int], NDArray] = _raw.matrix if _raw else _reshaped
"""``matrix(flat, start, rows, columns)``: so many numbers of a flat array, from place `start` on, as a C-contiguous matrix"""

flat: Callable[[NDArray], NDArray] = _raw.flat if _raw else _flattened
"""``flat(matrix)``: a C-contiguous matrix as a flat array"""
