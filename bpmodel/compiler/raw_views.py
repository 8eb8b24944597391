"""Array views built from the internals of Numba's arrays (`views`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numba import TypingError, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array


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


def _uncounted(typing: Any, arrays: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _without_owners(context, builder, signature.return_type, arguments[0])

    return arrays(arrays), build


def _without_owners(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return an array without an owner, so that references are not counted; tuples element by element, other values as is."""
    if isinstance(kind, types.BaseTuple):
        members: Any = kind  # Numba's annotations do not say that it is iterable
        for i, inner in enumerate(members):
            part = _without_owners(context, builder, inner, builder.extract_value(value, i))
            value = builder.insert_value(value, part, i)
        return value
    if isinstance(kind, types.Array):
        array = make_array(kind)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        return array._getvalue()
    return value


compiled: Any = intrinsic  # Numba's annotations claim that Python cannot call the result

matrix, flat, uncounted = compiled(_matrix), compiled(_flat), compiled(_uncounted)
