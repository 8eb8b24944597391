"""The data structures of a network in compiled code: packed parameters, minibatches and workspace.

All parameters lie in one vector: first the weights of every layer, then the biases of every layer, then the scales of the
normalized hidden layers. An update rule is therefore one loop, and weight decay applies to a prefix of the vector. Layer l maps
``units[l]`` inputs to ``units[l + 1]`` outputs; `propagation` has the formula.

Shapes: W_l is (units[l], units[l + 1]), b_l and scale_l are (units[l + 1],), a_l is (rows, units[l]).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse

from bpmodel.functions.activations import ACTIVATIONS
from bpmodel.functions.losses import LOSSES
from bpmodel.functions.normalization import NORMALIZATIONS


class Network(NamedTuple):
    """A network as compiled code sees it."""

    parameters: NDArray
    """(n_weights + n_biases + n_scales,)"""
    running: NDArray
    """(2, hidden units): running means and variances of batch normalization; (2, 0) without it"""
    units: NDArray[np.int64]
    """(n_layers + 1,), from the inputs to the outputs"""
    activations: NDArray[np.int64]
    """(hidden layers,), rows of ACTIVATIONS"""
    normalization: int
    """row of NORMALIZATIONS"""
    loss: int
    """row of LOSSES"""
    loss_number: float
    """the parameter of the loss function, in the precision of the network's parameters"""


class Sparse(NamedTuple):
    """Rows in compressed sparse row format, as in SciPy; an empty `indptr` means that the rows are dense."""

    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray


class Batch(NamedTuple):
    """The rows of one minibatch; if they are sparse, `order` holds their row numbers."""

    rows: int
    order: NDArray[np.int32]
    sparse: Sparse


class Workspace(NamedTuple):
    """The buffers for one minibatch, allocated once per fit."""

    x: NDArray
    """(rows * units[0],): a_0, the inputs; empty if they are sparse"""
    y: NDArray
    """(rows, units[-1]): the targets"""
    w: NDArray
    """(rows,): the weights of the rows"""
    layers: NDArray
    """(rows * sum(units[1:]),): a_1, a_2, … one after the other"""
    inputs: NDArray
    """like layers, the pre-activations z_l from which slopes are computed; empty if all slopes follow from a_l"""
    normalized: NDArray
    """like layers, a_l W_l after normalization; empty without normalization"""
    spread: NDArray
    """(layers, max(rows, units)): inverse standard deviations of normalized layers"""
    deltas: NDArray
    """(2, rows * max(units[1:])): gradients with respect to the pre-activations z of two neighboring layers"""
    tally: NDArray
    """(3 * max(units[1:]),): sums per unit of the layer being measured"""
    delta_norm: NDArray[np.float64]
    """(layers,): norms of the gradients with respect to z, for the last minibatch that was measured"""
    gradient: NDArray
    """like Network.parameters"""


class Mode(NamedTuple):
    """What a training step does differently from a prediction or validation pass."""

    training: bool
    dropout: float
    key: int | np.int64
    """random key of the dropout masks"""
    measured: bool
    """whether the backward pass stores the gradient norms of the layers in `Workspace.delta_norm`"""


def build(
    units: Sequence[int],
    activations: Sequence[str],
    loss: str,
    dtype: np.dtype,
    *,
    normalization: str = "none",
    loss_number: float = 0.0,
) -> Network:
    """Return a network with all weights and biases zero, and all scales one."""
    hidden = sum(units[1:-1]) if normalization != "none" else 0
    parameters = np.zeros(n_weights(units) + sum(units[1:]) + hidden, dtype=dtype)
    parameters[parameters.size - hidden :] = 1
    running = np.zeros((2, hidden), dtype=dtype)
    running[1] = 1
    return assemble(parameters, running, units, activations, loss, normalization, loss_number)


def assemble(
    parameters: NDArray,
    running: NDArray,
    units: Sequence[int],
    activations: Sequence[str],
    loss: str,
    normalization: str = "none",
    loss_number: float = 0.0,
) -> Network:
    """Return a network around its arrays, which it shares."""
    return Network(
        parameters,
        running,
        np.asarray(units, dtype=np.int64),
        np.array([ACTIVATIONS.code(name) for name in activations], dtype=np.int64),
        NORMALIZATIONS.code(normalization),
        LOSSES.code(loss),
        held(loss_number, parameters.dtype),
    )


def check_shapes(
    parameters: NDArray, running: NDArray, units: Sequence[int], activations: Sequence[str], normalized: bool
) -> None:
    """Check that the arrays of a network have the sizes that compiled code takes them to have: it looks at no bounds.

    Parameters
    ----------
    parameters, running, units, activations
        As for `assemble`, of any origin, such as a file.
    normalized : bool
        Whether the hidden layers are normalized.

    Raises
    ------
    ValueError
        If a size is another one.

    Examples
    --------
    >>> check_shapes(np.zeros(13), np.zeros((2, 0)), [2, 3, 1], ["relu"], False)
    >>> check_shapes(np.zeros(12), np.zeros((2, 0)), [2, 3, 1], ["relu"], False)
    Traceback (most recent call last):
    ValueError: a network of 2-3-1 units has 13 parameters in one vector, not an array of shape (12,)
    """
    if len(units) < 2 or not all(isinstance(n, int | np.integer) and n >= 1 for n in units):
        raise ValueError(f"{units!r} are no units of layers")
    told = "a network of " + "-".join(map(str, units)) + " units"
    if len(activations) != len(units) - 2:
        raise ValueError(f"{told} does not have {len(activations)} activations")
    hidden = sum(units[1:-1]) if normalized else 0
    size = n_weights(units) + sum(units[1:]) + hidden
    if np.shape(parameters) != (size,):
        raise ValueError(f"{told} has {size} parameters in one vector, not an array of shape {np.shape(parameters)}")
    if np.shape(running) != (2, hidden):
        raise ValueError(f"{told} has no running means of shape {np.shape(running)}")
    kinds = {parameters.dtype.name, running.dtype.name}
    if len(kinds) > 1 or not kinds <= {"float32", "float64"}:
        raise ValueError(f"{told} has numbers of one type, float32 or float64, not {' and '.join(sorted(kinds))}")


def takes(network: Network, features: int) -> bool:
    """Return whether the arrays of a network have the sizes that its units say, and rows of so many features fit it.

    It is what `check_shapes` checks, in a twentieth of the time: another thread may have replaced some of the arrays.
    """
    inputs, *units = network.units.tolist()
    hidden = sum(units[:-1]) if network.normalization > 0 else 0
    size = sum(a * b for a, b in pairwise((inputs, *units))) + sum(units) + hidden
    sizes = network.parameters.size, network.running.size, network.activations.size, inputs
    return sizes == (size, 2 * hidden, len(units) - 1, features)


def held(value: float, dtype: np.dtype) -> Any:
    """Return the number of a precision that is nearest to a value; positive ones stay positive, and finite ones finite.

    >>> held(1e300, np.dtype("float32")), held(1e-300, np.dtype("float32")), held(0.5, np.dtype("float64"))
    (np.float32(3.4028235e+38), np.float32(1.1754944e-38), np.float64(0.5))
    """
    value = float(value)
    if value > 0:
        least, most = _range(dtype)
        value = min(max(value, least), most)
    return dtype.type(value)


@cache
def _range(dtype: np.dtype) -> tuple[float, float]:
    """Return the least positive number of normal precision, and the largest one."""
    limits = np.finfo(dtype)
    return float(limits.tiny), float(limits.max)


def workspace(network: Network, rows: int, *, gradient: bool = True, sparse: bool = False) -> Workspace:
    """Allocate buffers for `rows` rows; without `gradient`, for the forward pass only."""
    dtype = network.parameters.dtype
    inputs, *units = network.units.tolist()
    size = rows * sum(units)
    keeps_inputs = gradient and not all(list(ACTIVATIONS.values())[i].from_output for i in network.activations)
    normalizes = network.normalization > 0
    widest = max(units)
    return Workspace(
        x=np.zeros(0 if sparse else rows * inputs, dtype=dtype),
        y=np.zeros((rows if gradient else 0, units[-1]), dtype=dtype),
        w=np.zeros(rows if gradient else 0, dtype=dtype),
        layers=np.zeros(size, dtype=dtype),
        inputs=np.zeros(size if keeps_inputs else 0, dtype=dtype),
        normalized=np.zeros(size if normalizes and gradient else 0, dtype=dtype),
        spread=np.zeros((len(units) if normalizes else 0, max(rows, widest)), dtype=dtype),
        deltas=np.zeros((2, rows * widest if gradient else 0), dtype=dtype),
        tally=np.zeros(3 * widest if gradient else 0, dtype=dtype),
        delta_norm=np.zeros(len(units) if gradient else 0),
        gradient=np.zeros(network.parameters.size if gradient else 0, dtype=dtype),
    )


def n_weights(units: Sequence[int]) -> int:
    """Return the number of weights, biases not counted."""
    return int(sum(a * b for a, b in pairwise(units)))


def unpack(parameters: NDArray, units: Sequence[int]) -> tuple[list[NDArray], list[NDArray]]:
    """Return views: weights, each (fan_in, fan_out), and biases, each (fan_out,)."""
    weights, biases = [], []
    weight, bias = 0, n_weights(units)
    for fan_in, fan_out in pairwise(units):
        weights.append(parameters[weight : weight + fan_in * fan_out].reshape(fan_in, fan_out))
        biases.append(parameters[bias : bias + fan_out])
        weight, bias = weight + fan_in * fan_out, bias + fan_out
    return weights, biases


def split_sparse(X: Any, dtype: np.dtype, name: str = "Input X") -> tuple[NDArray, Sparse]:
    """Return X as (dense rows, sparse rows); one of them is empty. Arrays that have the right type are not copied.

    Raises
    ------
    ValueError
        If a value is too large for this precision.
    """
    if not issparse(X):
        return read_only(X, dtype, name), _no_sparse_rows(dtype)
    X = X.tocsr()
    return read_only(np.zeros((0, X.shape[1])), dtype), _sparse(X.indptr, X.indices, X.data, dtype, name)


@cache
def _no_sparse_rows(dtype: Any) -> Sparse:
    return _sparse(np.zeros(0), np.zeros(0), np.zeros(0), dtype)


def _sparse(indptr: NDArray, indices: NDArray, values: NDArray, dtype: np.dtype, name: str = "") -> Sparse:
    return Sparse(
        read_only(indptr, np.dtype(np.int64)),
        read_only(indices, np.dtype(np.int32)),
        read_only(values, dtype, name),
    )


def read_only(values: ArrayLike, dtype: np.dtype, name: str = "") -> NDArray:
    """Return the values as a read-only C-contiguous array: a view if the array already has the right type.

    Numba has separate types for writable and read-only arrays. If every array is passed as read-only, one kernel is enough.

    Raises
    ------
    ValueError
        If a value is too large for this precision; the message contains `name`.
    """
    try:
        with np.errstate(over="raise"):
            view = np.ascontiguousarray(values, dtype=dtype).view()
    except FloatingPointError:
        check_size(np.asarray(values), dtype, name)
        raise
    view.flags.writeable = False
    return view


def check_size(values: NDArray, dtype: np.dtype, name: str) -> None:
    """Raise ValueError if a value is too large for a precision; the message contains `name`."""
    largest = max(float(values.max(initial=0)), -float(values.min(initial=0)))
    if largest > float(np.finfo(dtype).max):
        raise ValueError(
            f"{name} contains a value too large for {dtype!r}: {largest:.6g}. Scale it, or set dtype='float64'"
        )
