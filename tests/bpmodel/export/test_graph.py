"""A graph as plain data: constants are stored once, and no name is used twice."""

import numpy as np
import pytest

from bpmodel.export.graph import Graph
from bpmodel.export.refusal import NotExportable


@pytest.fixture
def graph() -> Graph:
    return Graph(np.dtype("float32"), ["a", "Mul_0", "constant_1"])


def test_equal_constants_are_one(graph):
    one = graph.constant(2.0, np.dtype("float32"))
    assert graph.constant(np.array(2.0), np.dtype("float32")) == one
    others = [
        graph.constant(2.0, np.dtype("float64")),
        graph.constant(2, np.dtype("float32")),
        graph.constant([2.0], np.dtype("float32")),
        graph.constant(np.array(["a", "b"]), np.dtype("float32")),
        graph.constant(np.array(["a", "c"]), np.dtype("float32")),
    ]
    assert len({one, *others}) == 6
    assert [graph.constants[name].dtype.kind for name in others] == ["f", "i", "f", "U", "U"]
    assert graph.constants[others[0]].dtype == np.float64


def test_names_are_new(graph):
    names = [graph.add("Mul", graph.numbers("a"), float(i)) for i in range(3)]
    taken = {"a", "Mul_0", "constant_1"}
    assert len({*names, *graph.constants, *taken}) == 3 + 3 + 3


def test_an_input_is_declared_once(graph):
    assert graph.numbers("a") == graph.numbers("a", "truth") == "a"
    assert graph.inputs["a"].kind == "number"
    with pytest.raises(NotExportable, match="column 'a' is read as a number and as text"):
        graph.texts("a")


def test_a_cast_that_changes_nothing(graph):
    x = graph.numbers("a")
    assert graph.cast(x, np.float32, before=np.float32) == x
    assert graph.cast(x, np.float64, before=np.float32) != x
    assert [node.attributes for node in graph.nodes] == [{"to": np.dtype("float64")}]
