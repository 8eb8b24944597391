"""A fitted model as an ONNX file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.utils.validation import check_is_fitted

from bpmodel.export import composition, predictors
from bpmodel.export.encoders import ENCODERS
from bpmodel.export.flow import Column, Flow, Numbers
from bpmodel.export.graph import ML, Graph, Input, Node
from bpmodel.export.refusal import NotExportable
from bpmodel.preprocessing import TablePreprocessor

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET, ML_OPSET, IR = 17, 2, 8
"""Opset 17 (2022) is the first with LayerNormalization; nothing here needs a newer one. So runtimes of 2022 and later read it."""

DTYPES = ("float32", "float64")
ROWS, MATRIX = "n", "X"
BY_COLUMN = (TablePreprocessor, ColumnTransformer, *ENCODERS)
"""First steps that may read the columns of an array as different types."""

MEANINGS = {
    "number": "a number; NaN is missing",
    "truth": "1 for true, 0 for false; NaN is missing",
    "duration": "a number of seconds; NaN is missing",
    "category": "a text; the empty text is missing",
}


def to_onnx(
    estimator: Any,
    *,
    dtype: str = "float32",
    name: str = "model",
    description: str = "",
    metadata: Mapping[str, str] | None = None,
) -> ModelProto:
    """Return a fitted model, with all steps before the network, as an ONNX model.

    A model that was fitted on a table has one input a column, of shape (n, 1), named as the column. Numbers are `dtype`, NaN
    if missing; truth values are 1 and 0, durations seconds; categories are strings, empty if missing, and whole numbers among
    them are written as ``"10"``. Columns that the model ignores are no inputs. A model that was fitted on an array has the
    input ``X`` of shape (n, n_features) if its first step takes numbers only; otherwise the columns are ``x0``, ``x1`` and so on.

    The output ``predict`` has what the method `predict` returns: shape (n,), or (n, n_outputs). Classifiers also have
    ``predict_proba`` of shape (n, n_classes).

    A graph cannot refuse a row: a level that is new to an encoder with ``handle_unknown="error"`` is no level (one-hot) or
    NaN (ordinal).

    Parameters
    ----------
    estimator : estimator
        A fitted network, an ensemble of them, a `TransformedTargetRegressor` around one, a Pipeline that ends in one, or a
        search that has one as `best_estimator_`.
    dtype : {"float32", "float64"}, default="float32"
        Precision of the numbers that go in and out. With "float64", preprocessing is computed in double precision, as in
        Python. That matters for numbers of which single precision, with about 7 digits, loses too much, such as seconds since
        1970. Graphics processors and some runtimes know single precision only.
    name, description : str
        The name of the graph, and a text for people.
    metadata : mapping of str to str, optional
        Further entries of the file's metadata.

    Returns
    -------
    onnx.ModelProto
        Checked by ``onnx.checker``. The entry "inputs" of its metadata is a JSON list of the columns with their kinds;
        "classes" is one of the classes.

    Raises
    ------
    NotExportable
        If a part of the model has no ONNX form. The error is a ValueError; it names the step, the option, its value and what
        can be exported.
    NotFittedError
        Before `fit`.
    ImportError
        Without the library onnx: ``pip install "bpsearch[onnx]"``.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn.pipeline import make_pipeline
    >>> from bpmodel import BPRegressor
    >>> from bpmodel.export import to_onnx
    >>> from bpmodel.preprocessing import TablePreprocessor
    >>> table = pd.DataFrame({"area": [50.0, 70.0, 100.0, 90.0], "town": ["Ulm", "Bonn", "Bonn", "Ulm"]})
    >>> model = make_pipeline(TablePreprocessor(), BPRegressor(solver="lbfgs")).fit(table, [1.0, 2.0, 4.0, 3.0])
    >>> graph = to_onnx(model).graph
    >>> [i.name for i in graph.input], [o.name for o in graph.output]
    (['area', 'town'], ['predict'])
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype={dtype!r} is unknown; allowed are {', '.join(DTYPES)}")
    try:
        import onnx
    except ImportError:
        raise ImportError('to_onnx needs the library onnx: pip install "bpsearch[onnx]"') from None
    estimator = getattr(estimator, "best_estimator_", estimator)
    check_is_fitted(estimator)
    columns = _columns(estimator)
    graph = Graph(np.dtype(dtype), [*columns, MATRIX, predictors.PREDICT, predictors.PROBABILITIES])
    flow: Flow = [Column(column) for column in columns]
    if not columns:
        width = composition.first_step(estimator).n_features_in_
        flow = [Numbers(graph.numbers(MATRIX, width=width), width)]
    outputs = predictors.predict(estimator, flow, graph)
    if "" in graph.inputs:
        raise NotExportable(
            "a column has the empty text as its name, which an input cannot have; rename it and fit again"
        )
    if taken := sorted(set(outputs) & set(graph.inputs)):
        raise NotExportable(f"column {taken[0]!r} has the name of an output; rename it and fit again")
    graph.inputs = {name: graph.inputs[name] for name in columns or graph.inputs if name in graph.inputs}
    facts = {"inputs": json.dumps([{"name": name, "kind": one.kind} for name, one in graph.inputs.items()])}
    if ignored := [column for column in columns if column not in graph.inputs]:
        facts["ignored"] = json.dumps(ignored)
    if hasattr(estimator, "classes_"):
        facts["classes"] = json.dumps(np.asarray(estimator.classes_).tolist())
    made = _model(graph, outputs, name, description)
    onnx.helper.set_model_props(made, {**(metadata or {}), **facts})
    onnx.checker.check_model(made, full_check=True)
    return made


def _columns(estimator: Any) -> list[str]:
    """Return the names of the columns; none if the input is one matrix."""
    first = composition.first_step(estimator)
    if hasattr(first, "feature_names_in_"):
        return [str(name) for name in first.feature_names_in_]
    return [f"x{i}" for i in range(first.n_features_in_)] if isinstance(first, BY_COLUMN) else []


def _model(graph: Graph, outputs: Mapping[str, tuple[Any, int]], name: str, description: str) -> ModelProto:
    import onnx
    from onnx import helper

    from bpsearch import __version__

    inputs = [_input(name, one, graph.dtype) for name, one in graph.inputs.items()]
    results = [
        helper.make_tensor_value_info(name, _type(kind), [ROWS, None][:dimensions])
        for name, (kind, dimensions) in outputs.items()
    ]
    made = helper.make_graph(
        [_node(node) for node in graph.nodes],
        name,
        inputs,
        results,
        [onnx.numpy_helper.from_array(_plain(value), key) for key, value in graph.constants.items()],
    )
    return helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(ML, ML_OPSET)],
        ir_version=IR,
        producer_name="bpsearch",
        producer_version=__version__,
        doc_string=description,
    )


def _input(name: str, one: Input, dtype: np.dtype) -> Any:
    from onnx import helper

    meaning = MEANINGS[one.kind]
    return helper.make_tensor_value_info(name, _type(str if one.text else dtype), [ROWS, one.width], doc_string=meaning)


def _node(node: Node) -> Any:
    from onnx import helper

    attributes: dict[str, Any] = {
        key: _type(value) if isinstance(value, np.dtype) else value for key, value in node.attributes.items()
    }
    made = helper.make_node(node.operator, node.inputs, [node.output], name=node.output, domain=node.domain)
    made.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
    return made


def _type(kind: Any) -> int:
    """Return ONNX' number of an element type."""
    from onnx import TensorProto, helper

    return int(TensorProto.STRING if kind is str else helper.np_dtype_to_tensor_dtype(np.dtype(kind)))


def _plain(value: Any) -> Any:
    """Return a constant in a type that a file can hold: texts as objects, no longer than they are."""
    return value.astype(object) if value.dtype.kind == "U" else np.ascontiguousarray(value)
