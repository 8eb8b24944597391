"""Views of arrays that cost compiled code nothing: matrices within flat arrays, and the other way round.

A network's parameters, and the layers of a minibatch, lie in one flat array each. Numba's `reshape` takes 24 ns, as it looks for
a way to do without a copy and counts references; a step of a small network, which has fourteen of them, takes 4.5 us. The views
of `raw_views` write down where the numbers are and no more: nothing is checked, and a view does not keep its array alive. They
are for arrays that the caller was handed. Where Numba's insides are not known, `reshape` does the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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


@register_jitable
def _as_it_is(arrays):
    return arrays


matrix: Callable[[NDArray, int, int, int], NDArray] = _raw.matrix if _raw else _reshaped
"""``matrix(flat, start, rows, columns)``: so many numbers of a flat array, from place `start` on, as a C-contiguous matrix"""

flat: Callable[[NDArray], NDArray] = _raw.flat if _raw else _flattened
"""``flat(matrix)``: a C-contiguous matrix as a flat array"""

uncounted: Callable[[Any], Any] = _raw.uncounted if _raw else _as_it_is
"""``uncounted(arrays)``: the same array, or tuple of arrays, whose references compiled code does not count.

A function counts up every array that it is handed, and down again: for the tuples of the training loop that is a third of a
step of a small network.
"""
