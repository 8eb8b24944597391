"""Views of arrays at no cost in compiled code: matrices within flat arrays, and the reverse.

A network's parameters lie in one flat array, and so do the layers of a minibatch. Numba's `reshape` takes 24 ns, because it
checks whether a copy is needed and counts references; a step of a small network takes 4.5 us and has fourteen of them. The views
of `raw_views` only store where the numbers are: they check nothing and do not keep their array alive. Use them only for arrays
that the caller passed in. Where Numba's internals are unknown, `reshape` takes their place.
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
"""``matrix(flat, start, rows, columns)``: a C-contiguous matrix of rows * columns elements of a flat array, from index `start`"""

flat: Callable[[NDArray], NDArray] = _raw.flat if _raw else _flattened
"""``flat(matrix)``: a C-contiguous matrix as a flat array"""

uncounted: Callable[[Any], Any] = _raw.uncounted if _raw else _as_it_is
"""``uncounted(arrays)``: the same array, or tuple of arrays, without reference counting in compiled code.

A function increments and decrements the reference count of every array argument. For the tuples of the training loop this takes
a third of a step of a small network.
"""
