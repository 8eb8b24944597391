"""What goes from step to step of a graph: columns that nobody has read yet, and matrices of numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bpmodel.export.graph import Graph
from bpmodel.export.refusal import NotExportable


class Column(NamedTuple):
    """A column of the input; whether it holds numbers or texts is decided by the first step that reads it.

    Attributes
    ----------
    name : str
    fill : str or None
        The text that stands in for a missing one.
    """

    name: str
    fill: Any = None


class Numbers(NamedTuple):
    """A matrix of numbers.

    Missing values are filled last of all: what stands in for them goes through the same steps in double precision, beside
    the graph. Otherwise a median near 2000 would lose digits in single precision.

    Attributes
    ----------
    tensor : str
        Its shape is (n, width).
    gaps : str or None
        The name of a tensor of truth values of the same shape: where `fill` stands in.
    fill : ndarray of shape (width,) or None
    """

    tensor: str
    width: int
    gaps: str | None = None
    fill: NDArray[np.float64] | None = None


Flow = list[Column | Numbers]
"""The columns of a table, in their order."""


def joined(flow: Flow, graph: Graph) -> Numbers:
    """Return all columns as one matrix of numbers; gaps stay open if there is but one part."""
    parts = [_numbers(part, graph) for part in flow]
    if len(parts) == 1:
        return parts[0]
    tensors = [settled(part, graph) for part in parts]
    return Numbers(graph.add("Concat", *tensors, axis=1), sum(part.width for part in parts))


def _numbers(part: Column | Numbers, graph: Graph) -> Numbers:
    if isinstance(part, Numbers):
        return part
    if part.fill is not None:
        raise NotExportable(f"column {part.name!r} holds texts, but a step reads it as a number")
    return Numbers(graph.numbers(part.name), 1)


def settled(numbers: Numbers, graph: Graph) -> str:
    """Return the tensor with its gaps filled."""
    if numbers.gaps is None:
        return numbers.tensor
    return graph.add("Where", numbers.gaps, numbers.fill, numbers.tensor)


def apart(flow: Flow, count: int, graph: Graph) -> Flow:
    """Return `count` columns, one part each."""
    if len(flow) == count:
        return flow
    whole = joined(flow, graph)
    return [picked(whole, [i], graph) for i in range(count)]


def picked(numbers: Numbers, indices: list[int], graph: Graph) -> Numbers:
    """Return some of the columns of a matrix, by their positions, which may repeat."""
    if indices == list(range(numbers.width)):
        return numbers
    where = np.array(indices, dtype=np.int64)
    gaps = None if numbers.gaps is None else graph.add("Gather", numbers.gaps, where, axis=1)
    fill = None if numbers.fill is None else numbers.fill[indices]
    return Numbers(graph.add("Gather", numbers.tensor, where, axis=1), len(indices), gaps, fill)
