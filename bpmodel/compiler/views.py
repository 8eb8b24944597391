"""Views of arrays that cost compiled code nothing: matrices within flat arrays, and the other way round.

A network's parameters, and the layers of a minibatch, lie in one flat array each. Numba's `reshape` takes 24 ns, as it looks for
a way to do without a copy and counts references; a step of a small network, which has fourteen of them, takes 4.5 us. These
views write down where the numbers are and no more: nothing is checked, and a view does not keep its array alive. They are for
arrays that the caller was handed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numba.core import cgutils, types
from numba.core.errors import TypingError
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array
from numpy.typing import NDArray


def _matrix(typing: Any, flat: Any, start: Any, rows: Any, columns: Any) -> Any:
    _need_contiguous(flat, 1)
    signature = flat.copy(ndim=2)(flat, types.intp, types.intp, types.intp)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        flat, start, *shape = arguments
        return _view(context, builder, signature, flat, start, shape)

    return signature, build


def _flat(typing: Any, matrix: Any) -> Any:
    _need_contiguous(matrix, 2)
    signature = matrix.copy(ndim=1)(matrix)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        size = make_array(signature.args[0])(context, builder, arguments[0]).nitems
        return _view(context, builder, signature, arguments[0], context.get_constant(types.intp, 0), [size])

    return signature, build


def _uncounted(typing: Any, arrays: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _without_owners(context, builder, signature.return_type, arguments[0])

    return arrays(arrays), build


def _without_owners(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return an array that names no owner, or the same of all arrays in a named tuple; other values as they are."""
    if isinstance(kind, types.NamedTuple):
        for i, kind_of_part in enumerate(kind.types):
            part = _without_owners(context, builder, kind_of_part, builder.extract_value(value, i))
            value = builder.insert_value(value, part, i)
        return value
    if isinstance(kind, types.Array):
        array = make_array(kind)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        return array._getvalue()
    return value


def _need_contiguous(array: Any, ndim: int) -> None:
    if not (isinstance(array, types.Array) and array.ndim == ndim and array.layout == "C"):
        raise TypingError(f"a view needs a C-contiguous array of {ndim} dimension(s); got {array}")


def _view(context: Any, builder: Any, signature: Any, array: Any, start: Any, shape: Sequence[Any]) -> Any:
    source = make_array(signature.args[0])(context, builder, array)
    view = make_array(signature.return_type)(context, builder)
    steps = [builder.mul(length, source.itemsize) for length in shape[1:]]
    populate_array(
        view,
        data=builder.gep(source.data, [start]),
        shape=cgutils.pack_array(builder, shape),
        strides=cgutils.pack_array(builder, [*steps, source.itemsize]),
        itemsize=source.itemsize,
        meminfo=None,
    )
    return view._getvalue()


compiled: Any = intrinsic  # what it returns is typed as if Python could not call it

matrix: Callable[[NDArray, int, int, int], NDArray] = compiled(_matrix)
"""``matrix(flat, start, rows, columns)``: so many numbers of a flat array, from place `start` on, as a C-contiguous matrix"""

flat: Callable[[NDArray], NDArray] = compiled(_flat)
"""``flat(matrix)``: a C-contiguous matrix as a flat array"""

uncounted: Callable[[Any], Any] = compiled(_uncounted)
"""``uncounted(arrays)``: the same array, or named tuple of arrays, whose references compiled code does not count.

A function counts up every array that it is handed, and down again: for the tuples of the training loop that is a third of a
step of a small network.
"""
