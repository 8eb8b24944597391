"""A graph of ONNX operators as plain data: nodes, constants and inputs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpmodel.export.refusal import NotExportable

ML = "ai.onnx.ml"
"""The standard domain of the operators of classical machine learning, such as LabelEncoder."""


class Node(NamedTuple):
    """One operator with its inputs and its output, all by name."""

    operator: str
    inputs: tuple[str, ...]
    output: str
    attributes: dict[str, Any]
    domain: str


class Input(NamedTuple):
    """An input of the graph.

    Attributes
    ----------
    kind : str
        What it holds, in words: "number", "truth", "duration" or "category".
    width : int
        Its shape is (n, width).
    text : bool
        Whether it holds strings; otherwise it holds numbers in the precision of the graph.
    """

    kind: str
    width: int
    text: bool


class Graph:
    """A graph that grows: `add` appends a node and returns the name of its output.

    Parameters
    ----------
    dtype : dtype
        The precision of the numbers of inputs, outputs and constants: float32 or float64.
    reserved : iterable of str
        Names that no node may have, because an input has them or may get them.

    Examples
    --------
    >>> graph = Graph(np.dtype("float32"), ["area"])
    >>> graph.add("Mul", graph.numbers("area"), 2.0)
    'Mul_1'
    >>> graph.nodes[0].inputs, graph.constants["constant_0"]
    (('area', 'constant_0'), array(2., dtype=float32))
    """

    def __init__(self, dtype: np.dtype, reserved: Iterable[str] = ()) -> None:
        self.dtype = dtype
        self.nodes: list[Node] = []
        self.constants: dict[str, NDArray] = {}
        self.inputs: dict[str, Input] = {}
        self._reserved = set(reserved)
        self._same: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._count = 0

    def add(
        self, operator: str, *operands: Any, dtype: np.dtype | None = None, domain: str = "", **attributes: Any
    ) -> str:
        """Append a node; return the name of its output.

        Operands are names of tensors, or numbers and arrays, which become constants: floats in `dtype`, by default that of the
        graph.
        """
        names = tuple(o if isinstance(o, str) else self.constant(o, dtype or self.dtype) for o in operands)
        return self.name(operator, names, self._fresh(operator), domain, **attributes)

    def name(self, operator: str, inputs: Iterable[str], output: str, domain: str = "", **attributes: Any) -> str:
        """Append a node whose output has a given name; return that name."""
        self.nodes.append(Node(operator, tuple(inputs), output, attributes, domain))
        return output

    def cast(self, tensor: str, dtype: Any, before: Any = None) -> str:
        """Return a tensor in another type; the same tensor if `before`, the type that it has, is that type."""
        if before is not None and np.dtype(before) == np.dtype(dtype):
            return tensor
        return self.add("Cast", tensor, to=np.dtype(dtype))

    def constant(self, value: Any, dtype: np.dtype) -> str:
        """Return the name of a constant tensor; equal ones are stored once.

        Raises
        ------
        NotExportable
            If a number is beyond the precision of floats.
        """
        array = np.asarray(value)
        if array.dtype.kind == "f":
            array = _in_precision(array, dtype)
        key = (
            array.dtype.str,
            array.shape,
            repr(array.tolist()).encode() if array.dtype.kind in "OU" else array.tobytes(),
        )
        if key not in self._same:
            self._same[key] = self._fresh("constant")
            self.constants[self._same[key]] = array
        return self._same[key]

    def numbers(self, name: str, kind: str = "number", width: int = 1) -> str:
        """Return the name of an input that holds numbers."""
        return self._input(name, Input(kind, width, text=False))

    def texts(self, name: str) -> str:
        """Return the name of an input that holds texts."""
        return self._input(name, Input("category", 1, text=True))

    def _input(self, name: str, wanted: Input) -> str:
        known = self.inputs.setdefault(name, wanted)
        if known.text != wanted.text:
            raise NotExportable(f"column {name!r} is read as a number and as text; an input can be one of them")
        return name

    def _fresh(self, stem: str) -> str:
        while (name := f"{stem}_{self._count}") in self._reserved:
            self._count += 1
        self._count += 1
        return name


def _in_precision(array: NDArray, dtype: np.dtype) -> NDArray:
    with np.errstate(over="ignore"):  # refused in words
        held = array.astype(dtype)
    if lost := array[np.isfinite(array) & ~np.isfinite(held)].tolist():
        raise NotExportable(
            f"the model has the number {lost[0]:g}, which {dtype} does not hold; dtype='float64' holds it"
        )
    return held


def divisible(scale: NDArray, dtype: np.dtype) -> NDArray:
    """Return a scale, which is no zero in a precision.

    Raises
    ------
    NotExportable
        If the precision makes a zero of it, so that a division would give infinite numbers, or an infinite number.

    Examples
    --------
    >>> divisible(np.array([1e-300]), np.dtype("float32"))
    Traceback (most recent call last):
    bpmodel.export.refusal.NotExportable: the model has the scale 1e-300, which is 0 in float32; dtype='float64' holds it
    """
    if lost := np.ravel(scale)[np.ravel((scale != 0) & (_in_precision(scale, dtype) == 0))].tolist():
        raise NotExportable(f"the model has the scale {lost[0]:g}, which is 0 in {dtype}; dtype='float64' holds it")
    return scale
